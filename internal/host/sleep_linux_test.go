package host

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Sleeps that took a file each would leave none for ten thousand connections.
func TestSleepsShareOneTimer(t *testing.T) {
	var s Sleeper
	defer s.Close()
	before := timers(t)
	var begun, all sync.WaitGroup
	begun.Add(500)
	for k := range 500 {
		all.Go(func() {
			begun.Done()
			s.Until(time.Now().Add(100*time.Millisecond + time.Duration(k%7)*time.Millisecond))
		})
	}
	begun.Wait()
	all.Wait()
	if n := timers(t) - before; n != 1 {
		t.Errorf("%d timers after 500 sleeps at once, want 1", n)
	}
}

// A sleep that begins later may end earlier, and would else wait for the other.
func TestEarlierSleepsOvertake(*testing.T) {
	var s Sleeper
	long := s.begin(time.Now().Add(time.Hour))
	s.Until(time.Now().Add(time.Millisecond))
	s.Close()
	<-long.ended
}

func TestCloseWakesNobodyEarly(t *testing.T) {
	var s Sleeper
	until := time.Now().Add(20 * time.Millisecond)
	var all sync.WaitGroup
	all.Go(func() {
		s.Until(until)
		if early := time.Until(until); early > 0 {
			t.Errorf("Until returned %v early", early)
		}
	})
	s.Close()
	all.Wait()
	s.Until(time.Now().Add(time.Millisecond)) // it still sleeps, by the runtime's timer
}

func timers(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if to, err := os.Readlink(name); err == nil && to == "anon_inode:[timerfd]" {
			n++
		}
	}
	return n
}
