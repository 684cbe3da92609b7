package payload_test

import (
	"fmt"
	"strings"

	"plimsoll/payload"
)

// Three in four requests carry the small body; the large one is a template.
func Example() {
	lines := `{"body": "5.1,3.5,1.4,0.2", "content_type": "text/csv", "weight": 3}
{"body_json": {"request": "{{seq}}", "rows": [[5.1, 3.5], [4.9, 3.0]]}}`

	source, err := payload.ParseSource("-;format=jsonl")
	if err != nil {
		fmt.Println(err)
		return
	}
	corpus, err := payload.Load(payload.Options{
		Sources: []payload.Source{source},
		Stdin:   strings.NewReader(lines),
		Seed:    3,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	bodies := corpus.Bodies()
	var scratch []byte
	for k := range uint64(8) {
		index, content := corpus.Body(k, scratch)
		if content == nil {
			content = bodies[index].Content
		} else {
			scratch = content
		}
		fmt.Printf("%d %s %s\n", k, bodies[index].ContentType, content)
	}
	// Output:
	// 0 text/csv 5.1,3.5,1.4,0.2
	// 1 application/json {"request": "1", "rows": [[5.1, 3.5], [4.9, 3.0]]}
	// 2 text/csv 5.1,3.5,1.4,0.2
	// 3 text/csv 5.1,3.5,1.4,0.2
	// 4 application/json {"request": "4", "rows": [[5.1, 3.5], [4.9, 3.0]]}
	// 5 text/csv 5.1,3.5,1.4,0.2
	// 6 text/csv 5.1,3.5,1.4,0.2
	// 7 text/csv 5.1,3.5,1.4,0.2
}
