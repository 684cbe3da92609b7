package report

import (
	"math"
	"strconv"
)

// axis maps values to pixels between from and to.
type axis struct {
	lo, hi   float64
	log      bool
	from, to float64
	title    string
	ticks    []tick
}

type tick struct {
	value float64
	label string
}

// at is the pixel of a value; values beyond the axis land on its ends.
func (a axis) at(v float64) float64 {
	lo, hi, v := a.lo, a.hi, min(max(v, a.lo), a.hi)
	if a.log {
		lo, hi, v = math.Log(lo), math.Log(hi), math.Log(v)
	}
	return a.from + (a.to-a.from)*(v-lo)/(hi-lo)
}

// linear is an axis over lo to hi, neither negative, with about n ticks at round
// values.
func linear(lo, hi float64, n int, label func(float64) string) axis {
	if !(hi > lo) {
		hi = lo + max(1, math.Abs(lo))
	}
	a := axis{lo: lo, hi: hi}
	step := roundStep((hi - lo) / float64(n))
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi*(1+1e-9); k++ {
		v := max(0, k*step) // never -0: rates and times are not negative
		a.ticks = append(a.ticks, tick{v, label(v)})
	}
	return a
}

// roundStep is the 1, 2 or 5 times a power of ten next to a step, from above.
func roundStep(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, m := range []float64{1, 2, 5} {
		if step <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// logarithmic is an axis whose ends are round, with ticks at 1, 2 and 5 times
// the powers of ten, or at the powers alone when there are many.
func logarithmic(lo, hi float64, label func(float64) string) axis {
	a := axis{lo: roundDown(lo), hi: roundStep(hi), log: true}
	if a.hi < 4*a.lo {
		a.hi = roundStep(4 * a.lo)
	}
	steps := []float64{1, 2, 5}
	if a.hi/a.lo > 2e4 {
		steps = steps[:1]
	}
	for power := math.Floor(math.Log10(a.lo)); ; power++ {
		for _, m := range steps {
			v := m * math.Pow(10, power)
			if v > a.hi*(1+1e-9) {
				return a
			}
			if v >= a.lo*(1-1e-9) {
				a.ticks = append(a.ticks, tick{v, label(v)})
			}
		}
	}
}

// roundDown is the 1, 2 or 5 times a power of ten next to a value, from below.
func roundDown(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range []float64{5, 2} {
		if v >= m*power*(1-1e-9) {
			return m * power
		}
	}
	return power
}

// doubling is a logarithmic axis over whole numbers with ticks at the powers of two.
func doubling(hi float64) axis {
	a := axis{lo: 0.8, hi: max(2, hi) * 1.2, log: true}
	every := 1.0
	if hi > 2048 {
		every = 2
	}
	for k := 0.0; math.Pow(2, k) <= a.hi; k += every {
		v := math.Pow(2, k)
		a.ticks = append(a.ticks, tick{v, strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return a
}

// extent is the smallest and the largest of some values, ok when there is one.
type extent struct {
	lo, hi float64
	ok     bool
}

func (e *extent) add(values ...float64) {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if !e.ok {
			e.lo, e.hi, e.ok = v, v, true
		}
		e.lo, e.hi = min(e.lo, v), max(e.hi, v)
	}
}
