package diagnosis

import (
	"fmt"
	"strings"
	"time"
)

// Way is the way to an endpoint.
type Way struct {
	Engine, EngineReason string // what speaks HTTP, and why
	Proxied              bool   // through a proxy, which the addresses are of
	Address              string // host and port
	Lookup               time.Duration
	Routes               []Route
	Problem              Problem // why the name could not be resolved
}

// Route is one address of an endpoint.
type Route struct {
	Address            string
	Connect, Handshake time.Duration // Handshake is 0 without TLS
	Names              []string      // of the certificate
	Issuer             string
	Expires            time.Time // zero without a certificate
	Problem            Problem   // why it could not be connected to
}

// Problem is what went wrong and what to do about it; the zero value is nothing.
type Problem struct{ What, Remedy string }

// Network judges the way to an endpoint.
func Network(w Way, now time.Time) []Check {
	checks := []Check{w.engine(), w.name()}
	for _, r := range w.Routes {
		c := r.check(w.Proxied)
		if c.Status == Fail && w.spares(r) {
			c.Status, c.Remedy = Warn, "nothing need be done: connections go to the addresses of the other family, which answer"
		}
		checks = append(checks, c)
	}
	if c, ok := w.certificate(now); ok {
		checks = append(checks, c)
	}
	return checks
}

// Proxies says what proxies of the environment, by the names of their variables, mean
// when no endpoint is given.
func Proxies(variables []string) Check {
	c := Check{Part: partNetwork, Name: "proxy", Status: OK, Evidence: "none in the environment"}
	if len(variables) > 0 {
		c.Status, c.Evidence = Warn, strings.Join(variables, ", ")+" set: endpoints that NO_PROXY does not name are spoken to through net/http and the proxy"
		c.Remedy = "name the endpoint's host in NO_PROXY, or what is measured is the proxy, at about three times the processor time"
	}
	return c
}

func (w Way) engine() Check {
	c := Check{Part: partNetwork, Name: "proxy", Status: OK, Evidence: "none applies; requests go by " + w.Engine}
	switch {
	case w.Proxied:
		c.Status, c.Evidence = Warn, w.EngineReason+", by "+w.Engine
		c.Remedy = "name the endpoint's host in NO_PROXY, or what is measured is the proxy, at about three times the processor time"
	case w.Engine == "net/http":
		c.Name, c.Status, c.Evidence = "engine", Warn, "requests go by net/http: "+w.EngineReason
		c.Remedy = "leave --net-http out: the fast path takes about a third of the processor time"
	}
	return c
}

func (w Way) name() Check {
	c := Check{Part: partNetwork, Name: "name", Status: OK}
	switch families := w.families(); {
	case w.Problem != Problem{}:
		c.Status, c.Evidence, c.Remedy = Fail, w.Address+": "+w.Problem.What, w.Problem.Remedy
	case w.Lookup == 0:
		c.Evidence = w.Address + " needs no name server"
	default:
		c.Evidence = fmt.Sprintf("%s has %s, resolved in %v", w.Address, families, short(w.Lookup))
	}
	return c
}

// spares says that no connection goes to an address: they go in turn to those of the family
// of the first that answers.
func (w Way) spares(r Route) bool {
	for _, other := range w.Routes {
		if other.Problem == (Problem{}) {
			return other.six() != r.six()
		}
	}
	return false
}

func (r Route) six() bool { return strings.HasPrefix(r.Address, "[") }

// families counts the addresses by kind.
func (w Way) families() string {
	four, six := 0, 0
	for _, r := range w.Routes {
		if r.six() {
			six++
		} else {
			four++
		}
	}
	switch {
	case six == 0:
		return counted(four, "address", "addresses") + " of IPv4"
	case four == 0:
		return counted(six, "address", "addresses") + " of IPv6"
	}
	return fmt.Sprintf("%d of IPv4 and %d of IPv6", four, six)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (r Route) check(proxied bool) Check {
	c := Check{Part: partNetwork, Name: "connect", Status: OK, Evidence: fmt.Sprintf("%s in %v", r.Address, short(r.Connect))}
	if proxied {
		c.Evidence = "proxy " + c.Evidence
	}
	if r.Handshake > 0 {
		c.Evidence += fmt.Sprintf(", TLS in %v", short(r.Handshake))
	}
	if r.Problem != (Problem{}) {
		c.Status, c.Evidence, c.Remedy = Fail, r.Address+": "+r.Problem.What, r.Problem.Remedy
	}
	return c
}

// certificate judges the one that expires first.
func (w Way) certificate(now time.Time) (Check, bool) {
	var first Route
	for _, r := range w.Routes {
		if !r.Expires.IsZero() && (first.Expires.IsZero() || r.Expires.Before(first.Expires)) {
			first = r
		}
	}
	if first.Expires.IsZero() {
		return Check{}, false
	}
	const soon = 14 * 24 * time.Hour
	left := first.Expires.Sub(now)
	const most = 3
	names := strings.Join(first.Names[:min(most, len(first.Names))], ", ")
	if len(first.Names) > most {
		names += fmt.Sprintf(" and %d more", len(first.Names)-most)
	}
	c := Check{
		Part: partNetwork, Name: "certificate", Status: OK,
		Evidence: fmt.Sprintf("for %s, by %s, until %s (%.0f days)", names, first.Issuer, first.Expires.UTC().Format(time.DateOnly), left.Hours()/24),
	}
	switch {
	case left <= 0: // it was accepted all the same: --insecure
		c.Status, c.Remedy = Warn, "renew it; it is accepted only because of --insecure"
	case left < soon:
		c.Status, c.Remedy = Warn, "renew it before it expires"
	}
	return c, true
}
