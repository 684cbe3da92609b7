// Package arrival says when requests should leave: the intended instants of a
// trial, as offsets from its start, and the rate that they amount to.
//
// A [Schedule] is a description without state; its [Cursor] walks the offsets
// in order. Nothing here reads a clock or sends anything: package loadgen plays
// a schedule against a target. Start with [Constant] or [Poisson], and see
// [Share] for splitting one schedule over several generators.
package arrival

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// A Schedule is the plan of intended send offsets. Values are immutable and may
// be used from several goroutines; each Cursor belongs to one.
type Schedule interface {
	// Cursor starts the schedule from its beginning. Two cursors of one
	// schedule yield the same offsets.
	Cursor() Cursor
	// RateAt is the intended rate at an offset from the start.
	RateAt(at time.Duration) Rate
}

// A Cursor yields the intended offsets of a schedule in non-decreasing order.
type Cursor interface {
	// Next is the next intended offset. It is false when the schedule is over;
	// the schedules of constant rate never are.
	Next() (at time.Duration, ok bool)
}

var (
	_ Schedule = Constant{}
	_ Schedule = Poisson{}
	_ Schedule = Share{}
)

// Constant spaces requests evenly: the k-th leaves at k/Rate seconds (k from 0).
// It is kinder to a server than independent users are; see [Poisson].
type Constant struct {
	Rate Rate // requests per second, above zero
}

// RateAt is the constant rate at every offset.
func (c Constant) RateAt(time.Duration) Rate { return c.Rate }

// Cursor starts the schedule.
func (c Constant) Cursor() Cursor { return &constantCursor{rate: c.Rate} }

type constantCursor struct {
	rate Rate
	k    int64
}

// Next computes each offset from k, not from its predecessor, so that rounding
// does not add up.
func (c *constantCursor) Next() (time.Duration, bool) {
	at, ok := offset(float64(c.k) / float64(c.rate))
	c.k++
	return at, ok
}

// Poisson spaces requests by independent exponential gaps of mean 1/Rate: the
// arrivals of many users who do not know of one another. By PASTA (Wolff 1982)
// such arrivals see the time averages of the server's state.
type Poisson struct {
	Rate Rate   // requests per second, above zero
	Seed uint64 // the same seed gives the same offsets
}

// RateAt is the mean rate, the same at every offset.
func (p Poisson) RateAt(time.Duration) Rate { return p.Rate }

// Cursor starts the schedule.
func (p Poisson) Cursor() Cursor {
	return &poissonCursor{rate: p.Rate, rng: rand.New(rand.NewPCG(p.Seed, poissonStream))}
}

// poissonStream keeps this use of a seed apart from other uses of the same seed.
const poissonStream = 0x9015504e

type poissonCursor struct {
	rate    Rate
	rng     *rand.Rand
	seconds float64
}

func (c *poissonCursor) Next() (time.Duration, bool) {
	c.seconds += c.rng.ExpFloat64() / float64(c.rate)
	return offset(c.seconds)
}

// offset converts seconds, and ends a schedule that outgrows time.Duration (292 years).
func offset(seconds float64) (time.Duration, bool) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > math.MaxInt64/float64(time.Second)/2 {
		return 0, false
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), true
}

// Share is the part of a schedule that one of several generators plays: every
// Of-th offset, beginning with number Index. The shares 0..Of-1 of a schedule
// together are exactly that schedule.
type Share struct {
	Whole Schedule
	Index int // which share, 0 ≤ Index < Of
	Of    int // how many shares there are, at least 1
}

// NewShare is part index (from 0) of a schedule that is split over of generators.
func NewShare(whole Schedule, index, of int) (Share, error) {
	if of < 1 || index < 0 || index >= of {
		return Share{}, fmt.Errorf("share %d of %d: the number of shares must be at least 1 and the index from 0 to one less", index, of)
	}
	return Share{Whole: whole, Index: index, Of: of}, nil
}

// RateAt is the whole schedule's rate divided by the number of shares.
func (s Share) RateAt(at time.Duration) Rate { return s.Whole.RateAt(at) / Rate(s.Of) }

// Cursor starts the share.
func (s Share) Cursor() Cursor {
	return &shareCursor{whole: s.Whole.Cursor(), skip: s.Index, of: s.Of}
}

type shareCursor struct {
	whole Cursor
	skip  int
	of    int
}

func (c *shareCursor) Next() (time.Duration, bool) {
	for ; c.skip > 0; c.skip-- {
		if _, ok := c.whole.Next(); !ok {
			return 0, false
		}
	}
	c.skip = c.of - 1
	return c.whole.Next()
}
