package sagemaker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"
)

func TestControlExplains(t *testing.T) {
	quota := 3
	for name, row := range map[string]struct {
		faults  emulator.Faults
		do      func(context.Context, *Control) error
		problem experiment.Problem
		says    string
	}{
		"endpoint missing": {
			do:      func(ctx context.Context, c *Control) error { _, err := c.Describe(ctx, "nothing"); return err },
			problem: experiment.ProblemMissing, says: "describing endpoint nothing",
		},
		"no permission": {
			faults: emulator.Faults{AccessDenied: []string{"RegisterScalableTarget"}},
			do: func(ctx context.Context, c *Control) error {
				return c.Put(ctx, demo, experiment.Bounds, "", experiment.Setting{Bounds: &experiment.ScalableTarget{Min: 1, Max: 2}})
			},
			problem: experiment.ProblemDenied, says: "allow the action application-autoscaling:RegisterScalableTarget",
		},
		"no permission for metrics": {
			faults: emulator.Faults{AccessDenied: []string{"GetMetricData"}},
			do: func(ctx context.Context, c *Control) error {
				_, err := c.Series(ctx, demo, experiment.Reading{Metric: "Invocations", Statistic: "Sum", Period: time.Minute, From: c.Now().Add(-time.Hour), To: c.Now()})
				return err
			},
			problem: experiment.ProblemDenied, says: "allow the action cloudwatch:GetMetricData",
		},
		"expired": {
			faults:  emulator.Faults{ExpiredToken: true},
			do:      func(ctx context.Context, c *Control) error { _, err := c.Describe(ctx, "demo"); return err },
			problem: experiment.ProblemCredentials, says: "they have expired",
		},
		"throttled, also after retries": {
			faults:  emulator.Faults{ControlThrottleShare: 1},
			do:      func(ctx context.Context, c *Control) error { _, err := c.Describe(ctx, "demo"); return err },
			problem: experiment.ProblemThrottled, says: "try again",
		},
		"quota": {
			faults:  emulator.Faults{InstanceQuota: &quota},
			do:      func(ctx context.Context, c *Control) error { return c.SetInstances(ctx, demo, 9) },
			problem: experiment.ProblemQuota, says: "Service Quotas",
		},
		"changed by somebody": {
			do: func(ctx context.Context, c *Control) error {
				return errors.Join(c.SetInstances(ctx, demo, 2), c.SetInstances(ctx, demo, 3))
			},
			problem: experiment.ProblemBusy, says: "wait until it is InService",
		},
		"variant misspelt": {
			do: func(ctx context.Context, c *Control) error {
				return c.SetInstances(ctx, experiment.Variant{Endpoint: "demo", Name: "blue"}, 2)
			},
			problem: experiment.ProblemInvalid, says: "blue",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, 1, emulator.Options{Faults: row.faults}, func(t *testing.T, a *account) {
				err := row.do(t.Context(), a.control)
				trouble, ok := errors.AsType[*experiment.ControlError](err)
				if !ok || trouble.Problem != row.problem || !strings.Contains(err.Error(), row.says) {
					t.Errorf("error %v (%+v), want %q and …%s…", err, trouble, row.problem, row.says)
				}
			})
		})
	}
}

func TestControlRetriesThrottledCalls(t *testing.T) {
	inAccount(t, 1, emulator.Options{Faults: emulator.Faults{ControlThrottleShare: 0.3}}, func(t *testing.T, a *account) {
		failed := 0
		for range 20 {
			if _, err := a.control.Describe(t.Context(), "demo"); err != nil {
				failed++
			}
		}
		if failed > 5 { // of 40 calls with three attempts each, one in 37 fails
			t.Errorf("%d of 20 descriptions failed although each call was tried three times", failed)
		}
	})
}
