package experiment

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestTimeline: readings that are late by up to 50 ms, at 60 times real time, over what is
// three hours there, tell every instant within 2 s.
func TestTimeline(t *testing.T) {
	here := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	there := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	rng := rand.New(rand.NewPCG(1, 2))
	var line timeline
	for at := time.Duration(0); at < 3*time.Minute; at += 170 * time.Millisecond {
		late := time.Duration(rng.Float64() * float64(50*time.Millisecond))
		line.read(here.Add(at+late), there.Add(60*at))
	}
	for at := time.Duration(0); at < 3*time.Minute; at += time.Second {
		if off := line.at(here.Add(at)).Sub(there.Add(60 * at)); off.Abs() > 2*time.Second {
			t.Fatalf("after %v the services' time is off by %v", at, off)
		}
	}
	if speed := line.speed(); math.Abs(speed-60) > 0.05 {
		t.Errorf("speed %v, want 60", speed)
	}
}

func TestTimelineWithoutReadings(t *testing.T) {
	var line timeline
	now := time.Now()
	if !line.at(now).Equal(now) || line.speed() != 1 {
		t.Errorf("at %v, speed %v; want real time", line.at(now), line.speed())
	}
	line.read(now, now.Add(time.Hour))
	if got := line.at(now.Add(time.Minute)); !got.Equal(now.Add(time.Hour + time.Minute)) {
		t.Errorf("by one reading: %v", got.Sub(now))
	}
}
