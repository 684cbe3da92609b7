package experiment

import (
	"time"

	"plimsoll/capacity"
)

// ModeSweep is the mode of a plan that measures the whole curve instead of
// looking for the peak.
const ModeSweep = "sweep"

// Point is one load of a curve, over the rounds in which it was held.
type Point struct {
	Concurrency int     `json:"concurrency,omitempty"`     // closed loop
	Rate        float64 `json:"rate_per_second,omitempty"` // open loop
	Rounds      int     `json:"rounds"`
	Requests    int64   `json:"requests"`     // intended in the windows of all rounds
	FailShare   float64 `json:"failed_share"` // of them
	Throughput  Band    `json:"achieved_per_second"`
	Mean        Band    `json:"response_mean_ms"`
	P50         Band    `json:"response_p50_ms"`
	P99         Band    `json:"response_p99_ms"`
	Behind      bool    `json:"behind"` // answers fell behind: there is nothing steady to measure
	// Residual is the throughput over that of the law, minus one; null where the
	// law was not fitted to it.
	Residual *float64 `json:"usl_residual"`
}

// Band is an estimate with its interval, null where it is not known.
type Band struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// USL is the Universal Scalability Law of the closed loop: X(N) = λN/(1+σ(N−1)+κN(N−1)).
type USL struct {
	Lambda   float64  `json:"lambda_per_second"`
	LambdaSE float64  `json:"lambda_standard_error"`
	Sigma    float64  `json:"sigma"`
	SigmaSE  float64  `json:"sigma_standard_error"`
	Kappa    float64  `json:"kappa"`
	KappaSE  float64  `json:"kappa_standard_error"`
	Peak     *float64 `json:"peak_concurrency"`      // N*; null: by the law throughput never falls
	PeakRate *float64 `json:"peak_rate_per_second"`  // X(N*)
	RMS      float64  `json:"rms_relative_residual"` // of the points it was fitted to
	Points   int      `json:"points"`
}

// At is the throughput by the law with n in flight.
func (u USL) At(n float64) float64 {
	return capacity.USL{Lambda: u.Lambda, Sigma: u.Sigma, Kappa: u.Kappa}.At(n)
}

// curve is the result of a sweep: what is known now.
func (f *finder) curve(stopped error) Result {
	known := f.sweep.Curve()
	r := Result{
		SchemaVersion: SchemaVersion, Command: f.plan.Command, Status: Complete, Started: f.started,
		DurationSeconds: (f.before + time.Since(f.began)).Seconds(), Requests: f.requests, RequestsSent: f.sent(),
		Peak: peakOf(capacity.Result{
			Confidence: known.Confidence, Cause: capacity.CauseNone, Valid: known.Valid, Changed: known.Changed, Reasons: known.Reasons, Ended: known.Ended,
			Objectives: known.Objectives, Derived: -1, Binding: -1,
		}),
		Trials: f.trials, Client: f.client(), Plan: f.plan, Curve: []Point{}, Saturation: topOf(known),
		Unloaded: Unloaded{P50ms: known.Unloaded.P50, P99ms: known.Unloaded.P99, MeanMs: known.Unloaded.Mean, Requests: known.Unloaded.Requests},
	}
	r.Peak.Reasons = append(append(r.Peak.Reasons, f.crowded()...), f.notes...)
	for _, p := range known.Points {
		r.Curve = append(r.Curve, pointOf(p))
	}
	if u := known.USL; u != nil {
		r.USL = &USL{
			Lambda: u.Lambda, LambdaSE: u.LambdaSE, Sigma: u.Sigma, SigmaSE: u.SigmaSE, Kappa: u.Kappa, KappaSE: u.KappaSE, RMS: u.RMS, Points: u.Points,
			Peak: unlessZero(u.Peak), PeakRate: unlessZero(u.PeakRate),
		}
	}
	if stopped != nil {
		r.stop(stopped)
	}
	return r
}

// topOf is the highest throughput of the closed loop, nil while it still grew.
func topOf(c capacity.Curve) *Plateau {
	rate, se, n := c.Top()
	if n == 0 {
		return nil
	}
	return &Plateau{Rate: rate, StdErr: se, Concurrency: n}
}

func pointOf(p capacity.Point) Point {
	const ms = 1000
	out := Point{
		Concurrency: p.Concurrency, Rate: p.Rate, Rounds: p.Rounds, Requests: p.Requests, FailShare: p.FailShare, Behind: p.Behind,
		Throughput: bandOf(p.Throughput, 1), Mean: bandOf(p.Mean, ms), P50: bandOf(p.P50, ms), P99: bandOf(p.P99, ms),
	}
	if p.Fitted {
		out.Residual = &p.Residual
	}
	return out
}

func bandOf(b capacity.Band, unit float64) Band {
	return Band{Value: unlessZero(b.Value * unit), Low: unlessZero(b.Low * unit), High: unlessZero(b.High * unit)}
}

// unlessZero is nil for zero, which stands for what is not known.
func unlessZero(x float64) *float64 {
	if x == 0 {
		return nil
	}
	return &x
}
