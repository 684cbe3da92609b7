package capacity

import (
	"cmp"
	"math"
	"slices"
)

// speedCurve is how many requests an endpoint answers per second while so many share
// it, by their number; the last holds for all beyond.
type speedCurve []float64

// sharing serves all requests at once: each goes on at an equal part of the speed
// that the endpoint has with so many (processor sharing, with a speed that depends
// on the load: F. P. Kelly, Reversibility and Stochastic Networks, 1979, §3.3).
// What a request asks for is counted in mean requests.
type sharing struct {
	speed speedCurve
}

func (c speedCurve) at(n int) float64 { return c[min(n, len(c)-1)] }

// Parameters of the speed curve.
const (
	leastSharing = 0.5 // how much the plateau must look like sharing
	curveWeight  = 100 // answers that a point of the closed loop's curve counts as
	mostSharers  = 4   // knees
)

// speeds is the curve that the closed loop measured, interpolated in the logs;
// empty where the endpoint does not look as if it were shared.
func (s *Search) speeds() speedCurve {
	if s.sat.shared < leastSharing || s.sat.room > 0 {
		return nil
	}
	points := []scalePoint{}
	for _, l := range s.levels {
		if l.rate > 0 {
			points = append(points, scalePoint{n: float64(l.n), x: l.rate})
		}
	}
	if n := s.sat.trial.Concurrency; n > 0 {
		points = append(slices.DeleteFunc(points, func(p scalePoint) bool { return p.n == float64(n) }), scalePoint{n: float64(n), x: s.sat.rate})
	}
	slices.SortFunc(points, func(a, b scalePoint) int { return cmp.Compare(a.n, b.n) })
	if len(points) < 2 || points[0].n != 1 {
		return nil
	}
	curve := make(speedCurve, mostSharers*max(1, s.sat.knee)+1)
	k := 0
	for n := 1; n < len(curve); n++ {
		for k < len(points)-2 && float64(n) > points[k+1].n {
			k++
		}
		a, b := points[k], points[k+1]
		share := min(1, math.Log(float64(n)/a.n)/math.Log(b.n/a.n))
		curve[n] = math.Exp((1-share)*math.Log(a.x) + share*math.Log(b.x))
	}
	return curve
}

// share sharpens the closed loop's curve by what the open loop showed: while n were
// in the endpoint, so many left it in so much time. What requests share asks on
// average for one request's work, whatever the curve; how far off it is in log says
// how well the curve fits.
func (t *twin) share() (s sharing, apart float64) {
	left, spent := make([]float64, len(t.speed)), make([]float64, len(t.speed))
	for _, f := range t.first {
		f.walk(t.from, func(n int, seconds float64, leaves int) {
			n = min(n, len(t.speed)-1)
			spent[n] += seconds
			if leaves >= 0 {
				left[n]++
			}
		})
	}
	s.speed = slices.Clone(t.speed)
	for n := 1; n < len(s.speed); n++ {
		s.speed[n] = (left[n] + curveWeight) / (spent[n] + curveWeight/t.speed[n])
	}
	var total, answered float64
	for _, f := range t.first {
		work, _ := s.services(f, t.from)
		total, answered = total+sum(work), answered+float64(len(work))
	}
	if answered < leastServices || total <= 0 {
		return s, math.Inf(1)
	}
	return s, math.Log(total / answered)
}

// walk goes through a trial's events between from (µs) and its last request: how
// long (s) so many were in the endpoint, and which request then left it, −1 for one
// that came. It ends at a request that was not answered well.
func (f First) walk(from int64, visit func(n int, seconds float64, leaves int)) {
	var order []due
	for i, at := range f.At {
		if f.Took[i] < 0 {
			break
		}
		order = append(order, due{at: float64(at + f.Took[i]), i: i})
	}
	came := f.At[:len(order)]
	slices.SortFunc(order, func(a, b due) int { return cmp.Compare(a.at, b.at) })
	now, n := int64(0), 0
	for i, k := 0, 0; i < len(came); {
		next, leaves := came[i], -1
		if order[k].at <= float64(next) {
			next, leaves = int64(order[k].at), order[k].i
		}
		if next >= from {
			visit(n, float64(next-max(now, from))/1e6, leaves)
		}
		now = next
		if leaves < 0 {
			i, n = i+1, n+1
		} else {
			k, n = k+1, n-1
		}
	}
}

// services are the works of the requests that left before the last one came and
// had come no later than so long before it: of later ones, only the quick.
func (s sharing) services(f First, from int64) (services []float64, absurd float64) {
	if len(f.At) == 0 {
		return nil, 0
	}
	begun, work := make([]float64, len(f.At)), make([]float64, len(f.At))
	progress, came := 0.0, 0
	f.walk(0, func(n int, seconds float64, leaves int) {
		if n > 0 {
			progress += seconds * s.speed.at(n) / float64(n)
		}
		if leaves < 0 {
			begun[came] = progress
			came++
			return
		}
		work[leaves] = progress - begun[leaves]
	})
	if came == 0 {
		return nil, 0
	}
	last := f.At[came-1] - from
	for i, at := range f.At[:came] {
		if at >= from && at < last && work[i] > 0 {
			services = append(services, work[i])
		}
	}
	return services, 0
}

func (s sharing) bad(at, services []float64, limit float64) []bool {
	bad := make([]bool, len(at))
	var inside dues // by progress
	progress, now := 0.0, 0.0
	for i, service := range services {
		for n := len(inside); n > 0; n = len(inside) {
			pace := s.speed.at(n) / float64(n)
			next := now + (inside[0].at-progress)/pace
			if next > at[i] {
				progress += (at[i] - now) * pace
				break
			}
			done := inside.pop()
			now, progress = next, done.at
			bad[done.i] = now-at[done.i] > limit
		}
		now = at[i]
		inside.push(due{at: progress + service, i: i})
	}
	return bad
}
