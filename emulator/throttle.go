package emulator

import "time"

// bucket is a token bucket: it fills at a rate and each request takes a token. It
// holds a second's worth, at least one token, and starts full.
type bucket struct {
	rate   float64 // tokens per second; 0 means that every request may pass
	size   float64
	tokens float64
	last   time.Duration
}

func newBucket(rate float64) bucket {
	size := max(1, rate)
	return bucket{rate: rate, size: size, tokens: size}
}

// take reports whether a request may pass at an instant, which must not lie before
// the last one.
func (b *bucket) take(at time.Duration) bool {
	if b.rate == 0 {
		return true
	}
	b.tokens = min(b.size, b.tokens+b.rate*(at-b.last).Seconds())
	b.last = at
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
