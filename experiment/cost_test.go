package experiment

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/price"
	"plimsoll/scaling"

	"pgregory.net/rapid"
)

func TestCostOf(t *testing.T) {
	p := &price.Price{PerHour: 0.24, Currency: price.Currency, Source: "test"}
	for name, c := range map[string]struct {
		n       int
		d       time.Duration
		p       *price.Price
		hours   float64
		dollars float64
	}{
		"two for half an hour":      {2, 30 * time.Minute, p, 1, 0.24},
		"a minute at least":         {1, 5 * time.Second, p, 1. / 60, 0.004},
		"the price is not known":    {1, time.Hour, nil, 1, math.NaN()},
		"no instance costs nothing": {0, time.Hour, p, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := CostOf("ml.m5.xlarge", c.n, true, c.d, c.p)
			if math.Abs(got.InstanceHours-c.hours) > 1e-12 || (got.Dollars == nil) != (c.p == nil) || got.Dollars != nil && math.Abs(*got.Dollars-c.dollars) > 1e-12 {
				t.Errorf("%+v, want %g hours, %g dollars", got, c.hours, c.dollars)
			}
		})
	}
}

func TestLimitsRefuse(t *testing.T) {
	p := &price.Price{PerHour: 1}
	hour := []Cost{CostOf("a", 1, true, time.Hour, p)}
	for name, c := range map[string]struct {
		limits Limits
		d      time.Duration
		costs  []Cost
		want   string
	}{
		"no limits":             {Limits{}, time.Hour, nil, ""},
		"within":                {Limits{Duration: time.Hour, Dollars: 1}, time.Hour, hour, ""},
		"too long":              {Limits{Duration: 10 * time.Minute}, time.Hour, hour, "--max-duration 10m0s: the run is expected to take 1h0m0s"},
		"too dear":              {Limits{Dollars: 1.5}, time.Hour, append(hour, hour...), "--max-cost 1.5: the run is expected to cost 2.00 USD"},
		"one price not known":   {Limits{Dollars: 9}, time.Hour, append(hour, CostOf("b", 1, true, time.Hour, nil)), "give --price"},
		"nothing to reckon by":  {Limits{Dollars: 9}, time.Hour, nil, "give --price"},
		"no limit on the price": {Limits{Duration: 2 * time.Hour}, time.Hour, []Cost{CostOf("b", 1, true, time.Hour, nil)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.limits.Refuse(c.d, c.costs)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if limit, ok := errors.AsType[*LimitError](err); err != nil && (!ok || limit.Reached) {
				t.Errorf("%#v", err)
			}
		})
	}
}

// TestLimitsEnd: a run that ends when it is told has kept to both limits, and would not
// have kept to one of them a second later.
func TestLimitsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{Duration: time.Duration(rapid.IntRange(0, 7200).Draw(t, "seconds")) * time.Second, Dollars: rapid.Float64Range(0, 10).Draw(t, "dollars")}
		perHour, spent := rapid.Float64Range(0, 100).Draw(t, "per hour"), rapid.Float64Range(0, 20).Draw(t, "spent")
		began := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
		now := began.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "into")) * time.Second)
		at, limit, ok := l.Ends(began, now, spent, perHour)
		if ok != (l.Duration > 0 || l.Dollars > 0 && perHour > 0) {
			t.Fatalf("ends: %t", ok)
		}
		if !ok {
			return
		}
		over := func(end time.Time) bool {
			cost := spent + perHour*end.Sub(now).Hours()
			return l.Duration > 0 && end.Sub(began) > l.Duration || l.Dollars > 0 && perHour > 0 && cost > l.Dollars+1e-9
		}
		if spent < l.Dollars && over(at) {
			t.Errorf("ends at %v by %v, which is over a limit", at, limit)
		}
		if !over(at.Add(time.Second)) && perHour > 1e-3 {
			t.Errorf("ends at %v by %v, sooner than it need", at, limit)
		}
	})
}

func TestReach(t *testing.T) {
	few := Quota{Instances: 4, Known: true}
	for name, c := range map[string]struct {
		traffic, target float64
		most            int
		quota           Quota
		need            int
		obstacles       int
	}{
		"within":                   {3000, 1000, 4, few, 3, 0},
		"rounded up":               {3001, 1000, 4, few, 4, 0},
		"beyond the maximum":       {9000, 1000, 4, Quota{Why: "denied"}, 9, 1},
		"beyond the quota":         {9000, 1000, 9, few, 9, 1},
		"beyond both":              {9000, 1000, 5, few, 9, 2},
		"maximum over the quota":   {1000, 1000, 9, few, 1, 1},
		"beyond what others leave": {3000, 1000, 3, Quota{Instances: 4, Known: true, Elsewhere: Elsewhere{Instances: 2}}, 3, 1},
		"within what others leave": {3000, 1000, 3, Quota{Instances: 5, Known: true, Elsewhere: Elsewhere{Instances: 2}}, 3, 0},
		"no goal":                  {0, 1000, 4, few, 0, 0},
		"no target":                {1000, 0, 4, few, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			need, obstacles := Reach(scaling.PerMinute(c.traffic), scaling.PerMinute(c.target), c.most, "ml.m5.xlarge", c.quota)
			if need != c.need || len(obstacles) != c.obstacles {
				t.Errorf("%d instances, obstacles %q; want %d and %d", need, obstacles, c.need, c.obstacles)
			}
		})
	}
}

func TestQuotaInWords(t *testing.T) {
	for want, q := range map[string]Quota{
		"not known: denied": {Why: "denied"},
		"4 for all endpoints together, 0 in use elsewhere":                                         {Instances: 4, Known: true},
		"4 for all endpoints together, 3 in use elsewhere":                                         {Instances: 4, Known: true, Elsewhere: Elsewhere{Instances: 3}},
		"4 for all endpoints together, in use elsewhere: not counted: denied":                      {Instances: 4, Known: true, Elsewhere: Elsewhere{Gap: "not counted: denied"}},
		"4 for all endpoints together, at least 3 in use elsewhere (not counted beyond a hundred)": {Instances: 4, Known: true, Elsewhere: Elsewhere{Instances: 3, Gap: "not counted beyond a hundred"}},
	} {
		if got := q.String(); got != want {
			t.Errorf("%+v is %q, want %q", q, got, want)
		}
	}
}
