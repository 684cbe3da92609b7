// Package latency keeps the distribution of many durations in constant memory:
// a mergeable histogram with quantiles, their confidence bounds, and the
// HdrHistogram wire form that other tools read.
//
// It is a thin layer over github.com/HdrHistogram/hdrhistogram-go that fixes the
// range and the unit, makes quantiles mean one thing (the nearest rank, ⌈q·n⌉),
// and loses nothing silently. It does no locking and no I/O. Start with [New].
package latency

import (
	"fmt"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// Resolution is the smallest difference that is kept. Above 131 µs the
	// three significant digits are coarser than it.
	Resolution = 64 * time.Nanosecond
	// Highest is the longest duration that is told apart; a longer one is
	// recorded as Highest.
	Highest = 10 * time.Minute
	// Digits is the number of significant decimal digits that are kept: a
	// recorded value is known to one part in a thousand.
	Digits = 3
)

// Histogram is the distribution of recorded durations. It is not safe for
// concurrent use; give each writer its own and merge them. Use [New].
type Histogram struct {
	h   *hdr.Histogram
	sum float64 // nanoseconds, exact unless the histogram was decoded
	max time.Duration
}

// New returns an empty histogram (about 200 kB).
func New() *Histogram {
	return &Histogram{h: hdr.New(int64(Resolution), int64(Highest), Digits)}
}

// Record adds one duration. A negative duration counts as zero and one above
// [Highest] as Highest, so that no value is ever lost.
func (h *Histogram) Record(d time.Duration) {
	d = min(max(d, 0), Highest)
	h.sum += float64(d)
	h.max = max(h.max, d)
	if err := h.h.RecordValue(int64(d)); err != nil {
		// Unreachable: the clamp above keeps d inside the histogram's range.
		panic(err)
	}
}

// Merge adds everything that other holds. Merging commutes.
func (h *Histogram) Merge(other *Histogram) {
	if dropped := h.h.Merge(other.h); dropped != 0 {
		// Unreachable: every Histogram has the same range.
		panic(fmt.Sprintf("latency: %d values lost while merging", dropped))
	}
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Reset empties the histogram and keeps its memory.
func (h *Histogram) Reset() {
	h.h.Reset()
	h.sum, h.max = 0, 0
}

// Clone is an independent copy.
func (h *Histogram) Clone() *Histogram {
	c := New()
	c.Merge(h)
	return c
}

// Count is the number of recorded durations.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Max is the longest recorded duration, zero when there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is the arithmetic mean of the recorded durations, zero when there is none.
func (h *Histogram) Mean() time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(n))
}

// SquaredCV is the squared coefficient of variation: variance divided by the
// square of the mean; 0 for a constant, 1 for an exponential distribution. It is
// 0 when fewer than two durations are recorded.
func (h *Histogram) SquaredCV() float64 {
	mean := h.h.Mean()
	if h.Count() < 2 || mean <= 0 {
		return 0
	}
	sd := h.h.StdDev()
	return sd * sd / (mean * mean)
}

// Quantile is the q-quantile by nearest rank: the smallest recorded duration
// that at least q·n of the n recorded ones do not exceed, rounded up to the
// histogram's resolution. It is zero when nothing is recorded. q is held to [0, 1].
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	return h.atRank(int64(math.Ceil(min(max(q, 0), 1) * float64(n))))
}

// atRank is the rank-th smallest recorded duration, rank from 1 to Count.
func (h *Histogram) atRank(rank int64) time.Duration {
	n := h.Count()
	rank = min(max(rank, 1), n)
	if rank == n {
		return h.max
	}
	// The library rounds p/100·n to the nearest rank, which this inverts.
	v := h.h.ValueAtPercentile(100 * float64(rank) / float64(n))
	return min(time.Duration(v), h.max)
}

// QuantileBounds are the limits between which the true q-quantile lies with at
// least the given confidence (0.95, say), if the durations were independent:
// two order statistics whose ranks are the normal approximation of the binomial
// quantiles, widened by one (David & Nagaraja, Order Statistics, 7.1). ok is
// false when there are too few durations for a bound on that side to exist.
// Durations from one queue are not independent: near saturation the true limits
// are wider.
func (h *Histogram) QuantileBounds(q, confidence float64) (low, high time.Duration, ok bool) {
	n := float64(h.Count())
	if n == 0 || q <= 0 || q >= 1 || confidence <= 0 || confidence >= 1 {
		return 0, 0, false
	}
	half := math.Sqrt2 * math.Erfinv(confidence) * math.Sqrt(n*q*(1-q))
	from, to := math.Floor(n*q-half), math.Ceil(n*q+half)+1
	if from < 1 || to > n {
		return 0, 0, false
	}
	return h.atRank(int64(from)), h.atRank(int64(to)), true
}

// CountAbove is the number of recorded durations above d, to the histogram's resolution.
func (h *Histogram) CountAbove(d time.Duration) int64 {
	var above int64
	for _, bar := range h.h.Distribution() {
		if time.Duration(bar.From) > d {
			above += bar.Count
		}
	}
	return above
}

// Bucket is one step of a cumulative distribution.
type Bucket struct {
	UpTo  time.Duration // upper end of the bucket
	Count int64         // recorded durations in it
}

// Buckets are the non-empty buckets in ascending order.
func (h *Histogram) Buckets() []Bucket {
	var out []Bucket
	for _, bar := range h.h.Distribution() {
		if bar.Count > 0 {
			out = append(out, Bucket{UpTo: min(time.Duration(bar.To), h.max), Count: bar.Count})
		}
	}
	return out
}
