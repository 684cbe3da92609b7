package capacity

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// rung is one load of a ladder with what was measured of it, in each round.
type rung struct {
	concurrency int
	rate        float64
	readings    []reading
	behind      bool // answers fell behind: there is nothing steady to measure
	refused     bool // requests were refused
}

const (
	mostConcs     = 12
	mostRates     = 10
	leastConcs    = 5
	leastTop      = 8 // of the ladder: a law needs points beyond the knee of one worker
	leastRates    = 4
	shortRounds   = 3
	longRounds    = 5
	longFrom      = 4 * time.Minute
	sweepAnswers  = 30   // wanted of a trial of one request at a time
	topShare      = 0.98 // of the highest throughput: the highest rate
	nearTop       = 0.96 // of the highest throughput: near enough to count with it
	rateBend      = 1.6  // how much denser the rates are towards the top
	sweepSettle   = 0.2  // of a trial
	sweepInFlight = 8    // times the highest concurrency that an open loop may have open
	keepsUp       = 0.97 // of the rate in answers: what grows then is no backlog
)

// layClosed makes the ladder of concurrencies: as many as the budget has room for,
// evenly spaced in their logarithm.
func (s *Sweep) layClosed() {
	if len(s.scan) == 0 {
		return
	}
	top := s.scan[len(s.scan)-1]
	s.limited = s.spaced(top.rate)
	if len(s.scan) > 1 && (top.last.failShare() > rejecting || s.limited) {
		top = s.scan[len(s.scan)-2]
	} else {
		top.n = min(max(top.n, leastTop), s.plan.MaxConcurrency)
	}
	for _, n := range ladder(top.n, min(mostConcs, max(leastConcs, s.room()/2))) {
		s.closed = append(s.closed, rung{concurrency: n})
	}
	s.rates = min(mostRates, max(leastRates, s.room()/2))
}

// ladder is whole numbers from 1 to top, at most so many, in about equal ratios.
func ladder(top, most int) []int {
	out := []int{1}
	for i := 1; i < most && top > 1; i++ {
		n := int(math.Round(math.Pow(float64(top), float64(i)/float64(most-1))))
		if n > out[len(out)-1] {
			out = append(out, n)
		}
	}
	return out
}

// room is how many points of a few answers at least fit into what is left.
func (s *Sweep) room() int {
	least := max(0.3, sweepAnswers*s.scan[0].last.Mean.Seconds())
	return int((s.plan.Budget - s.spent).Seconds() / (float64(s.rounds()) * least))
}

func (s *Sweep) rounds() int {
	if s.plan.Budget >= longFrom {
		return longRounds
	}
	return shortRounds
}

// layOpen makes the ladder of rates, up to almost the highest throughput that the
// first round of the closed loop has seen, and denser where latency is steeper.
func (s *Sweep) layOpen() {
	s.top = s.highest()
	if s.limited {
		s.top = s.plan.MaxRate / topShare
		s.notes = append(s.notes, fmt.Sprintf("the curve ends at the plan's limit of %.4g/s, below what the endpoint can do", s.plan.MaxRate))
	}
	for i := 1; i <= s.rates; i++ {
		below := 1 - float64(i)/float64(s.rates)
		rate := round4(s.top * topShare * (1 - math.Pow(below, rateBend)))
		if s.plan.MaxRate > 0 {
			rate = min(rate, s.plan.MaxRate)
		}
		if rate > 0 {
			s.open = append(s.open, rung{rate: rate})
		}
	}
}

// highest is the throughput at the top of the closed loop: a mean of those near
// the highest, which by itself is the luckiest.
func (s *Sweep) highest() float64 {
	var rates []float64
	for _, l := range s.scan {
		rates = append(rates, l.rate)
	}
	if len(s.closed) > 0 && len(s.closed[0].readings) > 0 {
		rates = nil
	}
	for _, r := range s.closed {
		for _, held := range r.readings {
			rates = append(rates, completed(held))
		}
	}
	if len(rates) == 0 {
		return 0
	}
	near := nearTop * slices.Max(rates)
	return mean(slices.DeleteFunc(rates, func(x float64) bool { return x < near }))
}

// nextRung walks up both ladders, round after round.
func (s *Sweep) nextRung() (Trial, bool) {
	for s.round < s.rounds() {
		if s.at == len(s.closed) && s.round == 0 && len(s.open) == 0 {
			s.layOpen()
		}
		if s.at >= len(s.closed)+len(s.open) {
			s.round, s.at = s.round+1, 0
			continue
		}
		if r := s.rungAt(s.at); !r.behind && !r.refused {
			return s.hold(r), true
		}
		s.at++
	}
	return Trial{}, false
}

func (s *Sweep) rungAt(i int) *rung {
	if i < len(s.closed) {
		return &s.closed[i]
	}
	return &s.open[i-len(s.closed)]
}

// hold is the trial of a rung: an equal share of what is left of the budget.
func (s *Sweep) hold(r *rung) Trial {
	trials := (len(s.closed)+s.rates)*(s.rounds()-s.round) - s.at
	length := max(0.1, (s.plan.Budget-s.spent).Seconds()/float64(max(1, trials)))
	response := s.responseAt(r.concurrency)
	// Where responses are long, a window of few would count whole lumps of them.
	length = max(length, min(6*response, 3*length))
	t := Trial{
		Phase: Ladder, Concurrency: r.concurrency, Rate: r.rate, Patience: s.patience(response),
		Settle: seconds(clamp(levelSettle*response, sweepSettle*length, 0.5*length)),
		Why:    fmt.Sprintf("round %d of %d", s.round+1, s.rounds()),
	}
	t.Measure = seconds(length) - t.Settle
	if r.rate > 0 {
		t.MaxInFlight = min(4*s.plan.MaxConcurrency, 100+sweepInFlight*s.closed[len(s.closed)-1].concurrency)
	}
	return t
}

// responseAt is about how long an answer takes with n in flight (s), by the scan.
func (s *Sweep) responseAt(n int) float64 {
	response := 0.0
	for _, l := range s.scan {
		if l.n <= max(n, 1) {
			response = l.last.Mean.Seconds() * max(1, float64(n)/float64(l.n))
		}
	}
	return response
}

func (s *Sweep) recordRung(r reading) {
	held := s.rungAt(s.at)
	s.at++
	held.readings = append(held.readings, r)
	if r.failShare() > rejecting && r.Failed >= 5 {
		held.refused = true
	}
	if !r.open() {
		return
	}
	grows := r.backlog(1, clamp(s.scan[0].last.SquaredCV, 0.01, 4)).grows
	if r.Overloaded || r.endsBehind() || grows && completed(r) < keepsUp*r.trial.Rate {
		held.behind = true
	}
}
