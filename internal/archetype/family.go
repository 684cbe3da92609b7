package archetype

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"plimsoll/capacity"
	"plimsoll/slo"
)

// Each is how many instances a family has. The search was tuned on the first
// half, the development set; the others are held out.
const Each = 12

// Held is the first instance that is held out.
const Held = Each / 2

// Family is a kind of server.
type Family struct {
	Name string
	// Changes says that its servers change during a run: there is no one peak,
	// and the right answer is to say so.
	Changes bool

	number int
	errors bool // past the peak, requests are refused
	draw   func(r *rand.Rand) (build builder, around float64)
	law    func(r *rand.Rand) Law // nil for a server without one
	over   [2]float64             // objective as a multiple of the unloaded p99
}

// setting is what a server is built for.
type setting struct {
	seed   uint64
	steady bool    // as it is in the long run: warm, without what changes
	length float64 // s of the run, by which what changes is placed
	rng    *rand.Rand
}

type builder func(s setting) Server

// Instance is one modelled endpoint with an objective.
type Instance struct {
	Family    Family
	K         int // number within the family
	Objective slo.Objective
	Around    float64 // roughly its saturation, per second
	build     builder
}

// Name is the family with the number of the instance.
func (in Instance) Name() string { return fmt.Sprintf("%s/%d", in.Family.Name, in.K) }

// Start is the server as a run of about such a length finds it.
func (in Instance) Start(seed uint64, length time.Duration) Server {
	return in.build(setting{seed: seed, length: length.Seconds(), rng: rand.New(rand.NewPCG(seed, 9))})
}

// Steady is the server as it is in the long run.
func (in Instance) Steady(seed uint64) Server {
	return in.build(setting{seed: seed, steady: true, rng: rand.New(rand.NewPCG(seed, 9))})
}

// Instance draws the k-th instance, always the same.
func (f Family) Instance(k int) Instance {
	r := f.chance(k)
	build, around := f.draw(r)
	in := Instance{Family: f, K: k, Around: around, build: build}
	times := f.over[0] * math.Exp(r.Float64()*math.Log(f.over[1]/f.over[0]))
	limit := times * unloadedP99(in)
	in.Objective = slo.Objective{Kind: slo.Quantile, Level: 0.99, Limit: slo.Round(seconds(limit))}
	return in
}

// chance is what the k-th instance is drawn from.
func (f Family) chance(k int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(f.number)*1000+uint64(k), 5))
}

// Law is the scalability law that the instance was drawn with; false without one.
func (in Instance) Law() (Law, bool) {
	if in.Family.law == nil {
		return Law{}, false
	}
	return in.Family.law(in.Family.chance(in.K)), true
}

// unloadedP99 is of 20 000 requests at a thirtieth of the saturation.
func unloadedP99(in Instance) float64 {
	c := NewClient(in.Steady(1), 1)
	o := c.Hold(capacity.Trial{Rate: in.Around / 30, Measure: seconds(20_000 * 30 / in.Around)})
	return o.P99.Seconds()
}

// Cause says whether a cause names what really sets the peak of the instance:
// refusals, a saturation that is close above the peak, or latency while it is
// not. From 93 to 97 % of the saturation either of the latter is right.
func (in Instance) Cause(cause capacity.Cause) bool {
	t := in.Truth()
	switch cause {
	case capacity.CauseErrors:
		return in.Family.errors
	case capacity.CausePlateau:
		return !in.Family.errors && t.Peak > 0.93*t.Saturation
	case capacity.CauseLatency:
		return !in.Family.errors && t.Peak < 0.97*t.Saturation
	default:
		return false
	}
}

func logUniform(r *rand.Rand, low, high float64) float64 {
	return low * math.Exp(r.Float64()*math.Log(high/low))
}

func uniform(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }

// Families are all kinds, in the order of the published table.
func Families() []Family {
	all := append(stationary(), changing()...)
	for i := range all {
		all[i].number = i
	}
	return all
}
