package proof

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"plimsoll/slo"
)

// The parts of a written scaling objective.
const (
	PartRecover   = "recover"
	PartErrors    = "errors"
	PartBackToMin = "back-to-min"
	PartFlaps     = "flaps"
)

// ObjectiveOf is what an objective asks of each request.
func ObjectiveOf(o slo.Objective) Objective {
	return Objective{Name: o.String(), Limit: Span(o.Limit), BadShare: o.Budget(), Mean: o.Kind == slo.Mean}
}

// Ask reads a written scaling objective: any of "recover: 6m", "errors: 0.5%",
// "back-to-min: 30m" and "flaps: 0", each a text or several in one, between commas; an
// equals sign does for the colon. It changes nothing when one of them cannot be read.
func (o *Objective) Ask(texts ...string) error {
	asked := *o
	seen := map[string]bool{}
	var problems []error
	for part := range strings.SplitSeq(strings.Join(texts, ","), ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, err := asked.ask(part)
		switch {
		case err != nil:
			problems = append(problems, err)
		case seen[name]:
			problems = append(problems, fmt.Errorf("scaling objective %q: %s is asked twice; keep the stricter one", strings.TrimSpace(part), name))
		}
		seen[name] = true
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	*o = asked
	return nil
}

// ask reads one part.
func (o *Objective) ask(part string) (name string, err error) {
	part = strings.TrimSpace(part)
	at := strings.IndexAny(part, ":=")
	if at < 0 {
		return "", fmt.Errorf("scaling objective %q has no value: write recover: 6m, errors: 0.5%%, back-to-min: 30m or flaps: 0", part)
	}
	name = strings.TrimSpace(part[:at])
	value := strings.TrimSpace(part[at+1:])
	switch name {
	case PartRecover:
		err = askSpan(value, &o.Recover)
	case PartBackToMin:
		err = askSpan(value, &o.BackToMin)
	case PartErrors:
		err = askShare(value, &o.Errors)
	case PartFlaps:
		err = askCount(value, &o.Flaps)
	default:
		return name, fmt.Errorf("scaling objective %q: %q is unknown; there are recover, errors, back-to-min and flaps", part, name)
	}
	if err != nil {
		return name, fmt.Errorf("scaling objective %q: %w", part, err)
	}
	o.AskedByUser = true
	return name, nil
}

// longestAsked is a day: no programme lasts longer.
const longestAsked = 24 * time.Hour

func askSpan(value string, into *Span) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("%q is not a time with a unit, such as 6m", value)
	}
	if d <= 0 || d > longestAsked {
		return fmt.Errorf("%q must be above zero and at most %v", value, longestAsked)
	}
	*into = Span(d)
	return nil
}

func askShare(value string, into *float64) error {
	number, isPercent := strings.CutSuffix(value, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if isPercent {
		x /= 100
	}
	if err != nil || !(x > 0 && x < 1) {
		return fmt.Errorf("%q is not a share between 0%% and 100%%, both excluded (no finite test can prove 0%%); write 0.5%% or 0.005", value)
	}
	*into = x
	return nil
}

func askCount(value string, into **int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return fmt.Errorf("%q is not a number of changes of direction, such as 0", value)
	}
	*into = &n
	return nil
}

// findings judges what was asked of scaling, part by part.
func (j *judging) findings() []Finding {
	var out []Finding
	o := j.Objective
	if o.Recover > 0 {
		out = append(out, j.foundRecover())
	}
	if o.Errors > 0 {
		out = append(out, j.foundErrors())
	}
	if o.BackToMin > 0 {
		out = append(out, j.foundBackToMin())
	}
	if o.Flaps != nil {
		out = append(out, j.foundFlaps())
	}
	return out
}

// foundRecover takes its figure from the same events as the check.
func (j *judging) foundRecover() Finding {
	f := Finding{Name: PartRecover, Asked: lasting(time.Duration(j.Objective.Recover))}
	c := j.recovery()
	f.Was, f.Judged = c.Evidence, c.Outcome != NotKnown
	if c.Outcome != Pass {
		return f
	}
	longest := time.Duration(0)
	for _, e := range j.outs() {
		if !e.hurt.IsZero() && !e.healed.IsZero() {
			longest = max(longest, e.healed.Sub(e.hurt))
		}
	}
	f.Was, f.Met = lasting(longest), longest <= time.Duration(j.Objective.Recover)
	return f
}

func (j *judging) foundErrors() Finding {
	f := Finding{Name: PartErrors, Asked: percent(j.Objective.Errors)}
	t := j.during(j.began(), j.ended().Add(time.Nanosecond))
	if why := j.incomplete(); why != "" || t.offered == 0 {
		f.Was = "not known" + after(": ", why)
		return f
	}
	share := float64(t.failed) / float64(t.offered)
	f.Was = fmt.Sprintf("%s (%d of %d)", percent(share), t.failed, t.offered)
	f.Judged, f.Met = true, share <= j.Objective.Errors
	return f
}

func (j *judging) foundBackToMin() Finding {
	f := Finding{Name: PartBackToMin, Asked: lasting(time.Duration(j.Objective.BackToMin))}
	h, _, why := j.down()
	if why != "" {
		f.Was = "not known: " + why
		return f
	}
	at, ok := j.backAtMin(h)
	took := at.Sub(h.Began)
	switch {
	case ok && !j.Policy.DisableScaleIn:
		f.Was, f.Judged, f.Met = lasting(took), true, took <= time.Duration(j.Objective.BackToMin)
	case h.length() >= time.Duration(j.Objective.BackToMin) || j.Policy.DisableScaleIn:
		f.Was, f.Judged = fmt.Sprintf("not within %s", lasting(h.length())), true
	default:
		f.Was = fmt.Sprintf("not known: not within the %s for which the load was held", lasting(h.length()))
	}
	return f
}

func (j *judging) foundFlaps() Finding {
	f := Finding{Name: PartFlaps, Asked: strconv.Itoa(*j.Objective.Flaps)}
	turns := len(j.turns())
	f.Was = strconv.Itoa(turns)
	if why := j.incomplete(); why != "" && turns <= *j.Objective.Flaps {
		f.Was += " so far: " + why
		return f
	}
	f.Judged, f.Met = true, turns <= *j.Objective.Flaps
	return f
}
