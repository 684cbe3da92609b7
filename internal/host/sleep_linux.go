package host

import (
	"container/heap"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Sleeper sleeps by one of the kernel's high-resolution timers. The Go runtime rounds
// its own up to the millisecond of epoll_wait, which makes a send half a millisecond
// late on average; a timerfd wakes the same poller within some 50 µs and, unlike
// nanosleep, does not hold a processor of the scheduler meanwhile. All sleeps share the
// timer, which is set to the one that ends first: ten thousand take no more files, and
// those that end together one wake-up. It is safe for concurrent use. The zero value is
// ready; end it with Close.
type Sleeper struct {
	mu      sync.Mutex
	timer   *timer // nil until the first sleep
	failed  bool   // there is no timer to be had: the runtime's must do
	asleep  sleeps
	spare   []*sleep
	running sync.WaitGroup
}

// sleep is of one caller.
type sleep struct {
	until time.Time
	ended chan struct{} // has room for one
}

// Until sleeps until an instant; it returns at once when that has passed.
func (s *Sleeper) Until(instant time.Time) {
	if time.Until(instant) <= 0 {
		return
	}
	if own := s.begin(instant); own != nil {
		<-own.ended
		s.end(own)
	}
	if left := time.Until(instant); left > 0 { // there is no timer, or no longer
		time.Sleep(left)
	}
}

// begin is nil without a timer.
func (s *Sleeper) begin(instant time.Time) *sleep {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.start() {
		return nil
	}
	own := &sleep{ended: make(chan struct{}, 1)}
	if n := len(s.spare); n > 0 {
		own, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	own.until = instant
	heap.Push(&s.asleep, own)
	if s.asleep[0] == own {
		s.timer.set(instant)
	}
	return own
}

func (s *Sleeper) end(own *sleep) {
	s.mu.Lock()
	s.spare = append(s.spare, own)
	s.mu.Unlock()
}

// start is false when there is no timer.
func (s *Sleeper) start() bool {
	if s.timer == nil && !s.failed {
		var err error
		if s.timer, err = newTimer(); err != nil {
			s.failed = true
			return false
		}
		s.running.Go(func() { s.run(s.timer) })
	}
	return !s.failed
}

// run wakes those whose time has come, until the timer is closed.
func (s *Sleeper) run(t *timer) {
	for t.wait() {
		s.wake(time.Now())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = true
	for _, each := range s.asleep {
		each.ended <- struct{}{}
	}
	s.asleep = nil
}

func (s *Sleeper) wake(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.asleep) > 0 && !s.asleep[0].until.After(now) {
		first, _ := heap.Pop(&s.asleep).(*sleep)
		first.ended <- struct{}{} // it has room
	}
	if len(s.asleep) > 0 {
		s.timer.set(s.asleep[0].until)
	}
}

// Close ends the timer; who is still asleep sleeps on by the runtime's.
func (s *Sleeper) Close() {
	s.mu.Lock()
	s.failed = true
	if s.timer != nil {
		_ = s.timer.file.Close() // nothing was written
	}
	s.mu.Unlock()
	s.running.Wait()
}

// timer is the kernel's, with a file that the runtime polls.
type timer struct {
	fd   int
	file *os.File
}

func newTimer() (*timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &timer{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// set lets the timer expire at an instant, at once when that has passed.
func (t *timer) set(instant time.Time) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, time.Until(instant).Nanoseconds()))}
	_ = unix.TimerfdSettime(t.fd, 0, &spec, nil) // it fails for bad arguments only
}

// wait returns when the timer expires; false when it is closed.
func (t *timer) wait() bool {
	var expirations [8]byte
	_, err := t.file.Read(expirations[:])
	return err == nil
}

// sleeps is a heap: the one that ends first is first.
type sleeps []*sleep

func (s sleeps) Len() int           { return len(s) }
func (s sleeps) Less(i, j int) bool { return s[i].until.Before(s[j].until) }
func (s sleeps) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// Push adds a sleep, for package heap.
func (s *sleeps) Push(x any) {
	if one, ok := x.(*sleep); ok {
		*s = append(*s, one)
	}
}

// Pop takes the last, for package heap.
func (s *sleeps) Pop() any {
	n := len(*s) - 1
	last := (*s)[n]
	(*s)[n] = nil
	*s = (*s)[:n]
	return last
}
