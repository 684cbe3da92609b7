package arrival

import (
	"math"
	"math/rand/v2"
	"time"
)

var _ Schedule = Ramp{}

// Ramp changes its rate steadily from one to another and then stays there. By offset t
// it has sent
//
//	Λ(t) = From·t + (To − From)·t² / 2·Over        t ≤ Over
//
// requests, and the k-th leaves when Λ reaches k, or the k-th event of a Poisson process
// of rate 1: a change of the time axis turns the one into a process of rate RateAt
// (Çinlar 1975, chapter 4.7).
type Ramp struct {
	From, To Rate          // requests per second; not negative, one of them above zero
	Over     time.Duration // that the change takes; 0 is To at once
	Seed     uint64        // of independent gaps, unless Even
	Even     bool          // as many requests apart as Constant has them
}

// RateAt is the rate at an offset.
func (r Ramp) RateAt(at time.Duration) Rate {
	if at >= r.Over {
		return r.To
	}
	return r.From + (r.To-r.From)*Rate(float64(max(at, 0))/float64(r.Over))
}

// Cursor starts the schedule.
func (r Ramp) Cursor() Cursor {
	c := &rampCursor{ramp: r}
	if !r.Even {
		c.rng = rand.New(rand.NewPCG(r.Seed, rampStream))
	}
	return c
}

// rampStream keeps this use of a seed apart from other uses of the same seed.
const rampStream = 0x72616d70

type rampCursor struct {
	ramp Ramp
	rng  *rand.Rand // nil: even
	sent float64    // Λ at the next request
}

func (c *rampCursor) Next() (time.Duration, bool) {
	if c.rng != nil {
		c.sent += c.rng.ExpFloat64()
		return c.ramp.reach(c.sent)
	}
	at, ok := c.ramp.reach(c.sent)
	c.sent++
	return at, ok
}

// reach is the offset at which so many requests have been sent; never when the ramp goes
// down to nothing before.
func (r Ramp) reach(sent float64) (time.Duration, bool) {
	from, to, over := float64(r.From), float64(r.To), r.Over.Seconds()
	within := (from + to) / 2 * over // Λ(Over)
	if sent > within || over <= 0 {
		return offset(over + (sent-within)/to)
	}
	if sent == 0 {
		return 0, true
	}
	// The smaller root of Λ(t) = sent, in the form that loses no digits when To ≈ From.
	root := math.Sqrt(max(0, from*from+2*(to-from)/over*sent))
	return offset(min(over, 2*sent/(from+root)))
}
