package experiment

import (
	"time"

	"plimsoll/arrival"
	"plimsoll/capacity"
	"plimsoll/latency"
	"plimsoll/loadgen"
	"plimsoll/slo"
)

// Outcomes of a trial.
const (
	Held      = "held"      // every objective was met
	Missed    = "missed"    // an objective was missed
	Undecided = "undecided" // too few requests to judge every objective, none missed
	Invalid   = "invalid"   // the generator did not hold the load
)

// Arrivals names the kinds of open-loop schedules in plans and files.
const (
	ArrivalsPoisson  = "poisson"
	ArrivalsConstant = "constant"
)

// scheduleFor is the schedule of an open-loop trial.
func scheduleFor(arrivals string, rate float64, seed uint64) arrival.Schedule {
	if arrivals == ArrivalsConstant {
		return arrival.Constant{Rate: arrival.Rate(rate)}
	}
	return arrival.Poisson{Rate: arrival.Rate(rate), Seed: seed}
}

// measuredOf makes the published form of a measurement.
func measuredOf(m loadgen.Measurement, limits loadgen.Limits) Measured {
	doubts := m.Doubts(limits)
	out := Measured{
		Requests: m.Counts.Requests, Successes: m.Counts.Successes,
		Offered: m.OfferedPerSecond(), Achieved: m.AchievedPerSecond(), SuccessRatio: m.SuccessRatio(),
		Response: quantilesOf(m.Response), Service: quantilesOf(m.Service), Lateness: quantilesOf(m.Lateness),
		Late: m.Counts.Late, Dropped: m.Counts.Dropped, Unanswered: m.Counts.Unanswered,
		Errors: map[string]int64{}, ReceivedBytes: m.Counts.Received, Client: clientOf(m),
		Valid: len(doubts) == 0, Doubts: append([]string{}, doubts...),
		Overloaded: m.Overloaded, Interrupted: m.Interrupted,
	}
	if s := m.Stream; s != nil {
		out.Stream = &Stream{
			Parts: s.Parts, FirstByteResponse: quantilesOf(s.FirstByteResponse), FirstByteService: quantilesOf(s.FirstByteService), Gaps: quantilesOf(s.Gaps),
			Tokens: tokensOf(s, m.Window),
		}
	}
	for class, n := range m.Counts.Errors {
		if n > 0 {
			out.Errors[loadgen.Class(class).String()] = n
		}
	}
	for _, s := range m.Samples {
		out.ErrorSamples = append(out.ErrorSamples, ErrorSample{Class: s.Class.String(), Status: s.Status, Detail: s.Detail})
	}
	return out
}

// tokensOf are the tokens of streamed answers. An answer's rate is the inverse of its time
// for a token, so that the 99th percentile of the time is what the slowest 1 % fall below.
func tokensOf(s *loadgen.StreamTimes, window time.Duration) *Tokens {
	if !s.Counted {
		return nil
	}
	t := &Tokens{Count: s.Tokens, Tokenless: s.Tokenless}
	if window > 0 {
		t.PerSecond = float64(s.Tokens) / window.Seconds()
	}
	if median := s.PerToken.Quantile(0.5); median > 0 {
		t.Median = 1 / median.Seconds()
	}
	if slow := s.PerToken.Quantile(0.99); slow > 0 {
		t.Slow = 1 / slow.Seconds()
	}
	return t
}

func clientOf(m loadgen.Measurement) Client {
	c := Client{
		CPUs: m.Client.Procs, Connections: m.Client.Sessions, Reconnects: m.Counts.Reconnects,
		Opened: m.Client.Grown, OpenFailures: m.Client.OpenFailures,
	}
	if m.Client.CPUKnown {
		c.CPU = &m.Client.CPU
	}
	if m.Client.Machine > 0 {
		c.MachineBusy = &m.Client.Machine
	}
	return c
}

func quantilesOf(h *latency.Histogram) Quantiles {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return Quantiles{
		P50: ms(h.Quantile(0.5)), P90: ms(h.Quantile(0.9)), P95: ms(h.Quantile(0.95)),
		P99: ms(h.Quantile(0.99)), P999: ms(h.Quantile(0.999)), Max: ms(h.Max()), Mean: ms(h.Mean()),
	}
}

// verdictOf judges a measurement by objectives.
func verdictOf(m loadgen.Measurement, valid bool, objectives []slo.Objective) Verdict {
	v := Verdict{Outcome: Held, Findings: []Finding{}}
	sample := slo.Sample{Requests: m.Counts.Requests, Successes: m.Counts.Successes, Response: m.Response}
	missed, undecided := m.Overloaded, m.Counts.Requests == 0
	for _, o := range objectives {
		f := o.Judge(sample)
		v.Findings = append(v.Findings, Finding{Objective: o.String(), Met: f.Met, Enough: f.Enough, Reason: f.Reason})
		missed = missed || f.Enough && !f.Met
		undecided = undecided || !f.Enough
	}
	switch {
	case !valid:
		v.Outcome = Invalid
	case missed:
		v.Outcome = Missed
	case undecided:
		v.Outcome = Undecided
	}
	return v
}

// observationOf reduces a measurement to what the search needs.
func observationOf(m loadgen.Measurement, doubts []string) capacity.Observation {
	thresholds := len(m.Load.SlowAbove)
	o := capacity.Observation{
		Offered: m.Counts.Requests, Successes: m.Counts.Successes, Completed: m.Counts.Completed,
		Failed: m.Counts.Failed(), Throttled: m.Counts.Errors[loadgen.Throttled], Unanswered: m.Counts.Unanswered,
		Slow: make([]int64, thresholds), Window: m.Window, Elapsed: m.Elapsed,
		Mean: m.Response.Mean(), P50: m.Response.Quantile(0.5), P99: m.Response.Quantile(0.99),
		SquaredCV: m.Service.SquaredCV(), Overloaded: m.Overloaded, Doubts: doubts,
	}
	for _, one := range m.First {
		o.First.At = append(o.First.At, one.At.Microseconds())
		o.First.Took = append(o.First.Took, tookOf(one))
	}
	for _, b := range m.Bins {
		bin := capacity.Bin{Offered: b.Offered, Successes: b.Successes, Completed: b.Completed, Failed: b.Failed, Response: b.Response}
		bin.Slow = append(bin.Slow, b.Slow[:thresholds]...)
		for i, n := range bin.Slow {
			o.Slow[i] += n
		}
		o.Bins = append(o.Bins, bin)
	}
	return o
}

// tookOf tells a request's end as [capacity.First] does.
func tookOf(one loadgen.Single) int64 {
	switch {
	case one.Took >= 0:
		return one.Took.Microseconds()
	case one.Failed > 0:
		return -max(2, one.Failed.Microseconds())
	}
	return -1
}
