package capacity

import (
	"math"
	"slices"
	"time"
)

// reading is a held trial with an observation that is safe to compute with.
type reading struct {
	Observation
	trial Trial
}

// read checks an observation and returns what is wrong with it, if anything.
// A contradictory observation is unbelievable, not an error: a search goes on.
func read(t Trial, o Observation) reading {
	r := reading{Observation: o, trial: t}
	if problem := contradiction(t, o); problem != "" {
		r.Doubts = append(slices.Clone(o.Doubts), "the observation contradicts itself: "+problem)
	}
	return r
}

// What no trial can reach; sums stay far inside their types.
const (
	mostCounted = 1 << 40
	mostHeld    = 1000 * time.Hour
)

func contradiction(t Trial, o Observation) string {
	switch {
	case o.Offered < 0 || o.Successes < 0 || o.Failed < 0 || o.Throttled < 0 || o.Unanswered < 0 || o.Sent < 0:
		return "a negative count"
	case o.Successes > o.Offered || o.Failed > o.Offered || o.Unanswered > o.Offered || o.Successes+o.Failed+o.Unanswered > o.Offered || o.Throttled > o.Failed:
		return "more outcomes than requests"
	case o.Offered > mostCounted || o.Sent > mostCounted || o.Window > mostHeld || o.Elapsed > mostHeld || max(o.Mean, o.P50, o.P99) > mostHeld:
		return "a count or time out of this world"
	case o.Window <= 0:
		return "a window without length"
	case o.Mean < 0 || o.P50 < 0 || o.P99 < 0 || o.Elapsed < 0:
		return "a negative time"
	case !(o.SquaredCV >= 0) || math.IsInf(o.SquaredCV, 0):
		return "a coefficient of variation that is no number"
	case len(o.First.At) != len(o.First.Took) || !slices.IsSorted(o.First.At) || slices.ContainsFunc(o.First.Took, func(us int64) bool { return max(us, -1-us) > mostHeld.Microseconds() }):
		return "first requests that are out of order or incomplete"
	case len(o.Slow) != len(t.SlowAbove):
		return "slow counts that do not match the thresholds"
	}
	for _, slow := range o.Slow {
		if slow < 0 || slow > o.Offered {
			return "more slow requests than requests"
		}
	}
	for _, b := range o.Bins {
		if b.Offered > o.Offered || b.contradicts(len(t.SlowAbove)) {
			return "a bin with impossible counts"
		}
	}
	return ""
}

func (b Bin) contradicts(thresholds int) bool {
	if b.Offered < 0 || b.Successes < 0 || b.Failed < 0 || b.Response < 0 || len(b.Slow) > thresholds ||
		b.Successes > b.Offered || b.Failed > b.Offered || b.Successes+b.Failed > b.Offered {
		return true
	}
	return slices.ContainsFunc(b.Slow, func(slow int64) bool { return slow < 0 || slow > b.Offered })
}

func (r reading) open() bool { return r.trial.Rate > 0 }

// throughput is requests answered well per second of the window.
func (r reading) throughput() float64 { return float64(r.Successes) / r.Window.Seconds() }

// singly is the throughput of one request at a time. A window that cuts into the
// last request counts it whole, and a short one would make a slow endpoint fast.
func (r reading) singly() float64 {
	if r.Mean <= 0 {
		return r.throughput()
	}
	return min(r.throughput(), 1/r.Mean.Seconds())
}

// failShare is the share of the window's requests that were answered badly.
func (r reading) failShare() float64 {
	if r.Offered == 0 {
		return 0
	}
	return float64(r.Failed) / float64(r.Offered)
}

// refused says that most failures were refusals by a rate limit.
func (r reading) refused() bool { return 2*r.Throttled > r.Failed }

// silent says that requests were sent and none was answered well.
func (r reading) silent() bool { return r.Offered > 0 && r.Successes == 0 }

// endsBehind says that most requests of the last quarter were slow or never
// answered: the trial leaves a backlog that would be counted as the next one's.
func (r reading) endsBehind() bool {
	var offered, behind int64
	for _, b := range r.Bins[len(r.Bins)*3/4:] {
		late := b.Offered - b.Successes - b.Failed
		for _, slow := range b.Slow {
			late = max(late, slow-b.Failed)
		}
		offered += b.Offered
		behind += max(0, late)
	}
	return 2*behind > offered && behind >= 5
}

// inherited says that a trial was given up so early that it can only have met
// the backlog of the trial before, from which it was not separated by a pause.
func (r reading) inherited() bool {
	return r.Overloaded && r.trial.Drain == 0 && r.open() && 5*r.Window < r.trial.Measure
}

func (r reading) binWidth() time.Duration {
	if len(r.Bins) == 0 {
		return r.Window
	}
	return r.Window / time.Duration(len(r.Bins))
}

// aged are the bins whose requests had at least so long to be answered; where
// some were not answered yet, later bins hold requests neither in time nor late.
func (r reading) aged(limit time.Duration) []Bin {
	if r.Unanswered == 0 || r.trial.Patience == 0 || r.trial.Patience >= limit {
		return r.Bins
	}
	width := r.binWidth()
	keep := 0
	for i := range r.Bins {
		if r.Window-time.Duration(i+1)*width+r.trial.Patience >= limit {
			keep = i + 1
		}
	}
	return r.Bins[:keep]
}

// successRates are the successes per second of each bin.
func (r reading) successRates() []float64 {
	if len(r.Bins) == 0 {
		return []float64{r.throughput()}
	}
	rates := make([]float64, len(r.Bins))
	width := max(r.binWidth().Seconds(), 1e-9)
	for i, b := range r.Bins {
		rates[i] = float64(b.Successes) / width
	}
	return rates
}

// halves compares the two halves of the window's throughput: the relative
// change and how many standard deviations it is.
func (r reading) halves() (change, sigmas float64) {
	rates := r.successRates()
	if len(rates) < 2*leastBatches {
		return 0, 0
	}
	return compare(rates[:len(rates)/2], rates[len(rates)/2:])
}

// compare gives the relative change from one series of rates to another.
func compare(before, after []float64) (change, sigmas float64) {
	a, b := mean(before), mean(after)
	if a <= 0 {
		return 0, 0
	}
	noise := math.Hypot(batchError(before), batchError(after))
	return b/a - 1, math.Abs(b-a) / max(noise, 1e-9*a)
}

// responses are the mean response times (s) over the middles (s) of the bins in
// which most requests were answered.
func (r reading) responses() (at, response []float64) {
	width := r.binWidth().Seconds()
	for i, b := range r.Bins {
		if b.Successes > 0 && 5*b.Successes >= 4*b.Offered {
			at = append(at, (float64(i)+0.5)*width)
			response = append(response, b.Response.Seconds()/float64(b.Successes))
		}
	}
	return at, response
}

// backlog judges whether answers fall further and further behind. Above
// capacity a first-come queue's response time grows by λ/μ−1 seconds a second;
// below, the work in the queue is a random walk whose fitted slope over T has
//
//	SE ≈ √(1.2·(c_a² + c_s²)/(X·T))
//
// with the throughput X and the squared coefficients of variation of arrivals
// and service.
type backlog struct {
	slope, se float64
	known     bool // enough bins to tell
	grows     bool // beyond chance, in every third of the window
}

func (r reading) backlog(arrivalCV2, serviceCV2 float64) backlog {
	at, response := r.responses()
	if len(at) < 3*leastBatches || 2*len(at) < len(r.Bins) {
		return backlog{}
	}
	span := at[len(at)-1] - at[0] + r.binWidth().Seconds()
	b := backlog{slope: fitLine(at, response), known: true}
	b.se = math.Sqrt(1.2 * (arrivalCV2 + serviceCV2) / max(1, r.throughput()*span))
	third := len(response) / 3
	first, middle, last := mean(response[:third]), mean(response[third:2*third]), mean(response[2*third:])
	b.grows = b.slope > 0.01 && b.slope > 3*b.se && first < middle && middle < last
	return b
}
