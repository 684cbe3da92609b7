package cli

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestEmulateServesUntilInterrupted asks a running emulator for an invocation and ends
// it as Ctrl-C would.
func TestEmulateServesUntilInterrupted(t *testing.T) {
	said, write := io.Pipe()
	signals := make(chan os.Signal, 2)
	var problems bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Main(Env{
			Args:  []string{"emulate", "--listen", "127.0.0.1:0", "--endpoint", "iris", "--auth", "off", "--model", "service=1ms", "--config", os.DevNull},
			Stdin: strings.NewReader(""), Stdout: write, Stderr: &problems, Signals: signals, Getenv: func(string) string { return "" },
		})
		_ = write.Close()
	}()
	var url string
	for lines := bufio.NewScanner(said); url == "" && lines.Scan(); {
		if _, after, found := strings.Cut(lines.Text(), "AWS_ENDPOINT_URL="); found {
			url, _, _ = strings.Cut(after, " ")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // ends with the command
	if url == "" {
		t.Fatalf("it never told its address; exit code %d, %s", <-ended, problems.String())
	}
	answer, err := http.Post(url+"/endpoints/iris/invocations", "text/csv", strings.NewReader("5.1,3.5,1.4,0.2"))
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("an invocation: status %d, %v", answer.StatusCode, err)
	}
	signals <- syscall.SIGINT
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d after Ctrl-C, want 0; %s", code, problems.String())
	}
}
