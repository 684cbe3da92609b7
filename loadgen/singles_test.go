package loadgen

import (
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/arrival"
)

// TestSinglesAreToldInOrder: the window's first requests of a schedule, in the order
// in which they were intended whichever was answered first; −1 for one that failed
// and one that nobody waited for.
func TestSinglesAreToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{service: func(k uint64, _ time.Duration) (time.Duration, Class) {
			switch k % 5 {
			case 1:
				return 45 * time.Millisecond, OK // later than the four after it
			case 2:
				return 3 * time.Millisecond, ServerError
			case 3:
				return time.Hour, OK
			}
			return 3 * time.Millisecond, OK
		}}
		s.begin()
		g, err := New(t.Context(), Options{Target: s, Bodies: oneBody{}})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		load := Load{
			Schedule: arrival.Constant{Rate: 100}, Settle: 300 * time.Millisecond, Measure: time.Second,
			Patience: 100 * time.Millisecond, Singles: 40,
		}
		m, err := g.Run(t.Context(), load)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.First) != load.Singles {
			t.Fatalf("%d requests are told, want %d of %d", len(m.First), load.Singles, m.Counts.Requests)
		}
		took := map[time.Duration]int{}
		for i, one := range m.First {
			if want := m.First[0].At + time.Duration(i)*10*time.Millisecond; one.At != want {
				t.Errorf("request %d was intended at %v, want %v", i, one.At, want)
			}
			took[one.Took]++
		}
		if m.First[0].At < 0 || m.First[0].At >= 10*time.Millisecond {
			t.Errorf("the first is at %v, not at the window's start", m.First[0].At)
		}
		if fifth := load.Singles / 5; took[3*time.Millisecond] != 2*fifth || took[45*time.Millisecond] != fifth || took[-1] != 2*fifth {
			t.Errorf("response times %v, want %d of 3 ms, %d of 45 ms, %d of none", took, 2*fifth, fifth, 2*fifth)
		}
		load.Schedule, load.Concurrency = nil, 2
		if m, err = g.Run(t.Context(), load); err != nil || len(m.First) != 0 {
			t.Errorf("a closed loop tells %d requests, %v", len(m.First), err)
		}
	})
}
