package capacity

import (
	"fmt"
	"math"
	"slices"
	"time"

	"plimsoll/slo"
)

// What the model cannot know, added to every interval.
const (
	modelError = 0.009 // sd of the log rate
	widening   = 1.1
)

// estimate is the answer in log rates: the lowest of all criteria.
type estimate struct {
	mid, low, high float64
	criterion      int  // that sets it
	throttled      bool // a rate limit sets it instead
}

// halfWidth is the relative half-width of the interval.
func (e estimate) halfWidth() float64 {
	return (math.Exp(e.high-e.mid) - math.Exp(e.low-e.mid)) / 2
}

func (s *Search) estimate() estimate { return s.estimateAt(0.5) }

// estimateAt takes the given quantile for mid. Criteria are judged from the same
// requests, so that their errors go together: the quantile of the lowest is the
// lowest of the quantiles.
func (s *Search) estimateAt(middle float64) estimate {
	tail := (1 - s.plan.Confidence) / 2
	e := estimate{mid: math.Inf(1), low: math.Inf(1), high: math.Inf(1)}
	for i, c := range s.criteria {
		if mid := c.post.quantile(middle); mid < e.mid {
			e.mid, e.criterion = mid, i
		}
		e.low = min(e.low, c.post.quantile(tail))
		e.high = min(e.high, c.post.quantile(1-tail))
	}
	if s.throttle.active {
		u, sd := s.throttle.point(s.leastBudget())
		if mid := u + sd*math.Sqrt2*math.Erfinv(2*middle-1); mid < e.mid {
			e.mid, e.throttled = mid, true
		}
		z := normalQuantile(s.plan.Confidence)
		e.low, e.high = min(e.low, u-z*sd), min(e.high, u+z*sd)
	}
	own := normalQuantile(s.plan.Confidence) * modelError
	below := widening
	if !e.throttled && len(s.criteria) > 0 && s.criteria[e.criterion].post.outlook.twin.episodic {
		below *= episodicBelow
	}
	e.low = e.mid - math.Hypot(below*max(0, e.mid-e.low), own)
	e.high = e.mid + math.Hypot(widening*max(0, e.high-e.mid), own)
	return e
}

// above is the belief that the peak lies above a log rate.
func (s *Search) above(x float64) float64 {
	least := 1.0
	for _, c := range s.criteria {
		least = min(least, c.post.above(x))
	}
	if s.throttle.active {
		u, sd := s.throttle.point(s.leastBudget())
		least = min(least, 0.5*math.Erfc((x-u)/(sd*math.Sqrt2)))
	}
	return least
}

// Result is what is known now.
func (s *Search) Result() Result {
	r := Result{
		Confidence: s.plan.Confidence, Cause: CauseNone, Missed: s.notMet, Changed: s.drift != 0, Valid: len(s.broken) == 0, Ended: s.ended,
		Objectives: slices.Clone(s.objectives), Derived: s.derived, Binding: -1,
		Saturation: s.sat.rate, SaturationSE: s.sat.rate * s.sat.se, Knee: s.sat.knee,
		Saturated: s.sat.known, Throttled: s.throttle.active,
		Reasons: slices.Concat(s.broken, s.notes),
	}
	if s.base.known {
		r.Unloaded = Unloaded{
			P50: milliseconds(s.base.P50), P99: milliseconds(s.base.P99), Mean: milliseconds(s.base.Mean),
			SquaredCV: s.base.SquaredCV, Requests: s.base.Offered,
		}
	}
	if why := s.contradicted(); why != "" {
		r.Changed = true
		r.Reasons = append(r.Reasons, why)
	}
	switch {
	case s.notMet:
	case s.bounded():
		s.reportBound(&r)
	case len(s.open) == 0:
		r.Reasons = append(r.Reasons, "the search ended before a rate was tried in an open loop"+s.needed())
	case s.scarcity() != "":
		r.Reasons = append(r.Reasons, s.scarcity()+s.needed())
	default:
		s.reportPeak(&r)
	}
	if s.derived >= 0 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("no latency objective was given: %v was derived from the unloaded latency", s.objectives[s.derived]))
	}
	return r
}

// bounded says that the peak is only known to lie above what could be offered.
func (s *Search) bounded() bool {
	switch {
	case s.ceiling.cause == CauseClient && len(s.criteria) == 0:
		return true
	case len(s.open) == 0:
		return s.cutShort != ""
	case s.ceiling.exists() && s.above(math.Log(s.ceiling.rate)) > 0.5:
		return true
	}
	return s.cutShort != "" && !s.missedAbove()
}

// missedAbove says that some trial went beyond the peak.
func (s *Search) missedAbove() bool {
	return slices.ContainsFunc(s.open, func(o openTrial) bool { return !o.met })
}

func (s *Search) reportBound(r *Result) {
	rate := s.heldRate()
	r.Rate, r.Low, r.High = rate, rate, rate
	r.Cause = s.ceiling.cause
	why := s.ceiling.why
	if s.ceiling.cause == "" || s.cutShort != "" && !s.ceiling.exists() {
		r.Cause, why = s.cutShort, s.ended
	}
	if rate > 0 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("a lower bound: %.4g/s held and the peak lies above; %s", rate, why))
	} else {
		r.Reasons = append(r.Reasons, "no rate was shown to hold: "+why)
	}
}

func (s *Search) reportPeak(r *Result) {
	e := s.estimate()
	r.Found = true
	r.Rate = math.Exp(e.mid)
	r.Low = math.Exp(e.low) * (1 + min(s.drift, 0))
	r.High = math.Exp(e.high) * (1 + max(s.drift, 0))
	r.Low, r.High = max(0, min(r.Low, r.Rate)), max(r.High, r.Rate)
	half := (r.High - r.Low) / (2 * r.Rate)
	if r.Wide = half > s.plan.Precision; r.Wide {
		r.Reasons = append(r.Reasons, s.whyWide(half))
	}
	if len(s.criteria) > 0 {
		if c := s.criteria[e.criterion]; c.scatter > 2.5 && !e.throttled {
			r.Reasons = append(r.Reasons, fmt.Sprintf("trials at near rates disagree %.1f times more than chance explains; the interval is widened by it", math.Sqrt(c.scatter)))
		}
	}
	if s.heavyTail() {
		r.Reasons = append(r.Reasons, s.whyHeavy())
	}
	if s.unconfirmed != "" {
		r.Reasons = append(r.Reasons, "the lower end of the answer was not confirmed by a trial: "+s.unconfirmed)
	}
	s.nameCause(r, e)
}

func (s *Search) whyWide(half float64) string {
	ratio := half / s.plan.Precision
	var spent float64
	for _, o := range s.open {
		spent += o.Window.Seconds()
	}
	more := seconds(spent * max(0, ratio*ratio-1)).Round(time.Second)
	return fmt.Sprintf("the interval is ±%.3g %% instead of ±%.3g %%: about %v more of trials near the peak are needed", 100*half, 100*s.plan.Precision, more)
}

// Near the peak, for the question of what is bad there.
const (
	nearBelow    = 0.86
	nearAbove    = 1.16
	plateauShare = 0.95
)

// nameCause says what is bad just past the peak.
func (s *Search) nameCause(r *Result, e estimate) {
	bad, failed, grows := 0.0, 0.0, false
	for _, o := range s.open {
		ratio := o.trial.Rate / r.Rate
		if ratio < nearBelow || ratio > nearAbove {
			continue
		}
		failed += float64(o.Failed)
		bad += float64(o.Failed + s.slowSuccesses(o.reading, e))
		grows = grows || o.grows && ratio <= 1.05
	}
	binding := s.criteria[e.criterion].index
	switch {
	case e.throttled, failed > 0 && 2*failed > bad, s.objectives[binding].Kind == slo.Success && failed > 0:
		r.Cause = CauseErrors
		r.Binding = slices.IndexFunc(s.objectives, func(o slo.Objective) bool { return o.Kind == slo.Success })
	case s.sat.known && r.Rate > plateauShare*s.sat.rate, grows:
		r.Cause = CausePlateau
	default:
		r.Cause, r.Binding = CauseLatency, binding
	}
}

// slowSuccesses are the requests that were slow by the binding objective without
// having failed.
func (s *Search) slowSuccesses(r reading, e estimate) int64 {
	c := s.criteria[e.criterion]
	if c.slow < 0 || c.slow >= len(r.Slow) {
		return 0
	}
	return max(0, r.Slow[c.slow]-r.Failed)
}

func milliseconds(d interface{ Seconds() float64 }) float64 { return 1000 * d.Seconds() }
