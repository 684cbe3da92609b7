package capacity

import (
	"math"
	"slices"
)

// refusedAtOnce marks, in what a twin hears, a request that never was in the endpoint.
const refusedAtOnce = math.MinInt64

// told marks the requests that were refused within so many µs: sooner than they
// could have been served.
func (f First) told(within int64) First {
	out := First{At: f.At, Took: slices.Clone(f.Took)}
	for i, took := range out.Took {
		if after, ok := f.failedAfter(i); ok && after <= within {
			took = refusedAtOnce
		}
		out.Took[i] = took
	}
	return out
}

// failedAfter is how long (µs) a bad answer took.
func (f First) failedAfter(i int) (us int64, ok bool) { return -f.Took[i], f.Took[i] < -1 }

// boundedLine is a line that refuses a request when so many are in it.
type boundedLine struct {
	line
	room int
}

func (b boundedLine) bad(at, services []float64, limit float64) []bool {
	bad, free := make([]bool, len(at)), make([]float64, b.workers)
	var begin []float64 // of those taken, in their order
	begun := 0
	for i, service := range services {
		for begun < len(begin) && begin[begun] <= at[i] {
			begun++
		}
		w := soonest(free)
		if free[w] > at[i] && len(begin)-begun >= b.room-b.workers {
			bad[i] = true
			continue
		}
		start := max(at[i], free[w])
		begin = append(begin, start)
		free[w] = start + service
		bad[i] = free[w]-at[i] > limit
	}
	return bad
}

// Bounds of what a bounded line is believed by.
const (
	leastTurnedAway = 20  // requests
	mostMistaken    = 0.3 // of the refusals: refused with room or taken without, by the room that fits best
)

// bound finds the room under which the fewest requests were refused or taken
// against the rule. What is left of those counts as refusals too many or too few,
// whose share in log is divided by how steeply refusals rise.
func (t *twin) bound(misfit float64) (b boundedLine, apart float64, ok bool) {
	var taken, refused []float64 // by how many were inside
	away := 0.0
	for _, f := range t.first {
		away += f.count(t.from, &taken, &refused)
	}
	if away < leastTurnedAway {
		return b, 0, false
	}
	against := 0.0
	for _, n := range taken {
		against += n
	}
	least := math.Inf(1)
	for room := 1; room < len(taken); room++ {
		against += refused[room-1] - taken[room-1]
		if against < least {
			least, b.room = against, room
		}
	}
	b.workers = t.workers
	if b.room < b.workers || least > mostMistaken*away {
		return b, 0, false
	}
	return b, math.Hypot(misfit, least/away/max(5, 0.85*float64(b.room))), true
}

// count adds up the requests that were taken and refused by how many were inside
// when they came, and says how many were refused.
func (f First) count(from int64, taken, refused *[]float64) (away float64) {
	var inside dues
	for i, at := range f.At {
		n := inside.leave(float64(at))
		for len(*taken) <= n+1 {
			*taken, *refused = append(*taken, 0), append(*refused, 0)
		}
		counts := taken
		switch took := f.Took[i]; {
		case took == refusedAtOnce:
			counts = refused
		case took < 0:
			return away
		default:
			inside.push(due{at: float64(at + took)})
		}
		if at < from {
			continue
		}
		(*counts)[n]++
		if counts == refused {
			away++
		}
	}
	return away
}
