package cli

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"plimsoll/arrival"
	"plimsoll/experiment"
	"plimsoll/report"
)

// progress tells a run as it goes: a row a trial and, on a terminal, a line
// below them with a bar for the whole, the time left and the present load.
type progress struct {
	w     io.Writer
	width int // columns of the terminal, 0: plain lines only
	color bool

	proposed experiment.Proposed
	phase    experiment.ProposedPhase // of verify
	shown    bool                     // the line below the rows is there
}

var _ experiment.Observer = (*progress)(nil)

// Observe prints what happened.
func (p *progress) Observe(e experiment.Event) {
	switch e.Kind {
	case experiment.RunStarted:
		p.line(headline(*e.Plan))
		if e.Plan.Verify == nil {
			p.line(report.TrialHeader())
		}
	case experiment.TrialStarted:
		p.proposed = *e.Proposed
		p.status(e.Proposed.Progress, p.doing(), "")
	case experiment.TrialProgress:
		p.status(e.Live.Progress, p.doing(), live(*e.Live))
	case experiment.TrialFinished:
		p.line(report.TrialRow(*e.Trial, p.color))
	case experiment.PhaseStarted:
		p.phase = *e.Phase
		p.status(e.Phase.Progress, p.doing(), "")
	case experiment.PhaseProgress:
		p.status(e.Live.Progress, p.doing(), live(*e.Live))
	case experiment.PhaseFinished:
		p.line(phaseLine(*e.Held))
	case experiment.CapacitySeen:
		p.line(capacityLine(*e.Capacity))
	case experiment.Noted:
		p.line("note: " + e.Note)
	case experiment.RunFinished:
		p.clear()
	}
}

// headline says what is about to be done.
func headline(plan experiment.Plan) string {
	s := fmt.Sprintf("plimsoll %s  %s %s  %s, %d bytes  seed %d", plan.Command, plan.Endpoint.Method, plan.Endpoint.URL,
		bodiesOf(plan.Payload.Count), plan.Payload.Bytes, plan.Seed)
	if plan.Search != nil {
		s += fmt.Sprintf("  budget %v", plan.Search.Budget)
	}
	return s
}

// line prints above the status line.
func (p *progress) line(text string) {
	p.clear()
	say(p.w, text)
}

func (p *progress) clear() {
	if p.shown {
		_, _ = io.WriteString(p.w, "\r\x1b[2K") // a terminal that has gone away is no reason to stop
		p.shown = false
	}
}

const barWidth = 20

// doing is the load that is held.
func (p *progress) doing() string {
	if p.phase.Number > 0 {
		return fmt.Sprintf("%d/%d %s %s", p.phase.Number, p.phase.Of, phaseName(p.phase.Kind), ratesOf(p.phase.Phase))
	}
	return fmt.Sprintf("%s %s", p.proposed.Phase, loadName(p.proposed))
}

func (p *progress) status(at experiment.Progress, doing, now string) {
	if p.width == 0 {
		return
	}
	full := int(math.Round(min(max(at.Done, 0), 1) * barWidth))
	left := time.Duration(at.RemainingSeconds * float64(time.Second)).Round(time.Second)
	text := fmt.Sprintf("%s%s %3.0f %%  %d:%02d left  %s%s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full),
		100*at.Done, int(left.Minutes()), int(left.Seconds())%60, doing, now)
	if utf8.RuneCountInString(text) >= p.width {
		text = string([]rune(text)[:max(p.width-1, 0)])
	}
	p.clear()
	_, _ = io.WriteString(p.w, text) // as above
	p.shown = true
}

func loadName(t experiment.Proposed) string {
	if t.Rate > 0 {
		return arrival.Rate(t.Rate).String()
	}
	return fmt.Sprintf("%d in flight", t.Concurrency)
}

func live(l experiment.Live) string {
	if l.Settling {
		return ", settling"
	}
	s := fmt.Sprintf(": %s, p50 %.3g ms, p99 %.3g ms, %d open", arrival.Rate(l.Achieved), l.P50ms, l.P99ms, l.InFlight)
	if l.Failed > 0 {
		s += fmt.Sprintf(", %d failed", l.Failed)
	}
	return s
}

// observers tell each of them.
type observers []experiment.Observer

// Observe passes the event on.
func (o observers) Observe(e experiment.Event) {
	for _, each := range o {
		each.Observe(e)
	}
}
