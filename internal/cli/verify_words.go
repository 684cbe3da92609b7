package cli

import (
	"fmt"
	"strings"
	"time"

	"plimsoll/arrival"
	"plimsoll/experiment"
	"plimsoll/proof"
)

// programmeLines show a programme before it begins.
func programmeLines(p experiment.VerifyPlan) []string {
	lines := []string{
		fmt.Sprintf("endpoint %s, variant %s: policy %s at %g, %d to %d instances", p.On.Endpoint, p.On.Name, p.Policy.Name, p.Policy.Target, p.Policy.Min, p.Policy.Max),
		fmt.Sprintf("  %-10s %-20s %9s %10s  %s", "phase", "rate", "minutes", "instances", "why"),
	}
	for _, phase := range p.Programme.Phases {
		lines = append(lines, fmt.Sprintf("  %-10s %-20s %9.4g %10d  %s", phaseName(phase.Kind), ratesOf(phase), time.Duration(phase.Length).Minutes(), phase.Expect, phase.Why))
	}
	total := fmt.Sprintf("  in all: %v", time.Duration(p.Programme.Length).Round(time.Second))
	if here := p.Here(); p.Speed > 1.5 {
		total += fmt.Sprintf(" of the services' time, about %v here", here.Round(time.Second))
	}
	total += fmt.Sprintf(", about %.0f requests, %.2f instance-hours", p.Requests(), p.Programme.InstanceHours)
	if p.Price > 0 {
		total += fmt.Sprintf(", %.2f dollars at %g an hour", p.Dollars(), p.Price)
	}
	lines = append(lines, total)
	for _, note := range append(append([]string{}, p.Notes...), p.Programme.Notes...) {
		lines = append(lines, "  note: "+note)
	}
	return lines
}

func phaseName(k proof.Kind) string { return strings.ReplaceAll(string(k), "_", " ") }

// ratesOf is the rate of a phase, or from where to where it goes.
func ratesOf(p proof.Phase) string {
	if p.From == p.To {
		return arrival.Rate(p.From).String()
	}
	return arrival.Rate(p.From).String() + " → " + arrival.Rate(p.To).String()
}

// phaseLine is a phase that was held.
func phaseLine(h experiment.HeldPhase) string {
	m := h.Measured
	line := fmt.Sprintf("%s  %-10s %-20s %8v  %7d requests, %d failed, p50 %.3g ms, p99 %.3g ms",
		clock(h.Ended), phaseName(h.Kind), ratesOf(h.Phase), h.Ended.Sub(h.Began).Round(time.Second), m.Requests, m.Requests-m.Successes, m.Response.P50, m.Response.P99)
	if !h.Valid {
		line += "  NOT HELD: " + strings.Join(h.Doubts, "; ")
	}
	return line
}

// capacityLine is another number of instances.
func capacityLine(c proof.Capacity) string {
	line := fmt.Sprintf("%s  instances: %d in service", clock(c.At), c.Current)
	if c.Desired != c.Current {
		line += fmt.Sprintf(", %d wanted", c.Desired)
	}
	return line
}

// clock is an instant of the services' time.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }
