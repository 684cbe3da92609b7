package fleet

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// longest cuts a single service time. Only the far tail of the widest lognormal
// reaches it (a mean of [MaxService] and a CV of [MaxCV], less than once in a billion
// requests); without it that tail would leave the range of a [time.Duration].
const longest = 10_000 * time.Hour

// Instance is one running instance of a [Model]: it admits arrivals in order and
// says at once when each will start and finish. That is possible because service
// is first come, first served: nothing that arrives later can delay a request that
// is already admitted.
//
// An Instance is not safe for concurrent use; the caller holds a lock around
// [Instance.Offer]. Its memory is proportional to the workers busy and the
// requests waiting at the latest arrival.
type Instance struct {
	model     Model
	rng       *rand.Rand
	sigma, mu float64 // of the logarithm of a lognormal service time, in seconds
	last      time.Duration
	busy      instants        // for each busy worker, when it will have nothing left to do
	waiting   []time.Duration // starts that lie ahead, ascending because of FIFO
}

// Admission is what becomes of one arrival. Instants count from the same origin as
// those given to [Instance.Offer].
type Admission struct {
	// Start is when a worker takes the request up; it equals the arrival when a
	// worker was idle. Zero if rejected.
	Start time.Duration
	// Finish is when the worker is done with it. Zero if rejected.
	Finish time.Duration
	// Rejected tells that every worker was busy and every waiting place taken.
	Rejected bool
	// Waiting is how many earlier requests were waiting, not yet in service, at
	// the arrival.
	Waiting int
}

// NewInstance returns an idle instance of a model. Service times are drawn from
// rng, one for each admitted request and none for a rejected one; rng may be nil
// for a constant service time. It fails on a model that is not valid.
func NewInstance(m Model, rng *rand.Rand) (*Instance, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("making an instance: %w", err)
	}
	constant := m.Dist == Lognormal && m.CV == 0
	if rng == nil && !constant {
		return nil, errors.New("making an instance: a service time that varies needs a random generator")
	}
	// The logarithm of a lognormal variable of mean s and coefficient of variation
	// v is normal with variance ln(1+v²) and mean ln(s) − ln(1+v²)/2.
	variance := math.Log1p(m.CV * m.CV)
	return &Instance{
		model: m,
		rng:   rng,
		sigma: math.Sqrt(variance),
		mu:    math.Log(m.Service.Seconds()) - variance/2,
	}, nil
}

// Offer brings one request to the instance at an instant and returns what becomes
// of it. Arrivals come in order: Offer panics when at lies before the previous
// arrival, since the earlier answers would then be wrong. A worker whose request
// finishes at the very instant of an arrival is idle for it.
//
// An admitted request is served to its end: there is no way to withdraw one, just
// as a model server goes on with a request whose client has left.
//
// The cost is amortized O(log Workers).
func (i *Instance) Offer(at time.Duration) Admission {
	if at < i.last {
		panic(fmt.Sprintf("fleet: arrival at %v offered after one at %v", at, i.last))
	}
	i.last = at
	i.advance(at)

	ahead := len(i.waiting)
	if len(i.busy) < i.model.Workers {
		finish := at + i.service(len(i.busy)+1)
		i.busy.push(finish)
		return Admission{Start: at, Finish: finish}
	}
	if i.model.Queue != Unbounded && ahead >= i.model.Queue {
		return Admission{Rejected: true, Waiting: ahead}
	}
	start := i.busy[0]
	finish := start + i.service(i.model.Workers)
	i.busy.replaceFirst(finish)
	i.waiting = append(i.waiting, start)
	return Admission{Start: start, Finish: finish, Waiting: ahead}
}

// advance forgets what lies behind an instant: requests that have started no
// longer wait, workers that have nothing left to do are idle.
func (i *Instance) advance(at time.Duration) {
	for len(i.waiting) > 0 && i.waiting[0] <= at {
		i.waiting = i.waiting[1:] // append moves the rest down when it next grows
	}
	for len(i.busy) > 0 && i.busy[0] <= at {
		i.busy.removeFirst()
	}
}

// service draws the service time of a request that starts as the n-th in service.
// The stretch is fixed at the start, so that the finish is known; a request that
// had to wait counts every worker as busy.
func (i *Instance) service(n int) time.Duration {
	var seconds float64
	switch {
	case i.model.Dist == Exponential:
		seconds = i.rng.ExpFloat64() * i.model.Service.Seconds()
	case i.model.CV > 0:
		seconds = math.Exp(i.mu + i.sigma*i.rng.NormFloat64())
	default:
		seconds = i.model.Service.Seconds()
	}
	seconds = min(seconds*i.model.stretch(n), longest.Seconds())
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

// instants is a binary heap with the earliest instant first. container/heap would
// box every instant; this runs once for each request of a simulation.
type instants []time.Duration

func (h *instants) push(t time.Duration) {
	*h = append(*h, t)
	heap := *h
	for child := len(heap) - 1; child > 0; {
		parent := (child - 1) / 2
		if heap[parent] <= heap[child] {
			return
		}
		heap[parent], heap[child] = heap[child], heap[parent]
		child = parent
	}
}

func (h *instants) removeFirst() {
	heap := *h
	end := len(heap) - 1
	last := heap[end]
	*h = heap[:end]
	if end > 0 {
		h.replaceFirst(last)
	}
}

func (h instants) replaceFirst(t time.Duration) {
	h[0] = t
	for parent := 0; ; {
		child := 2*parent + 1
		if child >= len(h) {
			return
		}
		if right := child + 1; right < len(h) && h[right] < h[child] {
			child = right
		}
		if h[parent] <= h[child] {
			return
		}
		h[parent], h[child] = h[child], h[parent]
		parent = child
	}
}
