package capacity

import (
	"math"
	"slices"
)

// The posterior lives on a grid of log rate × slope × floor.
const (
	gridPoints  = 320
	slopeLevels = 13
	leastSlope  = 3.0
	mostSlope   = 390.0
	wideSpan    = 5.0 // log rate covered while the peak is not yet located
	narrowSpan  = 0.9 // and afterwards
)

// floorLevels are how many floors are tried.
const floorLevels = 4

// floorShare is the f-th floor: the bad share far below the peak, relative to
// the budget.
func floorShare(f int) float64 { return [floorLevels]float64{0, 0.3, 0.6, 0.85}[f] }

// floorWeight is how likely the f-th floor is beforehand.
func floorWeight(f int) float64 { return [floorLevels]float64{0.6, 0.2, 0.13, 0.07}[f] }

func logSlope(j int) float64 {
	return math.Log(leastSlope) + float64(j)*math.Log(mostSlope/leastSlope)/(slopeLevels-1)
}

// posterior is what is believed of one criterion's peak u = ln λ*, the slope s
// with which things get worse past it, and the floor of what is bad anyhow.
type posterior struct {
	lo, step float64 // of the grid of u
	floors   int     // levels of the floor: 1 for a criterion without
	outlook  outlook
	prior    []float64 // log, by cell; cell = (i·slopeLevels + j)·floors + f
	weight   []float64 // posterior by cell, sums to 1
	marginal []float64 // of u
	best     int       // most probable cell

	// Moments that placing trials needs.
	sd, logSlope, floor float64
}

// outlook is what is expected before any open-loop trial.
type outlook struct {
	centre, sd, trust float64 // informed part of the location, its log sd and its weight
	lower, lowerSD    float64 // the same where something slows the endpoint now and then
	slowed            float64 // the belief that something does
	spread            float64 // log sd of the uninformed part
	cap, capSD        float64 // soft upper end; +Inf for none
	slope             func(u float64) float64
	slopeSD           float64
	twin              forecast
}

func newPosterior(o outlook, floors int) *posterior {
	p := &posterior{outlook: o, floors: floors}
	top := o.centre + 1.5
	if !math.IsInf(o.cap, 1) {
		top = max(o.cap, o.centre) + 0.25
	}
	p.place(top-wideSpan, wideSpan)
	return p
}

// place puts the grid over [lo, lo+span]; log likelihoods must be made anew.
func (p *posterior) place(lo, span float64) {
	p.lo, p.step = lo, span/(gridPoints-1)
	cells := gridPoints * slopeLevels * p.floors
	p.prior = make([]float64, cells)
	p.weight = make([]float64, cells)
	p.marginal = make([]float64, gridPoints)
	for i := range gridPoints {
		u := p.u(i)
		location, expected := p.outlook.location(u), math.Log(clamp(p.outlook.slope(u), leastSlope, mostSlope))
		for j := range slopeLevels {
			slope := math.Log(0.93*bell(logSlope(j), expected, p.outlook.slopeSD) + 0.07*bell(logSlope(j), expected, 1.3))
			for f := range p.floors {
				p.prior[(i*slopeLevels+j)*p.floors+f] = location + slope + p.floorPrior(f)
			}
		}
	}
}

func (p *posterior) floorPrior(f int) float64 {
	if p.floors == 1 {
		return 0
	}
	return math.Log(floorWeight(f))
}

func (p *posterior) u(i int) float64 { return p.lo + float64(i)*p.step }

// location is the log prior of u: informed, uninformed and, in case both are
// wrong, a little everywhere; falling off above the cap.
func (o outlook) location(u float64) float64 {
	informed, slowed := 0.0, o.slowed
	if o.twin.episodic {
		slowed = max(slowed, episodicSlowed)
	}
	if o.trust > 0 {
		informed = (1-slowed)*bell(u, o.centre, o.sd) + slowed*bell(u, o.lower, o.lowerSD)
	}
	density := o.trust*informed + (1-o.trust)*bell(u, o.centre, o.spread) + 1e-3/wideSpan
	over := max(0, (u-o.cap)/o.capSD)
	return math.Log(density*o.twin.density(u)) - over*over/2
}

func bell(x, centre, sd float64) float64 {
	z := (x - centre) / sd
	return math.Exp(-z*z/2) / (sd * math.Sqrt(2*math.Pi))
}

// combine makes the posterior from the prior and weighted log likelihoods.
func (p *posterior) combine(all []evidence, counts, weights []float64) {
	copy(p.weight, p.prior)
	for t := range all {
		w := weights[t]
		for c, ll := range all[t].cells {
			p.weight[c] += w * ll
		}
		w *= counts[t]
		if w != 0 {
			for c, odds := range all[t].odds {
				p.weight[c] += w * odds
			}
		}
		perU := slopeLevels * p.floors
		for i, ll := range all[t].local {
			for c := i * perU; c < (i+1)*perU; c++ {
				p.weight[c] += ll
			}
		}
	}
	p.normalise()
}

// negligible is the log weight, relative to the greatest, of cells that all
// together could not be seen in a sum.
const negligible = -46

func (p *posterior) normalise() {
	top := slices.Max(p.weight)
	sum := 0.0
	for c, v := range p.weight {
		if v == top {
			p.best = c
		}
		if v -= top; v < negligible {
			p.weight[c] = 0
			continue
		}
		v = math.Exp(v)
		p.weight[c] = v
		sum += v
	}
	clear(p.marginal)
	p.logSlope, p.floor = 0, 0
	for c, w := range p.weight {
		if w == 0 {
			continue
		}
		w /= sum
		p.weight[c] = w
		i, j, f := p.split(c)
		p.marginal[i] += w
		p.logSlope += w * logSlope(j)
		if p.floors > 1 {
			p.floor += w * floorShare(f)
		}
	}
	p.sd = p.spread()
}

func (p *posterior) split(cell int) (i, j, f int) {
	return cell / (slopeLevels * p.floors), cell / p.floors % slopeLevels, cell % p.floors
}

func (p *posterior) spread() float64 {
	m, v := 0.0, 0.0
	for i, w := range p.marginal {
		m += w * p.u(i)
	}
	for i, w := range p.marginal {
		v += w * (p.u(i) - m) * (p.u(i) - m)
	}
	return math.Sqrt(v)
}

// quantile is the u below which the share a of the posterior lies, interpolated
// within the cell.
func (p *posterior) quantile(a float64) float64 {
	below := 0.0
	for i, w := range p.marginal {
		if below+w >= a && w > 0 {
			return p.u(i) + ((a-below)/w-0.5)*p.step
		}
		below += w
	}
	return p.u(gridPoints - 1)
}

// above is the probability that the peak lies above a log rate.
func (p *posterior) above(x float64) float64 {
	sum := 0.0
	for i, w := range p.marginal {
		sum += w * clamp((p.u(i)-x)/p.step+0.5, 0, 1)
	}
	return sum
}

// refit says where the grid should be instead, if not where it is: narrow once
// the peak is located, wide again when the belief has run into an edge.
func (p *posterior) refit() (lo, span float64, ok bool) {
	span = p.step * (gridPoints - 1)
	wide := span > (wideSpan+narrowSpan)/2
	edge := mean(p.marginal[:4])*4 + mean(p.marginal[gridPoints-4:])*4
	switch middle := p.quantile(0.5); {
	case wide && p.sd < 0.06:
		return middle - narrowSpan/2, narrowSpan, true
	case !wide && edge > 0.02:
		return middle - wideSpan/2, wideSpan, true
	}
	return 0, 0, false
}
