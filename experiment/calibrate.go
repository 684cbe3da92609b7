package experiment

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// MetricTarget is a target value for one of the metrics that a policy can track.
type MetricTarget struct {
	Metric string   `json:"metric"` // PredefinedMetricType
	Value  *float64 `json:"value"`  // null: it could not be calibrated
	Unit   string   `json:"unit"`
	How    string   `json:"how"` // it came about; without a value, why there is none and what would give one
}

// nearPeak is the share of the peak below which what a metric reads says too little of it.
const nearPeak = 0.8

// calibrating is a Runner that can ask CloudWatch what the metrics read during a trial.
type calibrating interface {
	calibrate(ctx context.Context, r Result) []MetricTarget
}

var _ calibrating = (*Reconciler)(nil)

// calibrate makes the targets for every metric by which what was measured can be scaled:
// that of invocations by the formula, that of concurrency from what CloudWatch read while
// the rate nearest below the peak was held. The client's own number of requests in flight
// is not that metric: it counts the network's, too.
func (r *Reconciler) calibrate(ctx context.Context, result Result) []MetricTarget {
	if r.why != "" || result.Target == nil || len(r.on) != 1 {
		return nil
	}
	on := r.on[0]
	invocations, err := MetricFor(on, OnInvocations)
	if err != nil {
		return nil
	}
	targets := []MetricTarget{{Metric: invocations.Type, Value: new(result.Target.PerMinute), Unit: UnitOfTarget(invocations.Type), How: result.Target.Formula}}
	metric, err := MetricFor(on, OnConcurrency)
	if err != nil {
		return targets
	}
	return append(targets, r.calibrated(ctx, on, metric, result))
}

func (r *Reconciler) calibrated(ctx context.Context, on Variant, metric scaling.Metric, result Result) MetricTarget {
	t := MetricTarget{Metric: metric.Type, Unit: UnitOfTarget(metric.Type)}
	trials := nearestBelow(result.Trials, *result.Peak.Rate)
	if len(trials) == 0 {
		t.How = fmt.Sprintf("no trial from %.0f %% of the peak to the peak held its objectives; a longer --budget gives one", 100*nearPeak)
		return t
	}
	points, err := r.metrics.Series(ctx, on, Reading{Metric: metric.Name, Statistic: metric.Statistic, Period: metric.Period, From: r.began.there, To: r.clock.Now()})
	if err != nil {
		t.How = whyUnread(err)
		return t
	}
	d := r.dial()
	for _, trial := range trials {
		span, held := r.span(trial, d)
		if !held {
			continue
		}
		span.From = d.there(trial.Started.Add(seconds(trial.SettleSeconds)))
		if read := within(points, span, metric.Period); len(read) > 0 {
			return t.from(read, trial, metric, result.Target.SafetyFactor)
		}
	}
	t.How = fmt.Sprintf("CloudWatch had no datapoint of %s whose %v lie within a trial near the peak (the longest lasted %.3gs): "+
		"a longer --budget makes longer trials; or hold the peak by plimsoll load --duration 2m, read the metric, and give its value × the safety factor by --target",
		metric.Name, metric.Period, longest(trials))
	return t
}

// from makes the value of what was read in a trial.
func (t MetricTarget) from(read []float64, trial Trial, metric scaling.Metric, factor float64) MetricTarget {
	slices.Sort(read)
	median := read[len(read)/2]
	if !(median > 0) {
		t.How = fmt.Sprintf("CloudWatch's %s read %g at %.4g/s, of which no target can be made", metric.Name, median, trial.Rate)
		return t
	}
	t.Value = new(threeDigits(median * factor))
	t.How = fmt.Sprintf("%s read %g at %.4g/s (%s of %v, median of %d, trial %d) × %g; near the peak requests in flight grow faster than the rate, so it is reached at more than that share of the peak",
		metric.Name, median, trial.Rate, metric.Statistic, metric.Period, len(read), trial.Number, factor)
	return t
}

// nearestBelow are the trials that held a rate near the peak, the nearest below it first.
func nearestBelow(trials []Trial, peak float64) []Trial {
	var near []Trial
	for _, t := range trials {
		if t.Verdict.Outcome == Held && t.Rate > nearPeak*peak && t.Rate <= peak {
			near = append(near, t)
		}
	}
	slices.SortStableFunc(near, func(a, b Trial) int { return cmp.Compare(b.Rate, a.Rate) })
	return near
}

// within are the values of the periods that lie in a span.
func within(points []scaling.Point, s Span, period time.Duration) []float64 {
	var values []float64
	for _, p := range points {
		if !p.Missing && !p.At.Before(s.From) && !p.At.Add(period).After(s.To) {
			values = append(values, p.Value)
		}
	}
	return values
}

func longest(trials []Trial) float64 {
	most := 0.0
	for _, t := range trials {
		most = max(most, t.WindowSeconds)
	}
	return most
}

// threeDigits rounds down to three significant digits, so that a target stays below what
// it was made from.
func threeDigits(x float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(x))-2)
	return math.Floor(x/scale*(1+1e-12)) * scale
}

// MetricTarget is the target value for a metric, by a name that [MetricFor] takes.
func (r Result) MetricTarget(v Variant, name string) (MetricTarget, error) {
	m, err := MetricFor(v, name)
	if err != nil {
		return MetricTarget{}, err
	}
	for _, t := range r.Targets {
		if t.Metric == m.Type {
			if t.Value == nil {
				return t, fmt.Errorf("the run has no value for %s: %s", m.Type, t.How)
			}
			return t, nil
		}
	}
	return MetricTarget{}, fmt.Errorf("the run has no value for %s: it is calibrated from CloudWatch by find --endpoint, with one variant or component, and not with --reconcile=false", m.Type)
}

// Advice is the targets that follow from a run, of each metric that has one. What the formula
// gives holds for the metric that it is about.
func (r Result) Advice() []proof.Advice {
	var advice []proof.Advice
	if t := r.Target; t != nil {
		advice = append(advice, proof.Advice{Metric: t.Metric, Target: t.PerMinute})
	}
	for _, t := range r.Targets {
		if t.Value != nil && !slices.ContainsFunc(advice, func(a proof.Advice) bool { return a.Metric == t.Metric }) {
			advice = append(advice, proof.Advice{Metric: t.Metric, Target: *t.Value})
		}
	}
	return advice
}
