package arrival

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRampSendsWhatItsRateAddsUpTo(t *testing.T) {
	for name, r := range map[string]Ramp{
		"up":              {From: 10, To: 50, Over: time.Minute, Even: true},
		"down":            {From: 50, To: 10, Over: time.Minute, Even: true},
		"level":           {From: 30, To: 30, Over: time.Minute, Even: true},
		"from nothing":    {From: 0, To: 60, Over: time.Minute, Even: true},
		"up, at random":   {From: 10, To: 50, Over: time.Minute, Seed: 3},
		"down, at random": {From: 50, To: 10, Over: time.Minute, Seed: 3},
	} {
		t.Run(name, func(t *testing.T) {
			var quarters [5]int // four of the ramp, and one after it
			for _, at := range take(r, 4000) {
				if i := int(at / (15 * time.Second)); i < len(quarters) {
					quarters[i]++
				}
			}
			for i, n := range quarters {
				middle := time.Duration(i)*15*time.Second + 7500*time.Millisecond
				want, slack := float64(r.RateAt(middle))*15, 1.5
				if !r.Even {
					slack = 4 * math.Sqrt(want)
				}
				if math.Abs(float64(n)-want) > slack {
					t.Errorf("quarter %d has %d requests, want %.1f", i, n, want)
				}
			}
		})
	}
}

func TestRampToNothingEnds(t *testing.T) {
	if got := len(take(Ramp{From: 10, To: 0, Over: 10 * time.Second, Even: true}, 100)); got != 51 {
		t.Errorf("a ramp from 10/s to nothing in 10 s sends %d requests, want 51: at Λ = 0, 1, … 50", got)
	}
}

func TestRampAtOnce(t *testing.T) {
	got, want := take(Ramp{From: 99, To: 4, Even: true}, 9), take(Constant{Rate: 4}, 9)
	for k := range want {
		if got[k] != want[k] {
			t.Errorf("offset %d = %v, want %v as of a constant rate", k, got[k], want[k])
		}
	}
}

func TestRampNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Ramp{
			From: Rate(rapid.Float64Range(0, 1e4).Draw(t, "from")), To: Rate(rapid.Float64Range(0.01, 1e4).Draw(t, "to")),
			Over: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "over")), Seed: rapid.Uint64().Draw(t, "seed"), Even: rapid.Bool().Draw(t, "even"),
		}
		first, second := take(r, 300), take(r, 300)
		for k := range first {
			if first[k] != second[k] {
				t.Fatalf("%+v: offset %d differs between two cursors: %v and %v", r, k, first[k], second[k])
			}
			if k > 0 && first[k] < first[k-1] {
				t.Fatalf("%+v: offset %d = %v lies before %v", r, k, first[k], first[k-1])
			}
			if rate := r.RateAt(first[k]); rate < min(r.From, r.To) || rate > max(r.From, r.To) {
				t.Fatalf("%+v: rate %v at %v", r, rate, first[k])
			}
		}
	})
}
