package archetype

import "math/rand/v2"

// refusalTime (s) is how long a refusal takes to come back.
const refusalTime = 0.001

// FIFO is c workers behind one queue, with everything that a first-come
// first-served endpoint can have: a bound, pauses, a throttle, a slow start.
type FIFO struct {
	Speed         *Warp
	Room          int     // greatest number in the system; 0: unbounded
	ThrottleRate  float64 // per second; 0: none
	Burst, Tokens float64 // of the throttle: the most allowance, and what is left of it
	DieAt         float64 // from then on everything fails; 0: never
	Failing       float64 // share that fails anyhow

	rng      *rand.Rand
	free     []float64 // work time at which each worker is free
	service  Service
	refilled float64
	served   int
	answers  answers
	inside   int
}

// NewFIFO is c workers that are free.
func NewFIFO(seed uint64, c int, service Service) *FIFO {
	return &FIFO{rng: rand.New(rand.NewPCG(seed, 1)), free: make([]float64, c), service: service}
}

// AddWorkers adds so many workers that begin at a time of an unwarped clock.
func (f *FIFO) AddWorkers(n int, at float64) {
	for range n {
		f.free = append(f.free, at)
	}
}

// Arrive takes a request.
func (f *FIFO) Arrive(now float64, id int) {
	if f.DieAt > 0 && now > f.DieAt {
		f.answers.push(Answer{ID: -id - 1, At: now + refusalTime})
		return
	}
	if f.ThrottleRate > 0 && !f.pass(now) {
		f.answers.push(Answer{ID: -id - 1, At: now + refusalTime, Throttled: true})
		return
	}
	if f.Room > 0 && f.inside >= f.Room || f.Failing > 0 && f.rng.Float64() < f.Failing {
		f.answers.push(Answer{ID: -id - 1, At: now + refusalTime})
		return
	}
	f.inside++
	first := 0
	for i, at := range f.free {
		if at < f.free[first] {
			first = i
		}
	}
	end := max(f.Speed.done(now), f.free[first]) + f.service(f.rng, f.served)
	f.served++
	f.free[first] = end
	f.answers.push(Answer{ID: id, At: f.Speed.when(end), OK: true})
}

func (f *FIFO) pass(now float64) bool {
	f.Tokens = min(f.Burst, f.Tokens+(now-f.refilled)*f.ThrottleRate)
	f.refilled = now
	if f.Tokens < 1 {
		return false
	}
	f.Tokens--
	return true
}

// Next is the time of the next answer.
func (f *FIFO) Next() float64 { return f.answers.next() }

// Step hands out the answers that are due.
func (f *FIFO) Step(now float64, out []Answer) []Answer {
	for f.answers.next() <= now {
		o := f.answers.pop()
		if o.OK {
			f.inside--
		} else {
			o.ID = -o.ID - 1
		}
		out = append(out, o)
	}
	return out
}
