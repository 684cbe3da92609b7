package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"plimsoll/arrival"
	"plimsoll/experiment"

	"github.com/spf13/cobra"
)

func planGroups() []group {
	return []group{endpointFlags, payloadFlags, objectiveFlags, searchFlags, costFlags, targetFlags, targetFromFlags, loadFlags, recordFlags}
}

func newPlan(env Env) *cobra.Command {
	start := defaults()
	shown := start
	var where place
	cmd := &cobra.Command{
		Use: "plan", Short: "Show what find or load would do, and send nothing",
		Long: `Show the effective plan, flags and plimsoll.yaml merged, with the requests and the time to
expect, and what the instances cost meanwhile. With --rate or --concurrency it is the plan of load,
otherwise that of find. Nothing is sent, nothing is looked up on AWS, and nothing is recorded.`,
		Example: "  plimsoll plan --url http://127.0.0.1:8080/invocations --payload body.json\n  plimsoll plan --config staging.yaml --output json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, file, err := settle(cmd.Flags(), start, planGroups()...)
			if err != nil {
				return err
			}
			j, err := preparePlan(cmd.Context(), env, s, where)
			if err != nil {
				return err
			}
			return printPlan(env.Stdout, j, file, j.planned(where))
		},
	}
	flags(cmd.Flags(), &shown, planGroups()...)
	configFlag(cmd.Flags())
	where.flagsOfPlace(cmd.Flags())
	return cmd
}

func preparePlan(ctx context.Context, env Env, s Settings, where place) (*job, error) {
	if err := where.check(&s); err != nil {
		return nil, err
	}
	if s.Rate != "" || s.Concurrency != 0 {
		return prepareLoad(ctx, env, s)
	}
	if where.made() {
		return where.baseJob(ctx, env, s, "run")
	}
	return prepareFind(ctx, env, s, "find")
}

// Expected is what a plan would cost.
type Expected struct {
	Seconds float64 `json:"seconds_about"`
	// Requests by the peak that the endpoint turns out to have (find), or of the
	// load as asked (load of a rate).
	Requests []ExpectedRequests `json:"requests"`

	// Of find: of each instance type that is measured, with its launch where it is made.
	Costs       []experiment.Cost `json:"costs,omitempty"`
	Assumptions []string          `json:"assumptions,omitempty"`
}

// ExpectedRequests is one row of the estimate.
type ExpectedRequests struct {
	Peak     float64 `json:"if_peak_per_second,omitempty"`
	Requests float64 `json:"about"`
}

// busyShare is the mean rate of a search over its peak, about: the climb is
// slower, the bracket hovers at the peak.
const busyShare = 0.8

// lastTrial is how many seconds the last trial may take beyond the budget and a
// tenth of it, for which answers are waited for.
const lastTrial = 2

func expect(p experiment.Plan) Expected {
	if l := p.Load; l != nil {
		seconds := l.WarmUpSeconds + l.DurationSeconds
		e := Expected{Seconds: seconds + p.Endpoint.TimeoutSeconds}
		if l.Rate > 0 {
			e.Requests = []ExpectedRequests{{Requests: math.Round(l.Rate * seconds)}}
		}
		return e
	}
	budget := p.Search.Budget.Seconds()
	// No trial starts once the budget is spent; the last one ends after it.
	e := Expected{Seconds: math.Round(1.1*budget + lastTrial)}
	for _, peak := range []float64{10, 100, 1000, 10000} {
		n := math.Round(busyShare * peak * budget)
		if most := float64(p.Search.MaxRequests); most > 0 {
			n = min(n, most)
		}
		e.Requests = append(e.Requests, ExpectedRequests{Peak: peak, Requests: n})
	}
	return e
}

// refuse says why the plan of a find would be refused. What it costs is not always known
// before something has been looked up.
func (j *job) refuse(o outlay) error {
	limits := j.settings.limits()
	if len(o.costs) == 0 {
		limits.Dollars = 0
	}
	return limits.Refuse(o.whole, o.costs)
}

func printPlan(w io.Writer, j *job, file string, o outlay) error {
	if err := j.refuse(o); err != nil {
		return err
	}
	expected := expect(j.plan)
	if o.finds > 0 {
		expected.Seconds, expected.Costs = o.whole.Seconds(), o.costs
		for i := range expected.Requests {
			expected.Requests[i].Requests *= float64(o.finds)
		}
	}
	expected.Assumptions = o.assumptions()
	if j.settings.Output == outputJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(map[string]any{"schema_version": experiment.SchemaVersion, "plan": j.plan, "expected": expected})
	}
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	p := j.plan
	row("command", "%s", p.Command)
	if file != "" {
		row("configuration", "%s", file)
	}
	row("endpoint", "%s %s (%s), timeout %gs", p.Endpoint.Method, p.Endpoint.URL, p.Endpoint.Engine, p.Endpoint.TimeoutSeconds)
	if i := p.Endpoint.SageMaker; i != nil {
		row("SageMaker", "%s; signed by AWS Signature Version 4", i)
	}
	if split := j.split(); split != nil && split.Private() {
		row("AWS", "%s", split)
	}
	if p.Place != nil {
		row("made for it", "%s; deleted after", p.Place)
	}
	for _, h := range p.Endpoint.Headers {
		row("header", "%s", h)
	}
	if p.Endpoint.Authorization != "" {
		row("authorization", "bearer token from %s", p.Endpoint.Authorization)
	}
	for _, condition := range p.Endpoint.FailIf {
		row("failed if", "%s", condition)
	}
	for _, warning := range j.warnings() {
		row("warning", "%s", warning)
	}
	row("payload", "%s, %d bytes, sha256 %.12s…", bodiesOf(p.Payload.Count), p.Payload.Bytes, p.Payload.SHA256)
	row("objectives", "%s", objectives(p))
	row("arrivals", "%s, seed %d", p.Arrivals, p.Seed)
	planDetails(row, p)
	row("time", "about %s", time.Duration(expected.Seconds*float64(time.Second)))
	for _, r := range expected.Requests {
		if r.Peak > 0 {
			row("requests", "about %.0f if the peak is %s", r.Requests, arrival.Rate(r.Peak))
		} else {
			row("requests", "about %.0f", r.Requests)
		}
	}
	for _, f := range o.facts() {
		row(f.name, "%s", f.words)
	}
	fmt.Fprintf(&b, "\nnothing was sent; to do it: plimsoll %s\n", reproduce(p))
	_, err := io.WriteString(w, b.String())
	return err
}

func planDetails(row func(name, format string, args ...any), p experiment.Plan) {
	if l := p.Load; l != nil {
		if l.Rate > 0 {
			row("load", "%s (open loop) for %gs after %gs of warm-up", arrival.Rate(l.Rate), l.DurationSeconds, l.WarmUpSeconds)
		} else {
			row("load", "%d in flight (closed loop) for %gs after %gs of warm-up", l.Concurrency, l.DurationSeconds, l.WarmUpSeconds)
		}
		return
	}
	q := p.Search
	limits := fmt.Sprintf("at most %d in flight", q.MaxConcurrency)
	if q.MaxRate > 0 {
		limits += ", " + arrival.Rate(q.MaxRate).String()
	}
	if q.MaxRequests > 0 {
		limits += fmt.Sprintf(", %d requests", q.MaxRequests)
	}
	if p.Mode == experiment.ModeSweep {
		row("sweep", "the whole curve, with bands at %s confidence; %s; no target", share(q.Confidence), limits)
		return
	}
	row("search", "to ±%s at %s confidence; %s", share(q.Precision), share(q.Confidence), limits)
	times := " × 60"
	if p.Target.PerMinute {
		times = ""
	}
	row("target", "peak (%s of the interval) × %g%s", p.Target.From, p.Target.SafetyFactor, times)
}

func bodiesOf(n int) string {
	if n == 1 {
		return "1 body"
	}
	return fmt.Sprintf("%d bodies", n)
}

func objectives(p experiment.Plan) string {
	if len(p.Objectives) == 0 && (p.Load != nil || p.Mode == experiment.ModeSweep) {
		return "none given: nothing is judged"
	}
	if len(p.Objectives) == 0 {
		return "none given: a p99 limit from the unloaded latency, success=99%"
	}
	return strings.Join(p.Objectives, ", ")
}
