package report

import (
	"fmt"

	"plimsoll/experiment"
)

// stateCurve is the state of a sweep that may be believed.
const stateCurve state = "CURVE"

// isSweep says that a result is a curve and no peak.
func isSweep(r *experiment.Result) bool { return r.Plan.Mode == experiment.ModeSweep }

const sweepMethod = "A scan doubles the requests in flight until throughput no longer grows. Then a ladder of concurrencies (closed loop) and one of rates up to the highest throughput (open loop) are held in rounds; bands are from the scatter between rounds. The law is N. Gunther’s Universal Scalability Law, X(N) = λN / (1 + σ(N−1) + κN(N−1)), fitted to the closed loop by least squares of relative residuals."

// curveVerdictOf says what a sweep is worth.
func curveVerdictOf(r *experiment.Result, u units) verdict {
	v := verdict{State: stateCurve, Reasons: cleaned(r.Peak.Reasons), Cause: lawOf(r, u)}
	if s := stateOf(r); s == statePartial || s == stateInvalid {
		v.State = s
	}
	v.Number, v.Title = "none", "No throughput was measured"
	if best := mostAchieved(r.Curve); best != nil {
		v.Number = u.rate(*best.Throughput.Value)
		v.Title = fmt.Sprintf("Highest throughput %s, with %d in flight", v.Number, best.Concurrency)
		if low, high := best.Throughput.Low, best.Throughput.High; low != nil && high != nil {
			v.Interval = fmt.Sprintf("%s to %s with %s confidence", trim(u.number(*low)), u.rate(*high), percent(r.Peak.Confidence))
		}
	}
	v.advise(r.Peak.Changed)
	if v.State == stateCurve && v.Advice == "" {
		v.Advice = "This is no peak under an objective: find without --mode sweep looks for one and makes the target."
	}
	return v
}

// mostAchieved is the closed loop's point with the highest throughput.
func mostAchieved(points []experiment.Point) *experiment.Point {
	var best *experiment.Point
	for i, p := range points {
		if p.Concurrency > 0 && p.Throughput.Value != nil && (best == nil || *p.Throughput.Value > *best.Throughput.Value) {
			best = &points[i]
		}
	}
	return best
}

// lawOf is the fitted law in a sentence.
func lawOf(r *experiment.Result, u units) string {
	l := r.USL
	if l == nil {
		return "No scalability law was fitted."
	}
	text := fmt.Sprintf("Scalability law: contention σ = %s ± %s, coherency κ = %s ± %s (standard errors), λ = %s",
		small(l.Sigma), small(l.SigmaSE), small(l.Kappa), small(l.KappaSE), u.rate(l.Lambda))
	if l.Peak != nil && l.PeakRate != nil {
		text += fmt.Sprintf("; by it throughput is highest at %s in flight, %s", trim(number(*l.Peak)), u.rate(*l.PeakRate))
	} else {
		text += "; by it throughput never falls"
	}
	return text + fmt.Sprintf(". Residuals are %.2g %% (root mean square of %s).", 100*l.RMS, plural(int64(l.Points), "point", "points"))
}

// small writes a coefficient with three digits.
func small(x float64) string { return fmt.Sprintf("%.3g", x) }

// curveHead is the heading of the rows of a curve; times are in milliseconds.
func curveHead(u units) []string {
	return []string{"load", "achieved " + u.suffix, "p50 ms", "p99 ms", "mean ms", "failed", "law"}
}

// curveRow is one point in words.
func curveRow(p experiment.Point, u units) []string {
	load := u.rate(p.Rate) + " offered"
	if p.Concurrency > 0 {
		load = fmt.Sprintf("%d in flight", p.Concurrency)
	}
	law := missing
	if p.Residual != nil {
		law = fmt.Sprintf("%+.1f %%", 100**p.Residual)
	}
	rate := func(x float64) string { return trim(u.number(x)) }
	ms := func(x float64) string { return trim(milliseconds(x)) }
	row := []string{load, banded(p.Throughput, rate), banded(p.P50, ms), banded(p.P99, ms), banded(p.Mean, ms), percentOf(p.FailShare), law}
	if p.Behind {
		row[2], row[3], row[4] = "falls behind", missing, missing
	}
	return row
}

func percentOf(share float64) string {
	if share == 0 {
		return "0"
	}
	return fmt.Sprintf("%.2g %%", 100*share)
}

// banded writes a value with its band.
func banded(b experiment.Band, write func(float64) string) string {
	switch {
	case b.Value == nil:
		return missing
	case b.Low == nil || b.High == nil:
		return write(*b.Value)
	}
	return fmt.Sprintf("%s (%s to %s)", write(*b.Value), write(*b.Low), write(*b.High))
}

// curve writes the points of a sweep as a table: what the report has, as far as a
// terminal has room.
func (t *text) curve(r *experiment.Result) {
	if len(r.Curve) == 0 {
		return
	}
	const format = "%-16s%14s%14s%14s%9s%9s"
	u := unitsOf(r.Plan)
	t.b.WriteString(t.as(fmt.Sprintf(format, "load", "achieved "+u.suffix, "p50 ms", "p99 ms", "failed", "law"), dim) + "\n")
	rate := func(x float64) string { return trim(u.number(x)) }
	ms := func(x float64) string { return trim(milliseconds(x)) }
	for _, p := range r.Curve {
		row := curveRow(p, u)
		p50, p99 := plusMinus(p.P50, ms), plusMinus(p.P99, ms)
		if p.Behind {
			p50, p99 = row[2], row[3]
		}
		fmt.Fprintf(&t.b, format+"\n", row[0], plusMinus(p.Throughput, rate), p50, p99, row[5], row[6])
	}
	t.b.WriteByte('\n')
}

// plusMinus writes a value with half the width of its band, relative to it.
func plusMinus(b experiment.Band, write func(float64) string) string {
	switch {
	case b.Value == nil:
		return missing
	case b.Low == nil || b.High == nil:
		return write(*b.Value)
	}
	return fmt.Sprintf("%s ± %.2g %%", write(*b.Value), 50*(*b.High-*b.Low) / *b.Value)
}
