package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
	"plimsoll/slo"
)

// row is what is known of one server.
type row struct {
	server, objective string
	virtual           archetype.Truth // zero for a real server
	right             func(capacity.Cause) bool
	live              truth
	why               error // there is no live truth
	runs              []run
}

// truth is what was measured over all blocks.
type truth struct {
	peak, se           float64 // se is relative
	saturation         float64 // 0 where it was not measured
	slope              float64 // of the log share over the log rate; 0 where stability decides
	used, held, doubts int     // blocks: of the estimate, all, those that are left out for a doubt
	minutes            float64 // of measured windows that may be believed
}

// rows are the servers in the order of the records.
func rows(all []record) (out []row) {
	blocks, runs := map[string][]block{}, map[string][]run{}
	var names []string
	objectives := map[string]string{}
	for _, r := range all {
		var name, objective string
		switch {
		case r.Block != nil:
			name, objective = r.Block.Server, r.Block.Objective
			blocks[name] = append(blocks[name], *r.Block)
		case r.Run != nil:
			name, objective = r.Run.Server, r.Run.Objective
			runs[name] = append(runs[name], *r.Run)
		default:
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
			objectives[name] = objective
		}
	}
	for _, name := range names {
		r := row{server: name, objective: objectives[name], runs: runs[name]}
		s := subject{real: true}
		if in, err := instance(name); err == nil {
			s = modelled(in, 0, nil)
			r.virtual, r.right = s.virtual, s.right
		}
		if s.objective, r.why = slo.Parse(r.objective); r.why == nil {
			r.live, r.why = s.truthOf(blocks[name])
		}
		out = append(out, r)
	}
	return out
}

// truthOf is the live truth of blocks, from the saturation where the ratio says how far
// below it the peak is.
func (s subject) truthOf(blocks []block) (t truth, err error) {
	var rates []float64
	for _, b := range blocks {
		t.held++
		if len(b.Doubts) > 0 {
			t.doubts++
			continue
		}
		t.minutes += b.Seconds / 60
		if b.Kind == closedLoop {
			rates = append(rates, float64(b.Completed)/b.Seconds)
		}
	}
	mean, sd := moments(rates)
	t.saturation = mean
	if s.ratio > 0 {
		if len(rates) < fewest {
			return t, errFew
		}
		t.peak, t.se, t.used = mean*s.ratio, sd/mean/math.Sqrt(float64(len(rates))), len(rates)
		return t, nil
	}
	c, err := s.cross(blocks)
	if err != nil {
		return t, err
	}
	t.peak, t.se, t.slope, t.used = c.rate, c.se, c.slope, c.used
	return t, nil
}

// table is the tables of docs/benchmarks.md, and the blocks behind them.
func table(all []record) string {
	var b strings.Builder
	b.WriteString("| server | objective | true peak in virtual time | live truth | peaks found | spread | standard deviation | median error | interval covers | cause right |\n|---|---|---|---|---|---|---|---|---|---|\n")
	every := rows(all)
	for _, r := range every {
		b.WriteString(r.line())
	}
	b.WriteString("\n| server | blocks | of the estimate | left out | minutes | slope | live truth against virtual | saturation, closed loop | sends late, p50 and p99, ms | answers late, p50 and p99, ms | processors |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range every {
		b.WriteString(r.behind(all))
	}
	return b.String()
}

func (r row) line() string {
	return cells(r.server, r.objective, plusMinus(r.virtual.Peak, r.virtual.SE), r.truthText(), r.peaks(), r.spread(), r.deviation(), r.error(), r.covered(), r.causes())
}

func cells(text ...string) string { return "| " + strings.Join(text, " | ") + " |\n" }

const unknown = "–"

// plusMinus is a rate and its standard error, of which a relative one is given.
func plusMinus(rate, se float64) string {
	if rate == 0 {
		return unknown
	}
	return fmt.Sprintf("%.1f ± %.1f", rate, rate*se)
}

func (r row) truthText() string {
	switch {
	case r.live.held == 0:
		return unknown
	case r.why != nil:
		return "none: " + r.why.Error()
	}
	return plusMinus(r.live.peak, r.live.se)
}

// found are the peaks of valid runs.
func (r row) found() (peaks []float64) {
	for _, run := range r.runs {
		if run.Valid && run.Peak > 0 {
			peaks = append(peaks, run.Peak)
		}
	}
	return peaks
}

func (r row) peaks() string {
	if len(r.runs) == 0 {
		return unknown
	}
	var texts []string
	for _, run := range r.runs {
		text := fmt.Sprintf("%.1f", run.Peak)
		if !run.Valid {
			text += " (invalid)"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// spread is the greatest peak less the least, over the median.
func (r row) spread() string {
	peaks := r.found()
	if len(peaks) < 2 {
		return unknown
	}
	return percent((slices.Max(peaks) - slices.Min(peaks)) / median(peaks))
}

func (r row) deviation() string {
	peaks := r.found()
	if len(peaks) < 2 {
		return unknown
	}
	mean, sd := moments(peaks)
	return percent(sd / mean)
}

// error is the median of how far the peaks are off the live truth.
func (r row) error() string {
	peaks := r.found()
	if len(peaks) == 0 || r.live.peak == 0 {
		return unknown
	}
	var off []float64
	for _, p := range peaks {
		off = append(off, math.Abs(p/r.live.peak-1))
	}
	return percent(median(off))
}

// covered is in how many runs the live truth is in the interval.
func (r row) covered() string {
	if len(r.runs) == 0 || r.live.peak == 0 {
		return unknown
	}
	n := 0
	for _, run := range r.runs {
		if run.Low <= r.live.peak && r.live.peak <= run.High {
			n++
		}
	}
	return fmt.Sprintf("%d of %d", n, len(r.runs))
}

// causes is in how many runs the cause is right, or which ones there were.
func (r row) causes() string {
	if len(r.runs) == 0 {
		return unknown
	}
	n, names := 0, []string{}
	for _, run := range r.runs {
		if r.right != nil && r.right(run.Cause) {
			n++
		}
		if !slices.Contains(names, string(run.Cause)) {
			names = append(names, string(run.Cause))
		}
	}
	if r.right == nil {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%d of %d", n, len(r.runs))
}

// behind is the line about the blocks of the live truth.
func (r row) behind(all []record) string {
	t := r.live
	if t.held == 0 {
		return ""
	}
	var client, client99, answers, answers99, cpu []float64
	for _, one := range all {
		b := one.Block
		if b == nil || b.Server != r.server || len(b.Doubts) > 0 {
			continue
		}
		client, client99, cpu = append(client, b.Client.P50), append(client99, b.Client.P99), append(cpu, b.CPU)
		if b.Answers != nil {
			answers, answers99 = append(answers, b.Answers.P50), append(answers99, b.Answers.P99)
		}
	}
	against, slope, saturation := unknown, unknown, unknown
	if r.virtual.Peak > 0 && t.peak > 0 {
		against = fmt.Sprintf("%+.2f %%", 100*(t.peak/r.virtual.Peak-1))
	}
	if t.slope > 0 {
		slope = fmt.Sprintf("%.0f", t.slope)
	}
	if t.saturation > 0 {
		saturation = fmt.Sprintf("%.1f", t.saturation)
	}
	return cells(r.server, fmt.Sprint(t.held), fmt.Sprint(t.used), fmt.Sprint(t.doubts), fmt.Sprintf("%.0f", t.minutes), slope, against, saturation,
		pair(client, client99), pair(answers, answers99), fmt.Sprintf("%.2f", median(cpu)))
}

// pair is the medians of two figures of the blocks.
func pair(a, b []float64) string {
	if len(a) == 0 {
		return unknown
	}
	return fmt.Sprintf("%.3f, %.2f", median(a), median(b))
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// median is 0 of nothing.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
