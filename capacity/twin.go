package capacity

import (
	"math"
	"math/rand/v2"

	"plimsoll/slo"
)

// twin is a line before so many workers, with the service times that the
// endpoint itself showed under load, in their order. Of requests that are taken
// first come, first served, each begins when it comes or when the next worker is
// done, whichever is later; so what the client saw gives every service time. With
// arrivals drawn anew, as many as it takes, they say at which rate too many would
// wait for too long: without the noise of the arrivals, and without waiting until
// rare bursts have been seen often enough.
//
// An endpoint that is no such line shows it: the workers that its services fit
// would carry another throughput than was measured. The forecast is then as
// uncertain as the two are apart, or from another discipline that fits better.
type twin struct {
	fits     []fit // by workers
	first    []First
	told     int   // requests of first
	from     int64 // µs of a window whose requests may have met earlier ones that it does not tell
	even     bool
	heard    int // requests at the last forecast
	blocks   [][]float64
	workers  int        // of the line that fits best
	plays    discipline // what the blocks are of
	speed    speedCurve // empty where requests do not share the endpoint
	bounded  bool
	refusals int64 // µs within which a refusal came back at once
}

// discipline is a way to serve requests.
type discipline interface {
	// services are what the requests of a trial asked of the endpoint, in the order
	// in which they were intended, by when they came and were answered; and how many
	// of those are impossible.
	services(f First, from int64) (services []float64, absurd float64)
	// bad says which requests take longer than a limit or are refused, when they come
	// at such instants (s) and ask for so much.
	bad(at, services []float64, limit float64) []bool
}

// fit is what a number of workers makes of the requests.
type fit struct {
	workers   int
	sum       float64 // of service times, s
	n, absurd float64 // services, and those that would have ended before they began
}

// forecast is where a twin puts a peak: log rate, its standard deviation, and how
// steep the curve is there.
type forecast struct {
	u, sd, slope float64
	below        float64 // the standard deviation downwards, which long services not yet met make larger
	episodic     bool    // services come in slow episodes, of which few were seen
	known        bool
}

const (
	mostWorkers     = 64
	mostServices    = 150_000
	leastServices   = 50
	twinRequests    = 120_000 // of each simulation
	twinGrowth      = 1.1     // by which the services must have grown for another forecast
	mostSecants     = 4
	lineApart       = 0.04  // misfit of a line beyond which requests may share the endpoint instead
	twinApart       = 0.03  // in log rate, on both sides of the peak: the two simulations
	twinCaution     = 1.5   // by which its standard error is stretched
	mostNoise       = 0.16  // squared relative error of a simulation's bad requests, beyond which it tells too little
	twinError       = 0.01  // sd of the log rate: simulation, and what a line is not
	mostAbsurd      = 0.005 // share of services
	twinDoubt       = 0.1   // belief that the twin is no model of the endpoint at all
	leastTwinBlocks = 4
	mostTogether    = 3 // by which slow episodes that come together stretch the error at most
)

// newTwin is a twin of what is known of the endpoint; without any number of
// workers where there is no plateau to compare it with, or requests are throttled.
func (s *Search) newTwin() twin {
	t := twin{even: s.plan.EvenArrivals}
	guess := s.sat.rate * s.base.Mean.Seconds()
	if !s.sat.known || s.throttle.active || !(guess > 0) || guess > mostWorkers {
		return t
	}
	t.bounded, t.refusals = s.sat.room > 0, s.base.Mean.Microseconds()/2
	t.speed = s.speeds()
	for w := max(1, int(0.65*guess)-1); w <= int(1.6*guess)+2; w++ {
		t.fits = append(t.fits, fit{workers: w})
	}
	t.from = int64(1e6 * s.longestWait())
	return t
}

// hear takes a trial's requests.
func (t *twin) hear(f First) {
	if len(t.fits) == 0 || len(f.At) == 0 || t.told > mostServices {
		return
	}
	t.told += len(f.At)
	if t.bounded {
		f = f.told(t.refusals)
	}
	t.first = append(t.first, f)
	for i := range t.fits {
		fit := &t.fits[i]
		block, absurd := line{workers: fit.workers}.services(f, t.from)
		for _, service := range block {
			fit.sum += service
		}
		fit.n += float64(len(block))
		fit.absurd += absurd
	}
}

// line is so many workers that take requests first come, first served.
type line struct{ workers int }

// services are service times (s), absurd those that would have been below zero. They
// end at a request that was not answered well; one that was refused took nothing.
func (l line) services(f First, from int64) (services []float64, absurd float64) {
	free := make([]int64, l.workers)
	for i, at := range f.At {
		if f.Took[i] == refusedAtOnce {
			continue
		}
		if f.Took[i] < 0 {
			break
		}
		w := soonest(free)
		done := at + f.Took[i]
		service := done - max(at, free[w])
		free[w] = max(free[w], done)
		if at < from {
			continue
		}
		if service < 0 {
			absurd++
		}
		services = append(services, float64(max(0, service))/1e6)
	}
	return services, absurd
}

func soonest[T int64 | float64](free []T) int {
	first := 0
	for w := range free {
		if free[w] < free[first] {
			first = w
		}
	}
	return first
}

func (l line) bad(at, services []float64, limit float64) []bool {
	bad, free := make([]bool, len(at)), make([]float64, l.workers)
	for i, service := range services {
		w := soonest(free)
		free[w] = max(at[i], free[w]) + service
		bad[i] = free[w]-at[i] > limit
	}
	return bad
}

// choose settles for the workers with possible services that carry the throughput
// nearest to the measured one, and says how far in log it is from that.
func (t *twin) choose(saturation float64) (misfit float64, ok bool) {
	best := -1
	for i, f := range t.fits {
		if f.n < leastServices || f.sum <= 0 || f.absurd > mostAbsurd*f.n {
			continue
		}
		if apart := math.Log(float64(f.workers) * f.n / f.sum / saturation); best < 0 || math.Abs(apart) < math.Abs(misfit) {
			best, misfit = i, apart
		}
	}
	if best < 0 {
		return 0, false
	}
	t.workers = t.fits[best].workers
	return misfit, true
}

// settle makes the discipline that fits best the one that is played. It says by how
// much in log rate that may be wrong.
func (t *twin) settle(saturation float64) (misfit float64, ok bool) {
	misfit, ok = t.choose(saturation)
	t.plays = line{workers: t.workers}
	switch {
	case t.bounded && ok:
		t.plays, misfit, ok = t.bound(misfit)
	case len(t.speed) > 0 && (!ok || math.Abs(misfit) > lineApart):
		if shared, apart := t.share(); !ok || math.Abs(apart) < math.Abs(misfit) {
			t.plays, misfit, ok = shared, apart, true
		}
	}
	t.blocks = nil
	if !ok {
		return 0, false
	}
	for _, f := range t.first {
		if block, _ := t.plays.services(f, t.from); len(block) > 0 {
			t.blocks = append(t.blocks, block)
		}
	}
	return misfit, true
}

// play counts by piece the requests that are bad at a rate, after as many that are
// not counted as let the line come to rest.
func (t *twin) play(pieces [][]float64, rate, limit float64, rng *rand.Rand) (bad []float64, counted float64) {
	var at, services []float64
	now, gap := 0.0, 1/rate
	for len(at) < twinRequests {
		for _, piece := range pieces {
			for _, service := range piece {
				if t.even {
					now += gap
				} else {
					now += gap * rng.ExpFloat64()
				}
				at, services = append(at, now), append(services, service)
			}
		}
	}
	late := t.plays.bad(at, services, limit)
	bad = make([]float64, len(pieces))
	for i := 0; i < len(late); {
		for p, piece := range pieces {
			first := i
			if i += len(piece); i <= twinRequests/10 {
				continue
			}
			for _, slow := range late[first:i] {
				if slow {
					bad[p]++
				}
			}
			counted += float64(len(piece))
		}
	}
	return bad, counted
}

// forecast finds the peak from a first guess, log rate and slope, by secants.
func (t *twin) forecast(o slo.Objective, u float64) forecast {
	limit, f := o.Limit.Seconds(), forecast{u: u, known: true}
	pieces := t.pieces(math.Exp(u))
	var over, under []float64
	for range mostSecants {
		seed := uint64(len(t.blocks))
		counted, n := t.play(pieces, math.Exp(f.u+twinApart), limit, rand.New(rand.NewPCG(seed, 12)))
		over = counted
		under, _ = t.play(pieces, math.Exp(f.u-twinApart), limit, rand.New(rand.NewPCG(seed, 12)))
		high, low := max(sum(over), 1), max(sum(under), 1)
		f.slope = clamp(math.Log(high/low)/(2*twinApart), leastSlope, mostSlope)
		step := clamp(math.Log(o.Budget()*n/math.Sqrt(high*low))/f.slope, -0.2, 0.2)
		f.u += step
		if math.Abs(step) < twinApart/3 {
			break
		}
	}
	for i := range over {
		over[i] += under[i]
	}
	f.sd = max(errorOf(pieces, over)/f.slope, t.sampleError(o))
	return f
}

// sampleError is the standard deviation of the log rate that so many services
// leave: that of counting among as many requests (docs/methodology.md, "How much
// data it takes") without the part of the arrivals, and the share of their
// variance that the longest of them makes: where that is large, longer ones are to
// be expected that have not been met.
func (t *twin) sampleError(o slo.Objective) float64 {
	var n, sum, squares, longest float64
	for _, b := range t.blocks {
		for _, service := range b {
			n, sum, squares, longest = n+1, sum+service, squares+service*service, max(longest, service)
		}
	}
	average := sum / n
	cv2 := squares/n/(average*average) - 1
	rare := longest * longest / squares
	return math.Hypot(countError(o, max(0, cv2), n), rare/2)
}

// countError is the standard deviation of the log rate that so many services with
// a squared coefficient of variation leave.
func countError(o slo.Objective, cv2, n float64) float64 {
	return math.Sqrt(cv2/(2*o.Budget()*n)) / tailLog(o)
}

func sum(xs []float64) float64 { return mean(xs) * float64(len(xs)) }

// consult lets the twin hear a trial and, if it knows clearly more than before,
// tell the criteria where it expects their peaks.
func (s *Search) consult(r reading) {
	t := &s.twin
	t.hear(r.First)
	if len(t.first) < leastTwinBlocks || !t.grown() {
		return
	}
	misfit, ok := t.settle(s.sat.rate)
	if !ok || len(t.blocks) < leastTwinBlocks {
		return
	}
	for _, c := range s.criteria {
		if c.slow < 0 || c.gap < saturating && !t.bounded || mostNoise*c.budget*twinRequests < c.burst {
			continue
		}
		from := c.post.quantile(0.5)
		if c.post.outlook.twin.known {
			from = c.post.outlook.twin.u
		}
		f := t.forecast(c.objective, from)
		f.episodic = t.episodic(math.Exp(f.u))
		together := c.slowBursts
		if f.episodic {
			together = mostTogether
		}
		apart := max(0, math.Abs(misfit)-2*s.sat.se-twinError)
		f.sd = math.Hypot(twinCaution*together*f.sd, math.Hypot(math.Sqrt(c.burst/(twinRequests*c.budget))/f.slope, math.Hypot(twinError, apart)))
		f.below = f.sd
		if s.heavyTail() {
			f.below = math.Hypot(f.sd, twinCaution*countError(c.objective, s.unseen(), float64(t.heard)))
		}
		c.expect(f)
	}
}

// grown says that so many more requests have been heard that another forecast is
// worth its time.
func (t *twin) grown() bool {
	if float64(t.told) < twinGrowth*float64(t.heard) || t.told > mostServices {
		return false
	}
	t.heard = t.told
	return true
}

// expect takes over a twin's forecast.
func (c *criterion) expect(f forecast) {
	c.post.outlook.twin = f
	c.post.place(c.post.lo, c.post.step*(gridPoints-1))
	c.update()
}

// density is how likely a forecast makes a peak, up to a factor.
func (f forecast) density(u float64) float64 {
	if !f.known {
		return 1
	}
	sd := f.sd
	if u < f.u {
		sd = f.below
	}
	believed := 2 * sd / (f.sd + f.below) * bell(u, f.u, sd)
	return (1-twinDoubt)*believed + twinDoubt*bell(u, f.u, 0.3)
}
