//go:build unix

package hosting

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"plimsoll/emulator/internal/modeltime"
)

// playing is the variable by which this test binary, started again, is told to be
// something else.
const playing = "PLIMSOLL_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(playing) {
	case "":
		os.Exit(m.Run())
	case "container":
		playContainer()
	case "stubborn container":
		signal.Ignore(syscall.SIGTERM)
		playContainer()
	case "emulator":
		playEmulator(true)
	case "emulator without watchdog":
		playEmulator(false)
	}
}

// playContainer serves the container contract, and GET /hold, which is answered with the
// process's id and never ends.
func playContainer() {
	// One that a failed test has lost ends by itself, long after that test.
	time.AfterFunc(30*time.Minute, func() { os.Exit(1) }) //nolint:revive // this is the container's program
	http.HandleFunc("GET /ping", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("POST /invocations", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == "die" {
			os.Exit(3) //nolint:revive // this is the container's program
		}
		_, _ = fmt.Fprint(w, os.Getpid())
	})
	http.HandleFunc("GET /hold", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(w, os.Getpid())
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("SAGEMAKER_BIND_TO_PORT"), nil))
}

// playEmulator starts a container, says where, and waits to be killed.
func playEmulator(watched bool) {
	backend, err := Exec(ExecOptions{Command: os.Getenv("PLIMSOLL_TEST_COMMAND"), Grace: time.Second, Output: os.Stderr})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := backend.Launch(Launch{StartupTimeout: time.Minute}).(*process)
	for p.Health() == Starting {
		<-time.After(10 * time.Millisecond)
	}
	if dog := backend.(*processes).dog.cmd; !watched {
		_ = dog.Process.Signal(syscall.SIGKILL)
	}
	fmt.Println(p.url.Host)
	select {}
}

// command starts this test binary as a container, as a child of the shell.
func command(role string) string {
	return playing + "='" + role + "' '" + os.Args[0] + "' {port}; exit $?"
}

// executed is a hosting of processes whose clock is advanced by hand.
func executed(t *testing.T, o ExecOptions) (*Hosting, *modeltime.Clock) {
	t.Helper()
	clock, err := modeltime.New(start, 0)
	if err != nil {
		t.Fatal(err)
	}
	settings := options(t, clock)
	if settings.Backend, err = Exec(o); err != nil {
		t.Fatal(err)
	}
	h, err := New(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return h, clock
}

// until lets model time pass until something is so, which takes as long as processes do.
func until(t *testing.T, h *Hosting, clock *modeltime.Clock, so func() bool) {
	t.Helper()
	for range 60_000 {
		clock.Advance(time.Second)
		h.Tick(clock.Now())
		if so() {
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Fatal("it has not come about in a minute")
}

func create(t *testing.T, h *Hosting, count int) {
	t.Helper()
	variants := []productionVariant{{VariantName: "main", ModelName: "m", InitialInstanceCount: &count, InstanceType: "ml.m5.xlarge"}}
	_, err1 := h.createModel(t.Context(), &createModelInput{ModelName: "m", PrimaryContainer: &containerDefinition{Image: "i"}})
	_, err2 := h.createEndpointConfig(t.Context(), &createEndpointConfigInput{EndpointConfigName: "c", ProductionVariants: variants})
	_, err3 := h.createEndpoint(t.Context(), &createEndpointInput{EndpointName: "iris", EndpointConfigName: "c"})
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
}

func statusOf(t *testing.T, h *Hosting) string {
	t.Helper()
	d, err := h.describeEndpoint(t.Context(), &endpointInput{EndpointName: "iris"})
	if err != nil {
		t.Fatal(err)
	}
	return d.EndpointStatus
}

// ask sends one request to the endpoint iris.
func ask(h *Hosting, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/endpoints/iris/invocations", strings.NewReader(body)))
	return w
}

// hold connects to a container; what is returned ends when the process does.
func hold(t *testing.T, address string) (pid string, gone io.ReadCloser) {
	t.Helper()
	response, err := http.Get("http://" + address + "/hold")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(response.Body)
	pid, err = lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(pid), struct {
		io.Reader
		io.Closer
	}{lines, response.Body}
}

// TestExec has two processes behind an endpoint; one dies and is replaced; both end with
// the hosting.
func TestExec(t *testing.T) {
	told := make(chan string, 100)
	h, clock := executed(t, ExecOptions{Command: command("container"), Output: t.Output(), Log: func(line string) { told <- line }})
	create(t, h, 2)
	until(t, h, clock, func() bool { return statusOf(t, h) == inService })
	pids := map[string]bool{}
	for range 100 {
		if w := ask(h, ""); w.Code != http.StatusOK {
			t.Fatalf("invocation = %d %s, want 200", w.Code, w.Body)
		} else {
			pids[w.Body.String()] = true
		}
	}
	if len(pids) != 2 {
		t.Errorf("100 invocations were answered by the processes %v, want two", pids)
	}
	if w := ask(h, "die"); w.Code != http.StatusFailedDependency {
		t.Errorf("a container that dies = %d %s, want 424", w.Code, w.Body)
	}
	if line := <-told; !strings.HasSuffix(line, "ended by itself (exit status 3)") {
		t.Errorf("the log has %q, want how it ended", line)
	}
	current := func() int { n, _, _, _ := h.Capacity("endpoint/iris/variant/main", InstanceCount); return n }
	until(t, h, clock, func() bool { return current() == 1 })
	until(t, h, clock, func() bool { return current() == 2 })
	var held []io.ReadCloser
	for _, u := range (*h.table.Load())["iris"].variants[0].units {
		_, gone := hold(t, u.server.(*process).url.Host)
		held = append(held, gone)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for _, gone := range held {
		_, _ = io.Copy(io.Discard, gone) // hangs if a process lives on
		_ = gone.Close()
	}
	if len(told) > 0 {
		t.Errorf("the log has %q of a process that was stopped", <-told)
	}
}

func TestExecThatFails(t *testing.T) {
	told := make(chan string, 100)
	h, clock := executed(t, ExecOptions{Command: "echo loading; echo no model; echo; exit 7 # {port}", Log: func(line string) { told <- line }})
	create(t, h, 1)
	until(t, h, clock, func() bool { return statusOf(t, h) == failedState })
	d, err := h.describeEndpoint(t.Context(), &endpointInput{EndpointName: "iris"})
	want := "The primary container for production variant main did not pass the ping health check. Please check CloudWatch logs for this endpoint."
	if err != nil || d.FailureReason != want {
		t.Errorf("FailureReason = %q, %v; want %q", d.FailureReason, err, want)
	}
	if line := <-told; !strings.HasSuffix(line, "ended by itself (exit status 7); it wrote last: no model") {
		t.Errorf("the log has %q, want how it ended and its last words", line)
	}
}

func TestLastWordsAreBounded(t *testing.T) {
	var l lastWords
	for _, text := range []string{"first\n", strings.Repeat("x", 5000), strings.Repeat("y", mostWords) + "\n\n"} {
		if n, err := l.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("Write of %d = %d, %v", len(text), n, err)
		}
	}
	if got := l.String(); got != strings.Repeat("y", mostWords) || cap(l.kept) > 10*mostWords {
		t.Errorf("got %q of %d kept, want the end of the last line", got, cap(l.kept))
	}
}

// TestExecScaleIn stops one process, which ignores that and is killed.
func TestExecScaleIn(t *testing.T) {
	h, clock := executed(t, ExecOptions{Command: command("stubborn container"), Grace: time.Millisecond})
	create(t, h, 2)
	until(t, h, clock, func() bool { return statusOf(t, h) == inService })
	units := (*h.table.Load())["iris"].variants[0].units
	_, gone := hold(t, units[1].server.(*process).url.Host)
	if err := h.SetCapacity("endpoint/iris/variant/main", InstanceCount, 1, h.opts.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, gone)
	_ = gone.Close()
	until(t, h, clock, func() bool { return statusOf(t, h) == inService })
	if w := ask(h, ""); w.Code != http.StatusOK {
		t.Errorf("invocation of what is left = %d %s, want 200", w.Code, w.Body)
	}
}

// TestExecEndsWithTheEmulator kills the program that has started a container, so that it
// can do nothing about it, and waits for the container to go: the watchdog ends all of
// its group, also what ignores SIGTERM; the parent-death signal alone ends its leader.
func TestExecEndsWithTheEmulator(t *testing.T) {
	leader := playing + "=container exec '" + os.Args[0] + "' {port}"
	tests := []struct{ name, role, command string }{
		{"child", "emulator", command("container")},
		{"child that ignores SIGTERM", "emulator", command("stubborn container")},
	}
	if runtime.GOOS == "linux" {
		tests = append(tests, struct{ name, role, command string }{"leader without a watchdog", "emulator without watchdog", leader})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			emulator := exec.CommandContext(t.Context(), os.Args[0])
			emulator.Env = append(os.Environ(), playing+"="+tt.role, "PLIMSOLL_TEST_COMMAND="+tt.command)
			emulator.Stderr = t.Output()
			out, err := emulator.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := emulator.Start(); err != nil {
				t.Fatal(err)
			}
			address, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, gone := hold(t, strings.TrimSpace(address))
			if n, err := strconv.Atoi(pid); err != nil || n == emulator.Process.Pid {
				t.Fatalf("the container's process id = %q, want one of its own", pid)
			}
			if err := emulator.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = emulator.Wait()
			_, _ = io.Copy(io.Discard, gone) // hangs if the container lives on
			_ = gone.Close()
		})
	}
}

func TestExecOptionsAreChecked(t *testing.T) {
	_, err := Exec(ExecOptions{Command: "./serve", Grace: -1})
	if err == nil || !strings.Contains(err.Error(), `command "./serve": want {port} in it`) || !strings.Contains(err.Error(), "grace -1ns") {
		t.Errorf("Exec without a port = %v, want what is wrong", err)
	}
}
