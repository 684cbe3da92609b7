//go:build unix

package hosting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Timeouts of the container contract (Developer Guide, "Use Your Own Inference Code with
// Hosting Services").
const (
	pingTimeout  = 2 * time.Second
	pingInterval = 100 * time.Millisecond
)

// ExecOptions say which process each instance is. Command is required.
type ExecOptions struct {
	// Command is what /bin/sh runs; each {port} in it is replaced by the loopback port
	// on which the process is to serve GET /ping and POST /invocations.
	Command string
	// Dir is where it runs. Empty means here.
	Dir string
	// Output takes what the processes write. Nil discards it.
	Output io.Writer
	// Log is told, a line each, of processes that end or do not come up by themselves. Nil
	// tells nobody.
	Log func(line string)
	// Grace is how long a process may take to stop before it is killed. Zero means 30 s.
	Grace time.Duration
}

// Validate reports every option that cannot be used, joined; it changes nothing.
func (o ExecOptions) Validate() error {
	var problems []error
	if !strings.Contains(o.Command, "{port}") {
		problems = append(problems, fmt.Errorf("command %q: want {port} in it, where the port goes", o.Command))
	}
	if o.Grace < 0 {
		problems = append(problems, fmt.Errorf("grace %v: must not be negative", o.Grace))
	}
	return errors.Join(problems...)
}

// processes is a backend whose instances are processes of this machine.
//
// Each leads a process group of its own, so that it and its children are stopped
// together. They end also when this program is killed: by a parent-death signal where
// the system has one, and by a watchdog that waits for this program's end.
type processes struct {
	opts      ExecOptions
	transport *http.Transport
	tasks     chan func() // for the spawner
	closing   chan struct{}
	spawner   sync.WaitGroup
	running   sync.WaitGroup
	dog       *watchdog // the spawner's; started with the first process

	mu      sync.Mutex // held for arithmetic only
	closed  bool
	servers map[*process]bool
}

// Exec returns a backend whose instances are processes. It fails when the options do not
// validate, with every problem named.
func Exec(o ExecOptions) (Backend, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("making instances of processes: %w", err)
	}
	setDefault(&o.Grace, drainBound)
	if o.Log == nil {
		o.Log = func(string) {}
	}
	b := &processes{
		opts: o, transport: newTransport(nil), tasks: make(chan func()), closing: make(chan struct{}), servers: map[*process]bool{},
	}
	b.spawner.Go(b.spawn)
	return b, nil
}

// spawn does what the processes ask for, on one thread of the system to which it stays
// locked: the parent-death signal is sent when the thread ends that started a process.
func (b *processes) spawn() {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	for {
		select {
		case task := <-b.tasks:
			task()
		case <-b.closing:
			if b.dog != nil {
				b.dog.close()
			}
			return
		}
	}
}

// do has the spawner do something, and waits until that is done.
func (b *processes) do(task func()) {
	done := make(chan struct{})
	b.tasks <- func() { defer close(done); task() }
	<-done
}

// Launch begins to start a process and waits for it in the background.
func (b *processes) Launch(l Launch) Server {
	p := &process{
		proxy:   newProxy(&url.URL{Scheme: "http", Path: "/invocations"}, b.transport),
		backend: b, ended: make(chan struct{}), stopping: make(chan struct{}),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		p.become(Unhealthy)
		return p
	}
	b.servers[p] = true
	b.running.Go(func() {
		p.run(l.StartupTimeout)
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.servers, p)
	})
	return p
}

// Close stops all processes at once and waits for their end.
func (b *processes) Close() error {
	b.mu.Lock()
	first := !b.closed
	b.closed = true
	for p := range b.servers {
		p.Stop()
	}
	b.mu.Unlock()
	b.running.Wait()
	if first {
		close(b.closing)
	}
	b.spawner.Wait()
	b.transport.CloseIdleConnections()
	return nil
}

// process is an instance that is a process.
type process struct {
	proxy

	backend  *processes
	stopping chan struct{}
	once     sync.Once
	ended    chan struct{} // closed when the leader has been reaped
	health   atomic.Int32  // a Health
	outcome  error         // how the leader ended; to be read when ended is closed
	said     lastWords
}

var _ Server = (*process)(nil)

// Health tells how the process is.
func (p *process) Health() Health { return Health(p.health.Load()) }

func (p *process) become(h Health) { p.health.Store(int32(h)) }

// Stop asks the process to end; the background sees to it.
func (p *process) Stop() { p.once.Do(func() { close(p.stopping) }) }

// run is a process's life: started, healthy, ended.
func (p *process) run(startup time.Duration) {
	defer p.stop()
	defer p.become(Unhealthy)
	var cmd *exec.Cmd
	var err error
	p.backend.do(func() { cmd, p.url.Host, err = p.backend.begin(&p.said) })
	if err != nil {
		p.backend.opts.Log(fmt.Sprintf("no process for an instance: %v", err))
		return
	}
	group := cmd.Process.Pid
	p.backend.running.Go(func() {
		defer close(p.ended)
		p.outcome = cmd.Wait()
	})
	defer p.end(group)
	if !p.comesUp(startup) {
		p.tell("did not answer GET /ping with 200 within " + startup.String())
		return
	}
	p.become(Healthy)
	select {
	case <-p.ended:
		p.tell("")
	case <-p.stopping:
	}
}

// tell logs that a process has ended by itself, or else what is wrong with it, unless it
// was asked to stop.
func (p *process) tell(wrong string) {
	select {
	case <-p.stopping:
		return
	case <-p.ended:
		wrong = "ended by itself"
		if p.outcome != nil {
			wrong += " (" + p.outcome.Error() + ")"
		}
	default:
	}
	line := fmt.Sprintf("the process of an instance at %s %s", p.url.Host, wrong)
	if words := p.said.String(); words != "" {
		line += "; it wrote last: " + words
	}
	p.backend.opts.Log(line)
}

// begin starts a process and returns the address that it is to serve on. It runs in the
// spawner.
func (b *processes) begin(said io.Writer) (*exec.Cmd, string, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("finding a free port: %w", err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, "", fmt.Errorf("finding a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", fmt.Errorf("finding a free port: %w", err)
	}
	line := strings.ReplaceAll(b.opts.Command, "{port}", port)
	cmd := exec.Command("/bin/sh", "-c", line) //nolint:noctx // it is ended by its group, with a grace
	if b.opts.Output != nil {
		said = io.MultiWriter(said, b.opts.Output)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.opts.Dir, said, said
	cmd.Env = append(os.Environ(), "SAGEMAKER_BIND_TO_PORT="+port)
	cmd.SysProcAttr = ownGroup()
	cmd.WaitDelay = time.Second // its children may keep its output open
	if b.dog == nil {
		if b.dog, err = startWatchdog(b.opts.Grace); err != nil {
			return nil, "", err
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("starting a process: %w", err)
	}
	b.dog.add(cmd.Process.Pid)
	return cmd, address, nil
}

// comesUp pings until the process answers.
func (p *process) comesUp(startup time.Duration) bool {
	client := http.Client{Transport: p.transport, Timeout: pingTimeout}
	limit := time.NewTimer(startup)
	defer limit.Stop()
	for {
		if p.answersPing(&client) {
			return true
		}
		pause := time.NewTimer(pingInterval)
		select {
		case <-pause.C:
			continue
		case <-limit.C:
		case <-p.ended:
		case <-p.stopping:
		}
		pause.Stop()
		return false
	}
}

func (p *process) answersPing(client *http.Client) bool {
	request, err := http.NewRequestWithContext(p.stopped, http.MethodGet, "http://"+p.url.Host+"/ping", nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, longestCommand)) // to keep the connection
	return response.StatusCode == http.StatusOK
}

// end sees to it that nobody of a process group is left: it is asked to stop, and killed
// if it has not after a while.
func (p *process) end(group int) {
	_ = syscall.Kill(-group, syscall.SIGTERM) // fails when there is nobody left
	grace := time.NewTimer(p.backend.opts.Grace)
	defer grace.Stop()
	select {
	case <-p.ended:
	case <-grace.C:
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
	<-p.ended
	p.backend.do(func() { p.backend.dog.remove(group) })
}
