package archetype

import (
	"math"
	"math/rand/v2"
)

// Server is an endpoint in virtual time (s).
type Server interface {
	Arrive(now float64, id int)
	Next() float64                               // time of the next answer or internal event, +Inf for none
	Step(now float64, answers []Answer) []Answer // handle what is due
}

// Answer is the outcome of one request.
type Answer struct {
	ID        int
	At        float64
	OK        bool
	Throttled bool
}

// answers is a heap by time; ties by id, so that runs replay.
type answers []Answer

func (h *answers) push(o Answer) {
	*h = append(*h, o)
	a := *h
	for i := len(a) - 1; i > 0; {
		parent := (i - 1) / 2
		if !earlier(a[i], a[parent]) {
			break
		}
		a[i], a[parent] = a[parent], a[i]
		i = parent
	}
}

func earlier(a, b Answer) bool { return a.At < b.At || a.At == b.At && a.ID < b.ID }

func (h *answers) pop() Answer {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	a = a[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && earlier(a[child+1], a[child]) {
			child++
		}
		if !earlier(a[child], a[i]) {
			break
		}
		a[i], a[child] = a[child], a[i]
		i = child
	}
	*h = a
	return top
}

func (h answers) next() float64 {
	if len(h) == 0 {
		return math.Inf(1)
	}
	return h[0].At
}

// Service draws the work (s) of the k-th request that is served.
type Service func(rng *rand.Rand, k int) float64

// Exponential is service with a coefficient of variation of 1.
func Exponential(mean float64) Service {
	return func(r *rand.Rand, _ int) float64 { return mean * r.ExpFloat64() }
}

// Lognormal is service with the coefficient of variation cv.
func Lognormal(mean, cv float64) Service {
	v := math.Log(1 + cv*cv)
	return func(r *rand.Rand, _ int) float64 { return mean * math.Exp(r.NormFloat64()*math.Sqrt(v)-v/2) }
}

// BoundedPareto is service between low and high with the tail exponent alpha.
func BoundedPareto(low, high, alpha float64) Service {
	tail := 1 - math.Pow(low/high, alpha)
	return func(r *rand.Rand, _ int) float64 { return low * math.Pow(1-r.Float64()*tail, -1/alpha) }
}
