package archetype

import (
	"cmp"
	"math"
	"slices"
	"time"

	"plimsoll/capacity"
)

// bins is how many slices the generator cuts a window into.
const bins = 120

func seconds(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }

// observe sums up the measured window.
func (c *Client) observe(t capacity.Trial, from, to float64) capacity.Observation {
	length := max(to-from, 1e-6)
	slice := func(at float64) int { return min(bins-1, int(bins*(at-from)/length)) }
	o := capacity.Observation{Window: seconds(length), Overloaded: c.window.over, Slow: make([]int64, len(t.SlowAbove)), Bins: make([]capacity.Bin, bins)}
	for i := range o.Bins {
		o.Bins[i].Slow = make([]int64, len(t.SlowAbove))
	}
	var times []float64
	for i, m := range c.window.measured {
		if i < capacity.MostFirst {
			o.First.At, o.First.Took = append(o.First.At, microseconds(m.intended-from)), append(o.First.Took, m.took())
		}
		b := &o.Bins[slice(m.intended)]
		b.Offered++
		o.Offered++
		answered := !math.IsInf(m.done, 1)
		switch {
		case answered && m.ok:
			b.Successes++
			o.Successes++
			b.Response += seconds(m.done - m.intended)
			times = append(times, m.done-m.intended)
		case answered:
			b.Failed++
			o.Failed++
			if m.throttled {
				o.Throttled++
			}
		default:
			o.Unanswered++
		}
		for i, limit := range t.SlowAbove {
			if !answered || !m.ok || m.done-m.intended > limit.Seconds() {
				b.Slow[i]++
				o.Slow[i]++
			}
		}
	}
	for _, at := range c.window.completed {
		o.Bins[slice(at)].Completed++
		o.Completed++
	}
	summarize(&o, times)
	if c.MaxRate > 0 && float64(o.Offered)/length > c.MaxRate {
		o.Doubts = []string{"sent late: the generator reached its limit"}
	}
	return o
}

func microseconds(x float64) int64 { return int64(1e6 * x) }

func (m measured) took() int64 {
	switch us := microseconds(m.done - m.intended); {
	case math.IsInf(m.done, 1):
		return -1
	case m.ok:
		return us
	default:
		return -max(2, us)
	}
}

func summarize(o *capacity.Observation, times []float64) {
	if len(times) == 0 {
		return
	}
	slices.SortFunc(times, cmp.Compare[float64])
	m, square := 0.0, 0.0
	for _, x := range times {
		m += x
	}
	m /= float64(len(times))
	for _, x := range times {
		square += (x - m) * (x - m)
	}
	o.Mean = seconds(m)
	o.P50 = seconds(times[(len(times)-1)/2])
	o.P99 = seconds(times[min(len(times)-1, int(math.Ceil(0.99*float64(len(times))))-1)])
	o.SquaredCV = square / max(1, float64(len(times)-1)) / (m * m)
}

// Play runs a search to its end and returns its result, the time spent and the
// trials held.
func Play(s *capacity.Search, c *Client) (capacity.Result, time.Duration, []capacity.Trial) {
	var spent time.Duration
	var trials []capacity.Trial
	for {
		t, ok := s.Next()
		if !ok {
			return s.Result(), spent, trials
		}
		o := c.Hold(t)
		spent += o.Elapsed
		trials = append(trials, t)
		if err := s.Record(o); err != nil {
			panic(err) // a trial is outstanding: the loop has just asked for it
		}
	}
}
