package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
)

// One invocation of a modelled endpoint.
func Example() {
	endpoint, err := emulator.New(emulator.Options{
		EndpointName: "iris",
		Model:        fleet.Model{Service: time.Millisecond, Workers: 2, Queue: 100},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// To serve it: http.ListenAndServe("127.0.0.1:8080", endpoint).
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/endpoints/iris/invocations", strings.NewReader("5.1,3.5,1.4,0.2\n"))
	response := httptest.NewRecorder()
	endpoint.ServeHTTP(response, request)

	fmt.Println(response.Code, response.Header().Get("X-Amzn-Invoked-Production-Variant"))
	fmt.Printf("%+v\n", endpoint.Counts())
	// Output:
	// 200 AllTraffic
	// {Received:1 Answered:1 Rejected:0 Throttled:0 Invalid:0 Abandoned:0}
}
