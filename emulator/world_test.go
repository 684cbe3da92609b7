package emulator_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
	"plimsoll/internal/memnet"
)

// oneInstance answers in 10 ms, eight at a time.
func oneInstance() fleet.Model {
	return fleet.Model{Service: 10 * time.Millisecond, Workers: 8, Queue: fleet.Unbounded}
}

// world is an emulator behind an HTTP server on an in-memory network, in virtual time.
type world struct {
	*testing.T
	emulator *emulator.Emulator
	client   *http.Client
}

func inWorld(t *testing.T, options emulator.Options, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { serve(t, options, test) })
}

// serve runs a test against an emulator and ends everything after it.
func serve(t *testing.T, options emulator.Options, test func(*world)) {
	t.Helper()
	e, err := emulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	listener := memnet.Listen()
	server := &http.Server{Handler: e}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	transport := &http.Transport{DialContext: listener.DialContext, MaxIdleConnsPerHost: 100}
	defer func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		running.Wait()
		if err := e.Close(); err != nil {
			t.Errorf("closing the emulator: %v", err)
		}
		time.Sleep(time.Second) // net/http lingers on a connection whose body it did not read
	}()
	test(&world{T: t, emulator: e, client: &http.Client{Transport: transport}})
}
