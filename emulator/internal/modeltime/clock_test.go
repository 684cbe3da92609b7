package modeltime

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestModelTimePassesBySpeed(t *testing.T) {
	for _, tt := range []struct {
		name          string
		speed, weight float64
		want          time.Duration // after a real minute
	}{
		{"as real time", 1, 1, time.Minute},
		{"sped up", 60, 60, time.Hour},
		{"by hand", 0, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
				c, err := New(start, tt.speed)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if got := c.Now().Sub(start); got != tt.want {
					t.Errorf("speed %v: %v passed in a minute, want %v", tt.speed, got, tt.want)
				}
				if c.Weight() != tt.weight {
					t.Errorf("speed %v: weight %v, want %v", tt.speed, c.Weight(), tt.weight)
				}
				c.Advance(10 * time.Minute)
				c.Advance(-time.Hour)
				if got := c.Now().Sub(start); got != tt.want+10*time.Minute {
					t.Errorf("speed %v: %v after an advance of ten minutes and one backwards, want %v", tt.speed, got, tt.want+10*time.Minute)
				}
			})
		})
	}
}

func TestSpeedsOutOfRange(t *testing.T) {
	for _, speed := range []float64{-1, 0.5, 61, math.NaN(), math.Inf(1)} {
		if _, err := New(time.Now(), speed); err == nil {
			t.Errorf("New(…, %v) made a clock, want an error", speed)
		}
	}
}

func TestReal(t *testing.T) {
	c, err := New(time.Now(), 30)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Real(time.Minute); got != 2*time.Second {
		t.Errorf("a model minute at speed 30 is %v, want 2s", got)
	}
}
