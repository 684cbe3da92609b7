package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// How long late metrics are waited for after the programme, and how often they are asked
// for, in the services' time. Two and a half minutes are usual.
const (
	awaitMetrics  = 10 * time.Minute
	askForMetrics = 30 * time.Second
)

// Gathering is bounded here, too: it goes on when the user has asked to end.
const (
	gatherWithin     = 5 * time.Minute
	lastGatherWithin = 20 * time.Second
)

// How often a call is tried whose failure may pass, beyond the retries of the adapter.
const gatherTries = 3

// gathered is what the services recorded while a programme went on.
type gathered struct {
	after    *proof.Policy
	metric   []scaling.Point
	invoked  []scaling.Point
	alarms   []proof.Transition
	activity []proof.Activity
	unknown  map[string]string
}

// gather asks the services what happened from began to ended, by their time. It waits for
// metrics that are late, unless the programme was cut short.
func (v *verifier) gather(ctx context.Context, began, ended time.Time, whole bool) gathered {
	limit := gatherWithin
	if !whole {
		limit = lastGatherWithin
	}
	ctx, cancel := context.WithTimeout(ctx, limit+v.sight.Clock.Here(awaitMetrics))
	defer cancel()
	g := gathered{unknown: map[string]string{}}
	g.invoked = v.series(ctx, &g, "invocations", invocations(began, ended), ended, whole)
	if v.reading.Metric == "" {
		g.unknown["metric"] = metricName(v.force.policy.Metric) + " is not read"
	} else {
		g.metric = merged(v.metric, v.series(ctx, &g, "metric", v.reading.between(began, ended), ended, whole))
	}
	names := v.force.alarms
	v.try(ctx, &g, "policy", func() error {
		after, err := v.sight.force(ctx, v.on)
		if trouble, ok := errors.AsType[*ControlError](err); ok && trouble.Problem == ProblemIdle {
			return nil // it is gone, which is known
		}
		if err != nil {
			return err
		}
		g.after = &after.policy
		for _, name := range after.alarms {
			if !slices.Contains(names, name) {
				names = append(slices.Clone(names), name)
			}
		}
		return nil
	})
	// An alarm's state from before the programme is told by its last change.
	v.try(ctx, &g, "alarms", func() (err error) {
		g.alarms, err = v.sight.Metrics.AlarmHistory(ctx, names, began)
		return err
	})
	v.try(ctx, &g, "activities", func() error {
		all, err := v.sight.Autoscaler.Activities(ctx, v.on, began)
		g.activity = activitiesOf(all)
		return err
	})
	return g
}

// try calls something that may fail and pass; what fails is not known, with why.
func (v *verifier) try(ctx context.Context, g *gathered, what string, call func() error) {
	var err error
	for range gatherTries {
		if err = call(); err == nil || !passing(err) {
			break
		}
		if sleep(ctx, v.sight.Clock.Here(lookAtCapacity)) != nil {
			break
		}
	}
	if err != nil {
		g.unknown[what] = err.Error()
	}
}

// series fetches a metric, and waits until its last period is there.
func (v *verifier) series(ctx context.Context, g *gathered, what string, r Reading, ended time.Time, wait bool) []scaling.Point {
	last := ended.Truncate(r.Period).Add(-r.Period)
	var points []scaling.Point
	for {
		v.try(ctx, g, what, func() (err error) {
			points, err = v.sight.Metrics.Series(ctx, v.on, r)
			return err
		})
		there := len(points) > 0 && !points[len(points)-1].At.Before(last)
		if there || !wait || g.unknown[what] != "" || v.sight.Clock.Now().After(ended.Add(awaitMetrics)) || sleep(ctx, v.sight.Clock.Here(askForMetrics)) != nil {
			break
		}
	}
	if len(points) == 0 && g.unknown[what] == "" {
		g.unknown[what] = fmt.Sprintf("CloudWatch shows no datapoint of %s", r.Metric)
	}
	return points
}

// activitiesOf turns activities, the newest first, into those of a proof.
func activitiesOf(all []scaling.Activity) []proof.Activity {
	out := make([]proof.Activity, 0, len(all))
	for _, a := range slices.Backward(all) {
		out = append(out, proof.Activity{
			Began: a.At, Ended: a.Ended, What: a.What, Cause: a.Cause, Status: a.Status, Message: a.Why, NotScaled: a.NotScaled, Current: a.Current, Wanted: a.Wanted,
		})
	}
	return out
}
