package capacity

import (
	"fmt"

	"plimsoll/slo"
)

// unseen is the squared coefficient of variation of service that cannot be ruled
// out, at least the baseline's. Of a mix of payloads with a heavy tail a hundred
// unloaded requests hardly ever meet the largest, which decide; two other sources
// have met more of them: all levels of the climb at which no request had to wait,
// and how much the answers' count varied at the plateau. A busy worker's answers
// are a renewal process, whose count has the variance c² times its mean.
func (s *Search) unseen() float64 {
	seen := s.base.serviceCV2()
	if s.sat.known && s.sat.room == 0 {
		seen = max(seen, s.lightCV2(), s.sat.unsteady*max(s.base.serviceCV2(), leastVaried))
	}
	return min(seen, mostUnseen)
}

// mostUnseen is the greatest squared coefficient of variation that is reckoned with.
const mostUnseen = 12

// lightCV2 is the squared coefficient of variation of the response times of the
// baseline and of all levels with at most half the knee in flight, pooled.
func (s *Search) lightCV2() float64 {
	var n, sum, square float64
	add := func(r reading) {
		k, m := float64(r.Successes), r.Mean.Seconds()
		n, sum, square = n+k, sum+k*m, square+k*m*m*(1+r.SquaredCV)
	}
	add(s.base.reading)
	for _, l := range s.levels {
		if l.n > 1 && 2*l.n <= s.sat.knee {
			add(l.last)
		}
	}
	if !(sum > 0) {
		return 0
	}
	return max(0, n*square/(sum*sum)-1)
}

// uneven says that unloaded requests vary enough to hide a tail. Where they hardly
// do and the plateau varies, it is the endpoint's speed that changes (a neighbour,
// pauses), for which the belief has a part of its own.
func (s *Search) uneven() bool { return max(s.base.SquaredCV, s.lightCV2()) > unevenFrom }

// heavyTail says that service varies far more than the baseline shows.
func (s *Search) heavyTail() bool {
	u := s.unseen()
	return s.uneven() && u > heavyFrom && u > heavyTimes*s.base.serviceCV2()
}

const (
	heavyFrom  = 2.0 // squared coefficient of variation: more than exponential service
	heavyTimes = 1.5 // that of the baseline
	unevenFrom = 0.5 // unloaded
)

// widestGap is the distance between peak and saturation with the variation that
// cannot be ruled out, where requests wait in a line; at least the expected one.
func (s *Search) widestGap(o slo.Objective, expected float64) float64 {
	if o.Kind == slo.Success || !s.sat.known || s.sat.room > 0 || !s.uneven() {
		return expected
	}
	gap, _ := s.gapAt(o, s.sat.rate, s.arrivalCV2()+s.unseen())
	return max(expected, gap)
}

// whyHeavy is what the result says of a heavy tail.
func (s *Search) whyHeavy() string {
	return fmt.Sprintf("rare long requests decide: unloaded, the squared coefficient of variation of service was %.2g, and under load it shows as up to %.2g; what the next minutes hold may differ, and the peak is likelier to lie below the estimate than above", s.base.SquaredCV, s.unseen())
}
