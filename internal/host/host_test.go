package host

import (
	"sync"
	"testing"
	"time"
)

func TestSleeperNeverWakesEarly(t *testing.T) {
	var s Sleeper
	defer s.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				until := time.Now().Add(300 * time.Microsecond)
				s.Until(until)
				if early := time.Until(until); early > 0 {
					t.Errorf("Until returned %v early", early)
				}
			}
		})
	}
	wg.Wait()
}

func TestSleeperReturnsAtOnceForThePast(*testing.T) {
	var s Sleeper
	defer s.Close()
	s.Until(time.Time{}) // would hang if the past were waited for
}

func TestCPUGrowsWithWork(t *testing.T) {
	before, x := CPU(), 0
	for CPU() == before && x < 1<<31 {
		x++
	}
	if CPU() <= before {
		t.Errorf("CPU() stayed at %v while %d rounds were counted", before, x)
	}
	if OpenFiles() == 0 {
		t.Error("OpenFiles() = 0, want the limit")
	}
}

// BenchmarkSleep reports how late a wake-up comes: the schedule's own error.
func BenchmarkSleep(b *testing.B) {
	for _, how := range []struct {
		name  string
		until func(*Sleeper, time.Time)
	}{
		{"sleeper", (*Sleeper).Until},
		{"runtime", func(_ *Sleeper, t time.Time) { time.Sleep(time.Until(t)) }},
	} {
		b.Run(how.name, func(b *testing.B) {
			var s Sleeper
			defer s.Close()
			var late []time.Duration
			for b.Loop() {
				until := time.Now().Add(time.Millisecond)
				how.until(&s, until)
				late = append(late, time.Since(until))
			}
			reportQuantiles(b, late)
		})
	}
}

func TestMachineGoesOn(t *testing.T) {
	busy, total := Machine()
	if busy <= 0 || total < busy {
		t.Fatalf("Machine() = %v busy of %v", busy, total)
	}
	for range 1000 { // ten seconds at most
		if _, now := Machine(); now > total {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("Machine()'s total stays at %v", total)
}
