package capacity

import (
	"fmt"
	"math"
	"slices"

	"plimsoll/slo"
)

// Curve is what a [Sweep] knows. It may be asked for at any time.
type Curve struct {
	Points     []Point // the closed loop by concurrency, then the open loop by rate
	USL        *USL    // of the closed loop; nil where there are too few points
	Confidence float64 // of the bands
	// Valid says that the curve may be believed; Reasons say why not, and otherwise
	// what to know of it.
	Valid   bool
	Reasons []string
	Changed bool   // throughput differed between the first round and the last
	Ended   string // one clause: why the sweep stopped
	// Objectives are those of the plan; nothing is derived.
	Objectives []slo.Objective
	Unloaded   Unloaded
}

// Point is one load of a curve.
type Point struct {
	Concurrency int     // closed loop
	Rate        float64 // open loop
	Rounds      int     // in which it was held
	Requests    int64   // intended in the windows of all
	FailShare   float64 // of them
	// Throughput is good answers per second, Mean, P50 and P99 response times in
	// seconds. P99 is left out where a round had fewer than 100 answers.
	Throughput, Mean, P50, P99 Band
	// Behind says that answers fell behind at this rate: no latency would be the
	// same for longer.
	Behind bool
	// Fitted says that the law was fitted to it, Residual is X/X(N) − 1 then.
	Fitted   bool
	Residual float64
}

// Band is an estimate with the interval that holds the mean of many rounds with
// the sweep's confidence. Low and High are zero where one round cannot tell; all
// are zero where nothing was measured.
type Band struct{ Value, Low, High float64 }

// leastTail is how many answers a p99 needs: fewer have no hundredth part.
const leastTail = 100

// Curve is what is known now.
func (s *Sweep) Curve() Curve {
	c := Curve{
		Confidence: s.plan.Confidence, Valid: len(s.broken) == 0, Ended: s.ended, Objectives: slices.Clone(s.plan.Objectives),
		Reasons: slices.Concat(s.broken, s.notes),
	}
	if len(s.scan) > 0 {
		first := s.scan[0].last
		for _, r := range s.closed {
			if r.concurrency == 1 && len(r.readings) > 0 {
				first = r.readings[len(r.readings)-1]
			}
		}
		c.Unloaded = Unloaded{P50: milliseconds(first.P50), P99: milliseconds(first.P99), Mean: milliseconds(first.Mean), SquaredCV: first.SquaredCV, Requests: first.Offered}
	}
	c.Points = append(s.points(s.closed), s.points(s.open)...)
	s.fit(&c)
	if why := s.changed(); why != "" {
		c.Changed = true
		c.Reasons = append(c.Reasons, why)
	}
	if s.doubts > 0 {
		c.Reasons = append(c.Reasons, fmt.Sprintf("%d of %d trials are not in the curve: the generator did not hold them", s.doubts, s.held))
	}
	if c.Valid && len(c.Points) == 0 {
		c.Valid = false
		c.Reasons = append(c.Reasons, "no load of the ladder was held; a longer budget is needed")
	}
	return c
}

// points are the rungs of a ladder that were held.
func (s *Sweep) points(rungs []rung) []Point {
	rungs = slices.DeleteFunc(slices.Clone(rungs), func(r rung) bool { return len(r.readings) == 0 })
	points := make([]Point, len(rungs))
	for i, r := range rungs {
		p := Point{Concurrency: r.concurrency, Rate: r.rate, Rounds: len(r.readings), Behind: r.behind}
		var failed int64
		for _, held := range r.readings {
			p.Requests += held.Offered
			failed += held.Failed
		}
		p.FailShare = float64(failed) / math.Max(1, float64(p.Requests))
		points[i] = p
	}
	for _, q := range []struct {
		of    func(reading) float64
		into  func(*Point) *Band
		least int64 // good answers of each round
	}{
		{completed, func(p *Point) *Band { return &p.Throughput }, 1},
		{func(r reading) float64 { return r.Mean.Seconds() }, func(p *Point) *Band { return &p.Mean }, 1},
		{func(r reading) float64 { return r.P50.Seconds() }, func(p *Point) *Band { return &p.P50 }, 1},
		{func(r reading) float64 { return r.P99.Seconds() }, func(p *Point) *Band { return &p.P99 }, leastTail},
	} {
		for i, band := range bands(rungs, q.of, q.least, s.plan.Confidence) {
			*q.into(&points[i]) = band
		}
	}
	return points
}

// bands estimates a positive quantity of each rung by its mean over the rounds, with
// an interval from the scatter of its logarithm. Rounds are independent, so that their scatter has in it what a
// window by itself cannot tell: the correlation within a queue. Of three rounds it
// is poorly known; the neighbours on the ladder lend theirs (a pooled variance), and
// Student's t pays for the rest.
func bands(rungs []rung, of func(reading) float64, least int64, confidence float64) []Band {
	logs := make([][]float64, len(rungs))
	for i, r := range rungs {
		for _, held := range r.readings {
			if x := of(held); x > 0 && held.Successes >= least {
				logs[i] = append(logs[i], math.Log(x))
			}
		}
	}
	out := make([]Band, len(rungs))
	for i := range rungs {
		if len(logs[i]) == 0 || least > 1 && len(logs[i]) < len(rungs[i].readings) {
			continue
		}
		for _, x := range logs[i] {
			out[i].Value += math.Exp(x) / float64(len(logs[i]))
		}
		sum, free := 0.0, 0
		for j := max(0, i-1); j <= min(len(rungs)-1, i+1); j++ {
			if n := len(logs[j]); n > 1 && rungs[i].behind == rungs[j].behind {
				sum += variance(logs[j]) * float64(n-1)
				free += n - 1
			}
		}
		if len(logs[i]) < 2 {
			continue
		}
		half := studentQuantile(confidence, free) * math.Sqrt(sum/float64(free)/float64(len(logs[i])))
		out[i].Low, out[i].High = out[i].Value*math.Exp(-half), out[i].Value*math.Exp(half)
	}
	return out
}

// studentQuantile is the two-sided quantile of Student's t with ν degrees of
// freedom, by its expansion about the normal's (Abramowitz and Stegun, Handbook of
// Mathematical Functions, 26.7.5); 3 % too small for ν = 2, less for more.
func studentQuantile(confidence float64, free int) float64 {
	z, n := normalQuantile(confidence), float64(max(1, free))
	z2 := z * z
	return z * (1 + (z2+1)/(4*n) + (5*z2*z2+16*z2+3)/(96*n*n) + (3*z2*z2*z2+19*z2*z2+17*z2-15)/(384*n*n*n))
}

// fit fits the law to the closed loop where it was neither refused nor spaced by
// the plan's rate.
func (s *Sweep) fit(c *Curve) {
	var of []int
	var points []scalePoint
	z, most := normalQuantile(s.plan.Confidence), c.mostFitted()
	for i, p := range c.Points {
		if p.Concurrency == 0 || p.Concurrency > most || p.FailShare > rejecting || s.spaced(p.Throughput.Value) || !(p.Throughput.Value > 0) {
			continue
		}
		se := 0.05 // one round: about as well as a short window tells
		if p.Throughput.High > 0 {
			se = math.Log(p.Throughput.High/p.Throughput.Value) / z
		}
		of, points = append(of, i), append(points, scalePoint{float64(p.Concurrency), p.Throughput.Value, se})
	}
	law, ok := fitUSL(points)
	if !ok {
		if s.ended != "" && len(c.Points) > 0 {
			c.Reasons = append(c.Reasons, fmt.Sprintf("no scalability law was fitted: %d concurrencies were held without refusals, and %d are needed", len(points), leastScalePoints))
		}
		return
	}
	c.USL = &law
	for k, i := range of {
		c.Points[i].Fitted, c.Points[i].Residual = true, points[k].x/law.At(points[k].n)-1
	}
	c.Reasons = append(c.Reasons, s.judge(law, points[len(points)-1].n)...)
}

// fitKnees is up to how many times the knee the law is fitted. A server that falls
// further has a limit of its own (threads, a queue) at which it stops falling.
const fitKnees = 2

func (c *Curve) mostFitted() int {
	best := 0.0
	for _, p := range c.Points {
		if p.Concurrency > 0 {
			best = max(best, p.Throughput.Value)
		}
	}
	for _, p := range c.Points {
		if p.Concurrency > 0 && p.Throughput.Value >= kneeShare*best {
			return max(fitKnees*p.Concurrency, leastTop)
		}
	}
	return 0
}

// poorFit is the misfit beyond which the law does not describe the endpoint.
const poorFit = 0.05

// judge says what the fit cannot tell.
func (s *Sweep) judge(u USL, top float64) []string {
	var out []string
	if off := u.misfit(); off > poorFit {
		out = append(out, fmt.Sprintf("the scalability law does not describe this endpoint: it is off by %.2g %% (root mean square) beyond chance; a fixed number of workers has a corner, and the law has none", 100*off))
	}
	switch {
	case u.Peak == 0:
		out = append(out, fmt.Sprintf("by the law throughput does not fall with more in flight: κ is not above 0 (standard error %.2g)", u.KappaSE))
	case u.Peak > top:
		out = append(out, fmt.Sprintf("the law's peak at %.3g in flight lies beyond the %.0f that were held: it is extrapolated", u.Peak, top))
	case u.Kappa < 2*u.KappaSE:
		out = append(out, fmt.Sprintf("κ is %.2g ± %.2g (standard error): where the law's peak lies, %.3g in flight, is hardly known", u.Kappa, u.KappaSE, u.Peak))
	}
	return out
}

// changed says how throughput differed between rounds: from the first to the last,
// or in one that was unlike another at several concurrencies.
func (s *Sweep) changed() string {
	var changes []float64
	unlike, where := 0, ""
	for _, r := range s.closed {
		n := len(r.readings)
		if n < 2 || r.refused {
			continue
		}
		changes = append(changes, math.Log(math.Max(completed(r.readings[n-1]), 1e-9)/math.Max(completed(r.readings[0]), 1e-9)))
		if text := r.unlike(); text != "" {
			unlike, where = unlike+1, text
		}
	}
	m, se := mean(changes), math.Sqrt(variance(changes)/math.Max(1, float64(len(changes))))
	switch {
	case len(changes) >= 3 && math.Abs(m) > max(driftNoted, 3*se):
		return fmt.Sprintf("the endpoint changed during the sweep: from the first round to the last the closed loop's throughput went by %+.0f %%", 100*math.Expm1(m))
	case unlike >= 2:
		return "the endpoint changed during the sweep: " + where
	}
	return ""
}

// Rounds are unlike when they differ by so much, and so far beyond chance.
const (
	unlikeBy     = 0.15
	unlikeSigmas = 4
)

// unlike names two rounds in which the throughput was not the same.
func (r rung) unlike() string {
	low, high := r.readings[0], r.readings[0]
	for _, held := range r.readings {
		if completed(held) < completed(low) {
			low = held
		}
		if completed(held) > completed(high) {
			high = held
		}
	}
	change, sigmas := compare(low.successRates(), high.successRates())
	if change < unlikeBy || sigmas < unlikeSigmas {
		return ""
	}
	return fmt.Sprintf("with %d in flight it answered %.4g/s in one round and %.4g/s in another", r.concurrency, completed(low), completed(high))
}
