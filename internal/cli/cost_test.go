package cli

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/experiment"
)

func TestPriceOf(t *testing.T) {
	for name, c := range map[string]struct {
		given []string
		kind  string
		want  float64 // 0: not known
	}{
		"as listed":                     {nil, "ml.m5.xlarge", 0.23},
		"as given":                      {[]string{"0.3"}, "ml.m5.xlarge", 0.3},
		"as given for it":               {[]string{"0.3", "ml.m5.xlarge=$0.4"}, "ml.m5.xlarge", 0.4},
		"as given for all but another":  {[]string{"ml.c5.xlarge=0.4", "0.3"}, "ml.m5.xlarge", 0.3},
		"given for another, so listed":  {[]string{"ml.c5.xlarge=0.4"}, "ml.m5.xlarge", 0.23},
		"neither given nor in the list": {[]string{"ml.c5.xlarge=0.4"}, "ml.unheard.xlarge", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := Settings{Price: c.given}
			got := s.priceOf(c.kind, "us-east-1")
			if (got == nil) != (c.want == 0) || got != nil && got.PerHour != c.want {
				t.Errorf("%+v, want %g", got, c.want)
			}
		})
	}
}

func TestCheckLimits(t *testing.T) {
	for name, s := range map[string]Settings{
		"negative cost":     {MaxCost: -1},
		"cost not a number": {MaxCost: math.NaN()},
		"negative duration": {MaxDuration: -time.Second},
		"no price":          {Price: texts{"ml.m5.xlarge="}},
		"a price of 0":      {Price: texts{"0"}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.checkLimits(); codeOf(err) != exitUsage {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestWithin: a run is ended by the limit that comes first, and its exit code says so.
func TestWithin(t *testing.T) {
	for name, c := range map[string]struct {
		limits  experiment.Limits
		spent   float64
		perHour float64
		want    time.Duration
		flag    string
	}{
		"duration":          {experiment.Limits{Duration: time.Minute, Dollars: 9}, 0, 1, time.Minute, "max-duration"},
		"cost":              {experiment.Limits{Duration: time.Hour, Dollars: 1}, 0.5, 60, 30 * time.Second, "max-cost"},
		"all is spent":      {experiment.Limits{Dollars: 1}, 2, 60, 0, "max-cost"},
		"nothing is spent":  {experiment.Limits{Dollars: 1}, 0, 0, -1, ""},
		"there is no limit": {experiment.Limits{}, 5, 5, -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := within(t.Context(), c.limits, began, c.spent, c.perHour)
				defer cancel()
				if c.want < 0 {
					if _, ends := ctx.Deadline(); ends {
						t.Error("it ends")
					}
					return
				}
				<-ctx.Done()
				limit, ok := errors.AsType[*experiment.LimitError](context.Cause(ctx))
				if took := time.Since(began); took != c.want || !ok || limit.Flag != c.flag || !limit.Reached || codeOf(limit) != exitLimitReached {
					t.Errorf("after %v: %v; want --%s after %v", took, context.Cause(ctx), c.flag, c.want)
				}
			})
		})
	}
}

// TestLeftoversWin: they may cost money, so that a run that was interrupted says so too.
func TestLeftoversWin(t *testing.T) {
	left := &experiment.ControlError{Problem: experiment.ProblemLeftovers, Err: errors.New("1 of the changes could not be undone")}
	if got := codeOf(errors.Join(errInterrupted, left)); got != exitLeftovers {
		t.Errorf("exit code %d, want %d", got, exitLeftovers)
	}
}
