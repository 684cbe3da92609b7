package arrival_test

import (
	"fmt"

	"plimsoll/arrival"
)

func Example() {
	schedule := arrival.Constant{Rate: 4}
	cursor := schedule.Cursor()
	for range 3 {
		at, _ := cursor.Next()
		fmt.Println(at)
	}
	// Output:
	// 0s
	// 250ms
	// 500ms
}
