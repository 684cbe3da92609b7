// Package modeltime is the emulator's clock: model time, which passes speed times as
// fast as real time, or only when it is told to.
//
// Everything that AWS would date (metrics, alarms, activities, statuses) is dated in
// model time; what clients check against their own clocks (the Date header,
// signatures) stays real and has no place here. Start at [New].
package modeltime

import (
	"fmt"
	"sync"
	"time"
)

// MaxSpeed is the fastest that model time may pass. Beyond it a model second is
// shorter than the requests that are counted in it.
const MaxSpeed = 60

// Clock tells model time. It is safe for concurrent use.
type Clock struct {
	speed float64

	mu   sync.Mutex
	base time.Time // model time at real
	real time.Time // carries a monotonic reading
}

// New starts a clock at an instant of model time. A speed of 0 makes a clock that
// stands still between calls of [Clock.Advance]; else it is from 1 to [MaxSpeed].
func New(start time.Time, speed float64) (*Clock, error) {
	if speed != 0 && !(speed >= 1 && speed <= MaxSpeed) {
		return nil, fmt.Errorf("speed %v: want from 1 to %d model seconds a second, or 0 for a clock that is advanced by hand", speed, MaxSpeed)
	}
	return &Clock{speed: speed, base: start.UTC().Round(0), real: time.Now()}, nil
}

// Now is the present model time, in UTC and without a monotonic reading.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(time.Duration(c.speed * float64(time.Since(c.real))))
}

// Speed is how many model seconds pass in a real one.
func (c *Clock) Speed() float64 { return c.speed }

// Weight is how many requests of model time one real request stands for: a rate
// that is held for a model minute lasts only 1/speed real minutes.
func (c *Clock) Weight() float64 { return max(1, c.speed) }

// Advance moves model time forward at once.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = c.base.Add(max(0, d))
}

// Real is how long a stretch of model time takes; 0 when the clock is advanced by hand.
func (c *Clock) Real(model time.Duration) time.Duration {
	if c.speed == 0 {
		return 0
	}
	return time.Duration(float64(model) / c.speed)
}
