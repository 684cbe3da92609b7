package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"plimsoll/internal/host"
)

// What a child process is, by the environment variable of that name.
const (
	roleVariable = "PLIMSOLL_BENCH_ROLE"
	roleEmulator = "emulator"
	roleBare     = "bare"
	roleNoted    = "noted"
)

// usage is what a child tells of itself.
type usage struct {
	CPU  time.Duration // user and system, by getrusage
	Heap uint64        // bytes that are reachable
	Held uint64        // bytes that it has from the system
	Late lateness      // of sleeps since it was last asked for it
}

// answerParent tells a child's usage for each line that the parent writes, and sends
// the signal to end when the parent has gone. A child that notes no sleeps gives nil.
func answerParent(n *noted) <-chan os.Signal {
	end := make(chan os.Signal, 1)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			u := usage{CPU: host.CPU()} // before the collection, which is not the requests' doing
			var many int
			question, _ := fmt.Sscanf(lines.Text(), askTogether+" %d", &many)
			switch {
			case lines.Text() == askMemory:
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				u.Heap, u.Held = m.HeapAlloc, m.Sys-m.HeapReleased
			case lines.Text() == askLate && n != nil:
				u.Late = n.take()
			case question == 1 && n != nil:
				n.together(many)
				u.Late = n.take()
			}
			_ = json.NewEncoder(os.Stdout).Encode(u) //nolint:errchkjson // without a reader there is nobody to tell
		}
		end <- os.Interrupt
	}()
	return end
}

// The parent's questions.
const (
	askCPU      = "cpu"
	askMemory   = "memory"
	askLate     = "late"
	askTogether = "together" // and how many sleeps
)

// serveBare serves what no server can do without: net/http, and a handler that reads the
// request and answers as a modelled instance does.
func serveBare(end <-chan os.Signal) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is not waited for
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = io.WriteString(w, "0\n")
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if _, err := fmt.Printf("serving at http://%s, bare\n", listener.Addr()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-ended:
		return err
	case <-end:
		return server.Close()
	}
}
