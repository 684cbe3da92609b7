package experiment

import (
	"math"
	"time"
)

// Clock tells the time of the services, which passes faster than here when they are
// emulated.
type Clock interface {
	// Now is the services' time, as exactly as their last answer tells it.
	Now() time.Time
	// Here is how long a time of the services takes here.
	Here(d time.Duration) time.Duration
}

// timeline turns instants of this machine's clock into those of the services, by readings
// of both that were taken at the same moment. One reading may be late by as long as an
// answer took, a hundred of them together are not: the line through them all is the
// clock.
type timeline struct {
	here, there time.Time // the first reading
	n           float64
	// Sums over the readings of seconds since the first one: x here, y there.
	x, y, xx, xy float64
}

// read takes a reading.
func (t *timeline) read(here, there time.Time) {
	if t.n == 0 {
		t.here, t.there = here, there
	}
	x, y := here.Sub(t.here).Seconds(), there.Sub(t.there).Seconds()
	t.n, t.x, t.y, t.xx, t.xy = t.n+1, t.x+x, t.y+y, t.xx+x*x, t.xy+x*y
}

// speed is how many seconds of the services pass in one here: the slope of the least
// squares through all readings. It is 1 where they do not tell.
func (t *timeline) speed() float64 {
	spread := t.n*t.xx - t.x*t.x
	if speed := (t.n*t.xy - t.x*t.y) / spread; spread > 0 && speed > 0 && !math.IsInf(speed, 0) {
		return speed
	}
	return 1
}

// at is the services' time at an instant here.
func (t *timeline) at(here time.Time) time.Time {
	if t.n == 0 {
		return here
	}
	since := here.Sub(t.here).Seconds() - t.x/t.n
	return t.there.Add(time.Duration((t.y/t.n + t.speed()*since) * float64(time.Second)))
}
