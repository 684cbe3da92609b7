package emulator_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
)

// An endpoint is asked, as a real one would be, and model time passes on demand.
func Example() {
	e, err := emulator.New(emulator.Options{
		Model:     fleet.Model{Service: 5 * time.Millisecond, Workers: 4, Queue: 100},
		Endpoints: []emulator.Endpoint{{Name: "demo"}},
		Start:     time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
		NoAuth:    true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			log.Print(err)
		}
	}()
	server := httptest.NewServer(e)
	defer server.Close()

	answer, err := http.Post(server.URL+"/endpoints/demo/invocations", "text/csv", strings.NewReader("5.1,3.5,1.4,0.2"))
	if err != nil {
		log.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.StatusCode, answer.Header.Get("X-Amzn-Invoked-Production-Variant"))

	if err := e.Advance(15 * time.Minute); err != nil {
		log.Fatal(err)
	}
	fmt.Println("it is", e.Now().Format(time.TimeOnly))
	// Output:
	// 200 AllTraffic
	// it is 10:15:00
}
