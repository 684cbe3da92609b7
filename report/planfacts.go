package report

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"plimsoll/experiment"
)

// planFacts is what was asked for, for people; plan.json has all of it.
func planFacts(p experiment.Plan) []fact {
	return compactFacts([]fact{
		{"Endpoint", endpointOf(p)},
		{"SageMaker", sagemakerFact(p.Endpoint.SageMaker)},
		{"Measured", placeFact(p.Place)},
		{"Model", printable(p.Model)},
		{"Headers", printable(strings.Join(p.Endpoint.Headers, ", "))},
		{"Authorization", printable(p.Endpoint.Authorization)},
		{"Failed if", printable(strings.Join(p.Endpoint.FailIf, ", "))},
		{"Connections", connectionFact(p.Endpoint)},
		{"Payload", payloadFact(p.Payload)},
		{"Objectives asked", orDefault(printable(strings.Join(p.Objectives, ", ")), noObjectives(p))},
		{"Arrivals", arrivalsFact(p)},
		{"Search", searchFact(p)},
		{"Target", targetFact(p)},
		{"Engine", printable(p.Endpoint.Engine)},
	})
}

func sagemakerFact(i *experiment.Invocations) string {
	if i == nil {
		return ""
	}
	return printable(i.String())
}

func placeFact(p *experiment.Place) string {
	if p == nil {
		return ""
	}
	return printable(p.String())
}

func noObjectives(p experiment.Plan) string {
	if p.Load != nil || p.Mode == experiment.ModeSweep {
		return "none: nothing was judged"
	}
	return "none: derived from the unloaded latency"
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func connectionFact(e experiment.Endpoint) string {
	if e.URL == "" {
		return ""
	}
	text := fmt.Sprintf("at most %d, request timeout %s, connect timeout %s", e.MaxSessions, lasting(e.TimeoutSeconds), lasting(e.ConnectSeconds))
	switch {
	case e.ConnectionPerRequest:
		text = "one for each request, " + text
	case e.Connections > 0:
		text = fmt.Sprintf("%d in an open loop, %s", e.Connections, text)
	}
	if name := nameOf(e); name != "" {
		text += ", in turn to every address of " + printable(name) + ", resolved once"
	}
	if e.LocalAddress != "" {
		text += ", from " + printable(e.LocalAddress)
	}
	if e.CAFile != "" {
		text += ", CA file " + printable(e.CAFile)
	}
	if e.ServerName != "" {
		text += ", server name " + printable(e.ServerName)
	}
	if e.Insecure {
		text += ", certificates not checked"
	}
	return text
}

// nameOf is the host that is connected to where it is a name, which may have several
// addresses; empty where it is an address, or where a proxy connects.
func nameOf(e experiment.Endpoint) string {
	u, err := url.Parse(e.URL)
	if err != nil || net.ParseIP(u.Hostname()) != nil || strings.Contains(e.Engine, "proxy") {
		return ""
	}
	return u.Hostname()
}

func payloadFact(p experiment.Payload) string {
	if p.Count == 0 {
		return ""
	}
	text := fmt.Sprintf("%s, %s from %s", plural(int64(p.Count), "body", "bodies"), plural(p.Bytes, "byte", "bytes"), printable(strings.Join(p.Sources, ", ")))
	if p.ContentType != "" {
		text += ", " + printable(p.ContentType)
	}
	if p.SHA256 != "" {
		text += fmt.Sprintf(", seed %d, SHA-256 %.12s…", p.Seed, printable(p.SHA256))
	}
	return text
}

func arrivalsFact(p experiment.Plan) string {
	if p.Load != nil && p.Load.Concurrency > 0 {
		return ""
	}
	return fmt.Sprintf("%s, seed %d", printable(p.Arrivals), p.Seed)
}

func searchFact(p experiment.Plan) string {
	s := p.Search
	if s == nil {
		return ""
	}
	kind := fmt.Sprintf("± %s", percent(s.Precision))
	if p.Mode == experiment.ModeSweep {
		kind = "the whole curve, bands"
	}
	text := fmt.Sprintf("%s with %s confidence within %s, at most %d in flight", kind, percent(s.Confidence), lasting(s.Budget.Seconds()), s.MaxConcurrency)
	if s.MaxRate > 0 {
		text += ", at most " + unitsOf(p).rate(s.MaxRate)
	}
	if s.MaxRequests > 0 {
		text += fmt.Sprintf(", at most %d requests", s.MaxRequests)
	}
	return text
}

func targetFact(p experiment.Plan) string {
	t := p.Target
	if t == nil || p.Mode == experiment.ModeSweep {
		return ""
	}
	from := "the lower end of the interval"
	if t.From == experiment.FromEstimate {
		from = "the estimate"
	}
	return fmt.Sprintf("safety factor %s on %s", plain(t.SafetyFactor), from)
}
