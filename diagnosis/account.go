package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"plimsoll/experiment"
)

// Caller is who asks AWS. Its errors are [experiment.ControlError] where AWS refused.
type Caller interface {
	// Credentials are those that requests are signed with.
	Credentials(ctx context.Context) (Credentials, error)
	// Identity is whom AWS takes the caller for.
	Identity(ctx context.Context) (Identity, error)
	// Skew is how far the services' clocks are ahead of this machine's, as the last answer
	// told, to within a second or so; ok is false before there was one.
	Skew() (ahead time.Duration, ok bool)
}

// Trier tries permissions.
type Trier interface {
	// Try makes a call that needs a permission and changes nothing. Its error is an
	// [experiment.ControlError] where AWS refused.
	Try(ctx context.Context, action string, v experiment.Variant) error
	// Quota is how many instances of a type all endpoints together may have; an account
	// without a quota of its own has AWS's default.
	Quota(ctx context.Context, instanceType string) (int, error)
	// Elsewhere is how many instances of a type there are besides those of a variant.
	Elsewhere(ctx context.Context, instanceType string, v experiment.Variant) experiment.Elsewhere
}

// Credentials are what may be told of them.
type Credentials struct {
	Source    string    // where the SDK found them
	KeyEnding string    // the last four letters of the access key's id
	Expires   time.Time // zero: never
}

// Identity is what AWS knows of a caller.
type Identity struct{ ARN, Account string }

// String is the ARN.
func (i Identity) String() string { return i.ARN }

// Partition is the part of AWS that the caller is in: "aws", "aws-cn".
func (i Identity) Partition() string {
	_, rest, _ := strings.Cut(i.ARN, ":")
	partition, _, _ := strings.Cut(rest, ":")
	return partition
}

// Account looks at credentials, identity and clock. Without usable credentials there is no
// sense in asking AWS for more: ok is then false.
func Account(ctx context.Context, c Caller, now time.Time) (checks []Check, ok bool) {
	found, err := c.Credentials(ctx)
	if err != nil {
		return []Check{refused(partAWS, "credentials", err), unseen("identity, clock, permissions, endpoint and quota: not known without credentials")}, false
	}
	checks = append(checks, found.check(now))
	who, err := c.Identity(ctx)
	trouble, _ := errors.AsType[*experiment.ControlError](err)
	switch {
	case err == nil:
		checks = append(checks, Check{Part: partAWS, Name: "identity", Status: OK, Evidence: who.ARN})
	case trouble != nil && (trouble.Problem == experiment.ProblemUnreachable || trouble.Problem == experiment.ProblemDenied):
		one := refused(partAWS, "identity", err) // a network without a way to STS may have one to SageMaker
		one.Status = NotKnown
		checks = append(checks, one)
	default:
		checks = append(checks, refused(partAWS, "identity", err))
	}
	checks = append(checks, clockSkew(c))
	if Failed(checks) {
		return append(checks, unseen("permissions, endpoint and quota: not known without credentials that AWS takes")), false
	}
	return checks, true
}

func unseen(what string) Check {
	return Check{Part: partAWS, Name: "the rest", Status: NotKnown, Evidence: what}
}

func (c Credentials) check(now time.Time) Check {
	one := Check{Part: partAWS, Name: "credentials", Status: OK, Evidence: "from " + c.Source}
	if c.KeyEnding != "" {
		one.Evidence += ", access key …" + c.KeyEnding
	}
	left := c.Expires.Sub(now)
	switch {
	case c.Expires.IsZero():
		one.Evidence += ", do not expire"
	case left <= 0:
		one.Status, one.Evidence = Fail, one.Evidence+", expired at "+c.Expires.UTC().Format(time.RFC3339)
		one.Remedy = "sign in again (aws sso login), or renew the session"
	default:
		one.Evidence += fmt.Sprintf(", until %s (%v); what the SDK can refresh is refreshed", c.Expires.UTC().Format(time.RFC3339), left.Round(time.Minute))
	}
	return one
}

// AWS refuses signatures that are more than five minutes off (IAM User Guide, "Elements of
// an AWS API request signature").
const (
	mostSkew = 5 * time.Minute
	muchSkew = time.Minute
)

func clockSkew(c Caller) Check {
	one := Check{Part: partAWS, Name: "clock skew", Status: OK}
	ahead, ok := c.Skew()
	if !ok {
		one.Status, one.Evidence = NotKnown, "no answer had a date"
		return one
	}
	size, word := ahead, "behind"
	if ahead < 0 {
		size, word = -ahead, "ahead of"
	}
	one.Evidence = fmt.Sprintf("this machine's clock is %v %s AWS's, to within a second; AWS takes up to %.0f minutes", size.Round(time.Second), word, mostSkew.Minutes())
	switch {
	case size < time.Second:
		one.Evidence = fmt.Sprintf("this machine's clock and AWS's agree to within a second; AWS takes up to %.0f minutes", mostSkew.Minutes())
		return one
	case size > mostSkew:
		one.Status = Fail
	case size > muchSkew:
		one.Status = Warn
	default:
		return one
	}
	one.Remedy = "set the clock (timedatectl set-ntp true, chronyc makestep): signatures are refused past five minutes"
	return one
}

// Tried tries what only reads, of what some commands need, and says what was not tried. No
// commands are all of them; without an endpoint nothing can be tried.
func Tried(ctx context.Context, t Trier, v experiment.Variant, commands []string) []Check {
	var allowed, writes []string
	var checks []Check
	gone := map[string]bool{} // services that did not answer
	for _, p := range Permissions() {
		use, used := p.For(commands)
		switch {
		case !used:
		case p.Writes || p.On == OnModel:
			writes = append(writes, p.Action)
		case !gone[p.service()]:
			switch err := t.Try(ctx, p.Action, v); {
			case err == nil || nonsense(err):
				allowed = append(allowed, p.Action)
			case denied(err):
				checks = append(checks, deniedCheck(p, use))
			default:
				gone[p.service()] = true
				one := refused(partAWS, "permissions", err)
				one.Status, one.Evidence = NotKnown, "from there on those of "+p.service()+" are not tried: "+one.Evidence
				checks = append(checks, one)
			}
		}
	}
	if len(allowed) > 0 {
		checks = append([]Check{{Part: partAWS, Name: "permissions", Status: OK, Evidence: "tried and allowed: " + abridge(allowed)}}, checks...)
	}
	if len(writes) > 0 {
		checks = append(checks, Check{
			Part: partAWS, Name: "permissions", Status: NotKnown, Evidence: "not tried, as they change or invoke something: " + some(writes),
			Remedy: toAllow,
		})
	}
	return checks
}

const toAllow = "plimsoll doctor --policy prints what to allow"

func denied(err error) bool {
	refusal, ok := errors.AsType[*experiment.ControlError](err)
	return ok && refusal.Problem == experiment.ProblemDenied
}

// nonsense says that AWS looked at the call, and did not like what was asked for: so it
// was allowed.
func nonsense(err error) bool {
	refusal, ok := errors.AsType[*experiment.ControlError](err)
	return ok && (refusal.Problem == experiment.ProblemMissing || refusal.Problem == experiment.ProblemInvalid)
}

func deniedCheck(p Permission, use Use) Check {
	c := Check{Part: partAWS, Name: "permission", Status: Fail, Evidence: p.Action + " is denied", Remedy: toAllow}
	if use.Optional {
		c.Status, c.Evidence = Warn, c.Evidence+", without which some things are not known"
	}
	return c
}

// some are actions, or how many there are where that is shorter.
func some(actions []string) string {
	const few = 6
	if len(actions) > few {
		return fmt.Sprintf("%d actions, such as %s", len(actions), actions[0])
	}
	return abridge(actions)
}

// abridge writes actions with their service once: "sagemaker:A, B; cloudwatch:C".
func abridge(actions []string) string {
	var b strings.Builder
	last := ""
	for _, action := range actions {
		service, name, _ := strings.Cut(action, ":")
		switch {
		case service == last:
			b.WriteString(", " + name)
		case last == "":
			b.WriteString(action)
		default:
			b.WriteString("; " + action)
		}
		last = service
	}
	return b.String()
}

// Refused is a check of AWS that failed with an error.
func Refused(name string, err error) Check { return refused(partAWS, name, err) }

// refused is a check that failed with an error, whose remedy goes below it.
func refused(part, name string, err error) Check {
	c := Check{Part: part, Name: name, Status: Fail, Evidence: err.Error()}
	if e, ok := errors.AsType[*experiment.ControlError](err); ok {
		c.Evidence, c.Remedy = e.Err.Error(), e.Remedy
		if e.Problem == experiment.ProblemUnreachable {
			c.Evidence = cause(c.Evidence)
		}
	}
	return c
}

// cause leaves out of an error that nobody answered what the SDK says of its attempts.
func cause(text string) string {
	doing, rest, found := strings.Cut(text, ": operation error ")
	_, why, sent := strings.Cut(rest, "request send failed, ")
	if !found || !sent {
		return text
	}
	return doing + ": " + why
}
