package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll/experiment"

	"github.com/spf13/pflag"
)

// overridable are the flags that count when a run is resumed: secrets, which no
// plan keeps, and how the result is shown.
func overridable() []string {
	return []string{"header", "bearer-env", "url", "profile", "output", "quiet", "color", "resume"}
}

// settingsOf turns a recorded plan back into settings.
func settingsOf(p experiment.Plan, given *pflag.FlagSet) (Settings, error) {
	s := defaults()
	e := p.Endpoint
	s.URL, s.Method, s.Headers = e.URL, e.Method, e.Headers
	s.CAFile, s.ServerName, s.Insecure, s.MaxConnections = e.CAFile, e.ServerName, e.Insecure, e.MaxSessions
	s.Connections, s.PerRequest, s.LocalAddress = e.Connections, e.ConnectionPerRequest, e.LocalAddress
	s.Timeout, s.ConnectTimeout = toDuration(e.TimeoutSeconds), toDuration(e.ConnectSeconds)
	s.NetHTTP, s.FailIf = strings.HasPrefix(e.Engine, "net/http"), e.FailIf
	if e.SageMaker != nil {
		s.invoke(e.SageMaker)
	}
	if e.Authorization != "" {
		s.BearerEnv = e.Authorization
	}
	s.Payload, s.ContentType, s.Accept, s.Templates = p.Payload.Sources, p.Payload.ContentType, p.Payload.Accept, p.Payload.Templates
	s.Seed = p.Seed
	if usual, err := parseSize(s.MaxBody); err != nil || usual != p.Payload.MaxBody {
		s.MaxBody = strconv.FormatInt(p.Payload.MaxBody, 10) + "B"
	}
	s.Objectives, s.Arrivals = p.Objectives, p.Arrivals
	if p.Mode != "" {
		s.Mode = p.Mode
	}
	if q := p.Search; q != nil {
		s.Budget, s.MaxConcurrency, s.MaxRequests = q.Budget, q.MaxConcurrency, q.MaxRequests
		s.Precision, s.Confidence = share(q.Precision), share(q.Confidence)
		if q.MaxRate > 0 {
			s.MaxRate = strconv.FormatFloat(q.MaxRate, 'g', -1, 64) + "/s"
		}
	}
	if l := p.Limits; l != nil {
		s.MaxDuration, s.MaxCost, s.Price = toDuration(l.DurationSeconds), l.Dollars, l.Prices
	}
	if t := p.Target; t != nil {
		s.SafetyFactor, s.PerMinute, s.TargetFrom = t.SafetyFactor, t.PerMinute, t.From
	}
	if l := p.Load; l != nil {
		s.Concurrency, s.Duration, s.WarmUp = l.Concurrency, toDuration(l.DurationSeconds), toDuration(l.WarmUpSeconds)
		if l.Rate > 0 {
			s.Rate = strconv.FormatFloat(l.Rate, 'g', -1, 64) + "/s"
		}
	}
	if v := p.Verify; v != nil {
		s.Scaling, s.MaxRequests = scalingObjectiveOf(v.Objective), v.MaxRequests
		if v.MaxRate > 0 {
			s.MaxRate = strconv.FormatFloat(float64(v.MaxRate), 'g', -1, 64) + "/s"
		}
	}
	if t := p.Tune; t != nil {
		w := t.Wanted
		s.Min, s.Max, s.ScaleOutCooldown, s.ScaleInCooldown, s.DisableScaleIn, s.Replace = w.Min, w.Max, w.ScaleOut, w.ScaleIn, w.DisableScaleIn, w.Replace
	}
	if r := p.Rehearsal; r != nil {
		s.Exec, s.Speed, s.Instances = r.Exec, r.Speed, r.Instances
	}
	if p.Model != "" {
		s.Model = p.Model
	}
	if given == nil {
		return s, nil
	}
	return override(s, given)
}

func toDuration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond)
}

// override applies the flags that may be given to a resumed run, and refuses the
// others rather than ignoring them.
func override(s Settings, given *pflag.FlagSet) (Settings, error) {
	var refused error
	given.Visit(func(f *pflag.Flag) {
		if !slices.Contains(overridable(), f.Name) {
			refused = usageError("--%s cannot be given with --resume: the run's own plan counts; start a new run to change it", f.Name)
		}
	})
	if refused != nil {
		return s, refused
	}
	final := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags(final, &s, findGroups()...)
	if err := apply(given, final); err != nil {
		return s, err
	}
	for _, line := range append([]string{s.URL}, s.Headers...) {
		if strings.Contains(line, redacted) || strings.Contains(line, "REDACTED") {
			return s, usageError("the plan does not keep secrets: give --url and every --header of the run again (%s)", line)
		}
	}
	return s, s.checkChoices()
}

// reproduce is the command line that does a plan again.
func reproduce(p experiment.Plan) string {
	s, err := settingsOf(p, nil)
	if err != nil {
		return p.Command
	}
	base := defaults()
	want, have := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	groups := append(findGroups(), loadFlags, modelFlags)
	switch {
	case p.Rehearsal != nil:
		groups = rehearseGroups()
		base = rehearseDefaults()
	case p.Tune != nil:
		groups = tuneGroups()
	case p.Verify != nil:
		groups = verifyGroups()
		base.Arrivals = experiment.ArrivalsConstant
	}
	flags(want, &s, groups...)
	flags(have, &base, groups...)
	words := append([]string{p.Command}, placeWords(p.Place, &s)...)
	want.VisitAll(func(f *pflag.Flag) {
		if list, ok := f.Value.(*texts); ok {
			for _, word := range *list {
				if p.Rehearsal != nil && word == rehearsalPayload {
					continue
				}
				words = append(words, "--"+f.Name, quote(word))
			}
			return
		}
		if value := f.Value.String(); value != have.Lookup(f.Name).Value.String() {
			if f.Value.Type() == "bool" {
				words = append(words, "--"+f.Name+map[bool]string{true: "", false: "=" + value}[value == "true"])
				return
			}
			words = append(words, "--"+f.Name, quote(value))
		}
	})
	return strings.Join(append(words, provingWords(p.Verify)...), " ")
}

// quote makes a word safe for a shell.
func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return fmt.Sprintf("'%s'", strings.ReplaceAll(word, "'", `'\''`))
}
