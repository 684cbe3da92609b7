package experiment

import (
	"math"
	"testing"

	"plimsoll/price"
)

func TestCompare(t *testing.T) {
	found := func(kind string, perMinute, perHour float64) Typed {
		typed := Typed{InstanceType: kind, Peak: &Peak{Valid: true, Found: true}, Target: &Target{PerMinute: perMinute}}
		if perHour > 0 {
			typed.Price = &price.Price{PerHour: perHour}
		}
		return typed
	}
	missed := found("missed", 1e6, 0.01)
	missed.Peak.Missed, missed.Target = true, nil
	bounded := found("bounded", 600, 0.2)
	bounded.Peak.Found = false
	for name, c := range map[string]struct {
		types  []Typed
		want   string
		first  float64 // per million, of the first
		doubts int
	}{
		"the dear one carries more": {[]Typed{found("small", 600, 0.1), found("large", 6000, 0.5)}, "large", 0.1 / 0.036, 0},
		"the first of two alike":    {[]Typed{found("a", 600, 0.1), found("b", 600, 0.1)}, "a", 0.1 / 0.036, 0},
		"one misses the objectives": {[]Typed{found("a", 600, 0.1), missed}, "a", 0.1 / 0.036, 0},
		"one price is not known":    {[]Typed{found("a", 600, 0), found("b", 600, 9)}, "b", math.NaN(), 1},
		"one could not be made":     {[]Typed{{InstanceType: "a", Error: "quota"}, found("b", 600, 9)}, "b", math.NaN(), 1},
		"none":                      {[]Typed{{InstanceType: "a", Error: "quota"}}, "", math.NaN(), 1},
		"nothing":                   {nil, "", math.NaN(), 0},
		"one is bounded below only": {[]Typed{bounded, found("a", 600, 0.1)}, "a", 0.2 / 0.036, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := Compare(c.types)
			if len(got.Doubts) != c.doubts {
				t.Errorf("doubts %q, want %d", got.Doubts, c.doubts)
			}
			if got.Cheapest != c.want {
				t.Errorf("the cheapest is %q, want %q", got.Cheapest, c.want)
			}
			marked := 0
			for _, typed := range got.Types {
				if typed.Cheapest {
					marked++
				}
				if typed.Cheapest != (typed.InstanceType == c.want) {
					t.Errorf("%s is marked %t", typed.InstanceType, typed.Cheapest)
				}
			}
			if math.IsNaN(c.first) {
				return
			}
			if got := got.Types[0].PerMillion; got == nil || math.Abs(*got-c.first) > 1e-9 {
				t.Errorf("a million cost %v, want %g", got, c.first)
			}
		})
	}
}
