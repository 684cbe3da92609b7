// Package slo holds objectives, what must hold of a load's answers, and judges
// measured samples by them.
//
// An objective is about all requests that were asked for, not about the
// successes: a request that failed, was dropped or was not answered has no
// acceptable response time. Start with [Parse] and [Objective.Judge].
package slo

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"plimsoll/latency"
)

// Kind is what an objective is about.
type Kind uint8

// The kinds of objectives.
const (
	Quantile Kind = iota // a quantile of the response time: p99=200ms
	Mean                 // the mean response time of the successes: mean=50ms
	Success              // the share of requests that succeed: success=99.9%
)

// Objective is one thing that must hold.
type Objective struct {
	Kind  Kind
	Level float64       // of Quantile: the quantile, of Success: the least share; in (0, 1)
	Limit time.Duration // of Quantile and Mean: the greatest response time
}

// Budget is the largest share of requests that may miss the objective: 0.01
// for p99=… and for success=99%. It is 0 for a mean, which has no such share.
func (o Objective) Budget() float64 {
	if o.Kind == Mean {
		return 0
	}
	return 1 - o.Level
}

// String writes the objective as [Parse] reads it.
func (o Objective) String() string {
	switch o.Kind {
	case Quantile:
		return "p" + percent(o.Level) + "=" + o.Limit.String()
	case Mean:
		return "mean=" + o.Limit.String()
	default:
		return "success=" + percent(o.Level) + "%"
	}
}

// percent writes a share in percent without the rounding noise of ×100.
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e10)/1e8, 'f', -1, 64)
}

// Parse reads an objective: p99=200ms, p99.9=1s, mean=50ms, success=99.9% or success=0.999.
func Parse(s string) (Objective, error) {
	name, value, found := strings.Cut(strings.TrimSpace(s), "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !found || value == "" {
		return Objective{}, fmt.Errorf("objective %q has no value: write p99=200ms, mean=50ms or success=99.9%%", s)
	}
	switch {
	case name == "success":
		level, err := parseShare(value)
		if err != nil {
			return Objective{}, fmt.Errorf("objective %q: %w", s, err)
		}
		return Objective{Kind: Success, Level: level}, nil
	case name == "mean":
		limit, err := parseLimit(value)
		if err != nil {
			return Objective{}, fmt.Errorf("objective %q: %w", s, err)
		}
		return Objective{Kind: Mean, Limit: limit}, nil
	case strings.HasPrefix(name, "p"):
		p, err := strconv.ParseFloat(name[1:], 64)
		if err != nil || !(p > 0 && p < 100) {
			return Objective{}, fmt.Errorf("objective %q: %q is not a percentile between p0 and p100", s, name)
		}
		limit, err := parseLimit(value)
		if err != nil {
			return Objective{}, fmt.Errorf("objective %q: %w", s, err)
		}
		return Objective{Kind: Quantile, Level: p / 100, Limit: limit}, nil
	}
	return Objective{}, fmt.Errorf("objective %q: %q is unknown; there are p50 to p99.99, mean and success", s, name)
}

func parseLimit(value string) (time.Duration, error) {
	limit, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration with a unit, such as 200ms", value)
	}
	if limit <= 0 || limit > latency.Highest {
		return 0, fmt.Errorf("%q must be above zero and at most %v", value, latency.Highest)
	}
	return limit, nil
}

func parseShare(value string) (float64, error) {
	number, isPercent := strings.CutSuffix(value, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if isPercent {
		x /= 100
	}
	if err != nil || !(x > 0 && x < 1) {
		return 0, fmt.Errorf("%q is not a share between 0%% and 100%%, both excluded (no finite test can prove 100%%)", value)
	}
	return x, nil
}

// ParseAll reads several objectives and rejects two of one kind and level.
func ParseAll(texts []string) ([]Objective, error) {
	var out []Objective
	var problems []error
	seen := map[string]bool{}
	for _, text := range texts {
		o, err := Parse(text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		name, _, _ := strings.Cut(o.String(), "=")
		if seen[name] {
			problems = append(problems, fmt.Errorf("objective %q: there are two for %s; keep the stricter one", text, name))
		}
		seen[name] = true
		out = append(out, o)
	}
	return out, errors.Join(problems...)
}
