package httptarget_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"plimsoll/httptarget"
	"plimsoll/loadgen"
)

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		features, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "setosa for %s", features)
	}))
	defer server.Close()

	target, err := httptarget.New(httptarget.Options{
		URL:    server.URL + "/invocations",
		Bodies: []httptarget.Body{{Content: []byte("5.1,3.5,1.4,0.2"), ContentType: "text/csv"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	probe, err := target.Probe(context.Background())
	fmt.Printf("%v, status %d: %s (%v)\n", probe.Class, probe.Status, probe.Body, err)

	session, err := target.Open(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	outcome := session.Do(loadgen.Request{Body: 0})
	fmt.Printf("%v, %d bytes over %s\n", outcome.Class, outcome.Received, target.Engine())
	// Output:
	// ok, status 200: setosa for 5.1,3.5,1.4,0.2 (<nil>)
	// ok, 26 bytes over http1
}
