package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/loadgen"
)

func sweepPlan(budget time.Duration) Plan {
	p := findPlan(budget)
	p.Mode, p.Search.MaxConcurrency = ModeSweep, 64
	return p
}

func TestSweepDrawsTheCurveOfAModel(t *testing.T) {
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		var seen journal
		r, err := Find(t.Context(), sweepPlan(90*time.Second), Earlier{}, g, &seen)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != Complete || !r.Peak.Valid || r.Peak.Found || r.Peak.Changed || r.Target != nil || r.Peak.Rate != nil {
			t.Fatalf("status %s, peak %+v, target %v; want a valid curve and no peak", r.Status, r.Peak, r.Target)
		}
		if s := r.Saturation; s == nil || math.Abs(s.Rate/200-1) > 0.04 || s.Concurrency < 4 || s.Concurrency > 8 {
			t.Errorf("saturation %+v, want 200/s from 4 in flight on", s)
		}
		if r.USL == nil || r.USL.Points < 5 {
			t.Errorf("law %+v, want one of at least five points", r.USL)
		}
		open, closed := 0, 0
		for _, p := range r.Curve {
			if p.Concurrency > 0 {
				closed++
			} else {
				open++
			}
			if p.Throughput.Value == nil || p.Rounds != 3 && !p.Behind || p.Residual != nil && p.Concurrency == 0 {
				t.Errorf("point %+v", p)
			}
		}
		if open < 4 || closed < 5 {
			t.Errorf("%d points of the open loop, %d of the closed", open, closed)
		}
		if !strings.HasSuffix(seen.kinds(), string(RunFinished)+" ") {
			t.Errorf("events %s", seen.kinds())
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("result as JSON: %v", err)
		}
	})
}

func TestSweepStopsAndResumes(t *testing.T) {
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stopped by hand")
		time.AfterFunc(40*time.Second, func() { cancel(stop) })
		var first journal
		partial, err := Find(ctx, sweepPlan(60*time.Second), Earlier{}, g, &first)
		if !errors.Is(err, stop) || partial.Status != Partial || partial.Peak.Valid || len(partial.Curve) == 0 {
			t.Fatalf("interrupted: status %s, valid %v, %d points, %v; want a partial curve", partial.Status, partial.Peak.Valid, len(partial.Curve), err)
		}
		whole, err := Find(t.Context(), sweepPlan(60*time.Second), Earlier{Trials: first.recorded(t), Sent: partial.RequestsSent}, g, &journal{})
		if err != nil || !whole.Peak.Valid || len(whole.Trials) <= len(partial.Trials) {
			t.Errorf("resumed: valid %v, %d trials after %d, %v", whole.Peak.Valid, len(whole.Trials), len(partial.Trials), err)
		}
	})
}

func TestUnknownModeIsRefused(t *testing.T) {
	plan := sweepPlan(time.Minute)
	plan.Mode = "walk"
	if _, err := Find(t.Context(), plan, Earlier{}, nil, &journal{}); err == nil || !strings.Contains(err.Error(), `mode "walk"`) {
		t.Errorf("Find: %v, want that there is no such mode", err)
	}
}
