package host

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Sleeper sleeps by the kernel's high-resolution timers. The Go runtime rounds
// its timers up to the millisecond of epoll_wait, which makes a send half a
// millisecond late on average; a timerfd wakes the same poller within some 50 µs
// and, unlike nanosleep, does not hold a processor of the scheduler meanwhile.
// It is safe for concurrent use. The zero value is ready; end it with Close.
type Sleeper struct {
	mu   sync.Mutex
	free []*timer
}

type timer struct {
	fd   int
	file *os.File
}

// Until sleeps until an instant; it returns at once when that has passed.
func (s *Sleeper) Until(instant time.Time) {
	left := time.Until(instant)
	if left <= 0 {
		return
	}
	t, err := s.take()
	if err != nil {
		time.Sleep(left)
		return
	}
	if !t.sleep(time.Until(instant)) {
		_ = t.file.Close() // it is of no use any more
		time.Sleep(time.Until(instant))
		return
	}
	s.mu.Lock()
	s.free = append(s.free, t)
	s.mu.Unlock()
}

func (s *Sleeper) take() (*timer, error) {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		t := s.free[n-1]
		s.free = s.free[:n-1]
		s.mu.Unlock()
		return t, nil
	}
	s.mu.Unlock()
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &timer{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// sleep is false when the timer does not work.
func (t *timer) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	if err := unix.TimerfdSettime(t.fd, 0, &spec, nil); err != nil {
		return false
	}
	var expirations [8]byte
	_, err := t.file.Read(expirations[:])
	return err == nil
}

// Close gives back the timers that are not in use.
func (s *Sleeper) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.free {
		_ = t.file.Close() // nothing was written
	}
	s.free = nil
}
