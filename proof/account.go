package proof

import (
	"math"
	"sort"
	"time"
)

// lookAt is the last look at or before an instant, or the first one.
func lookAt(looks []Capacity, t time.Time) Capacity {
	if len(looks) == 0 {
		return Capacity{}
	}
	after := sort.Search(len(looks), func(i int) bool { return looks[i].At.After(t) })
	return looks[max(0, after-1)]
}

// instanceHours counts what was in service; between two looks, what the earlier saw.
func instanceHours(looks []Capacity, from, to time.Time) float64 {
	total := 0.0
	for i, look := range looks {
		begin, end := look.At, to
		if i == 0 || begin.Before(from) {
			begin = from
		}
		if i+1 < len(looks) {
			end = looks[i+1].At
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			total += float64(max(0, look.Current)) * end.Sub(begin).Hours()
		}
	}
	return total
}

// cost is what the programme took, beside what it would have with always just enough
// instances at the target, and with those of the forecast.
func (j *judging) cost() Cost {
	c := Cost{
		InstanceHours: instanceHours(j.Capacity, j.began(), j.ended()),
		Predicted:     instanceHours(j.forecast.Capacity, j.began(), j.ended()),
	}
	if dollars := c.InstanceHours * j.Price; dollars > 0 && !math.IsInf(dollars, 0) {
		c.Dollars = dollars
	}
	if !(j.load.PerInstance > 0) {
		return c
	}
	for _, h := range j.Phases {
		c.Oracle += j.oracle(h)
	}
	return c
}

// oracleSteps is in how many parts a ramp is counted.
const oracleSteps = 1000

func (j *judging) oracle(h Held) float64 {
	if h.steady() {
		return float64(j.Policy.needs(h.From, j.load)) * h.length().Hours()
	}
	total := 0.0
	for i := range oracleSteps {
		at := h.Began.Add(time.Duration((float64(i) + 0.5) / oracleSteps * float64(h.length())))
		total += float64(j.Policy.needs(h.rate(at), j.load))
	}
	return total / oracleSteps * h.length().Hours()
}
