package archetype

import (
	"math"
	"math/rand/v2"
)

// Sharing is a processor-sharing endpoint: n requests in service progress at
// speed(n) each; beyond so many threads they wait.
type Sharing struct {
	rng     *rand.Rand
	service Service
	speed   func(n int) float64
	threads int
	jobs    answers // At is in virtual work
	waiting []int
	virtual float64
	clock   float64
}

// NewSharing is an idle one.
func NewSharing(seed uint64, threads int, service Service, speed func(n int) float64) *Sharing {
	return &Sharing{rng: rand.New(rand.NewPCG(seed, 1)), service: service, speed: speed, threads: threads}
}

func (p *Sharing) advance(now float64) {
	if n := len(p.jobs); n > 0 {
		p.virtual += (now - p.clock) * p.speed(n)
	}
	p.clock = now
}

func (p *Sharing) begin(id int) {
	p.jobs.push(Answer{ID: id, At: p.virtual + p.service(p.rng, 0), OK: true})
}

// Arrive takes a request.
func (p *Sharing) Arrive(now float64, id int) {
	p.advance(now)
	if len(p.jobs) >= p.threads {
		p.waiting = append(p.waiting, id)
		return
	}
	p.begin(id)
}

// Next is the time of the next answer.
func (p *Sharing) Next() float64 {
	if len(p.jobs) == 0 {
		return math.Inf(1)
	}
	return p.clock + max(0, p.jobs[0].At-p.virtual)/p.speed(len(p.jobs))
}

// Step hands out the answers that are due.
func (p *Sharing) Step(now float64, out []Answer) []Answer {
	p.advance(now)
	for len(p.jobs) > 0 && p.jobs[0].At <= p.virtual+1e-9 {
		o := p.jobs.pop()
		o.At = now
		out = append(out, o)
		if len(p.waiting) > 0 {
			p.begin(p.waiting[0])
			p.waiting = p.waiting[1:]
		}
	}
	return out
}
