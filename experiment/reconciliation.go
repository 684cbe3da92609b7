package experiment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/slo"
)

// Reconciliation is a run's requests beside CloudWatch's, minute by minute.
type Reconciliation struct {
	Done    bool           `json:"done"`
	Why     string         `json:"why_not,omitempty"` // why it was not done
	On      []Variant      `json:"on"`                // whose metrics were read
	Minutes []MinuteCheck  `json:"minutes"`
	Times   *ServiceShares `json:"times"` // null: no minute has them all
	// Doubted are the numbers of trials in minutes that disagree.
	Doubted  []int    `json:"doubted_trials"`
	Findings []string `json:"findings"`
	Warnings []string `json:"warnings"`
}

// ServiceShares is where the client's mean service time went, in milliseconds, weighted
// by the invocations of the minutes.
type ServiceShares struct {
	Service  float64 `json:"service_ms"`
	Model    float64 `json:"model_ms"`    // ModelLatency
	Overhead float64 `json:"overhead_ms"` // OverheadLatency
	Network  float64 `json:"network_ms"`  // the rest: network and client
	// OfObjective is the network's part of the tightest latency objective; null without one.
	OfObjective *float64 `json:"network_share_of_objective"`
}

// largeNetwork is the share of a latency objective from which the network's part is warned of.
const largeNetwork = 0.2

// notReconciled says why there is nothing to compare.
func notReconciled(on []Variant, format string, args ...any) Reconciliation {
	return Reconciliation{
		Why: fmt.Sprintf(format, args...), On: append([]Variant{}, on...), Minutes: []MinuteCheck{}, Doubted: []int{}, Findings: []string{}, Warnings: []string{},
	}
}

// explain puts what was found into words; limit is the tightest latency objective, 0
// without one.
func (r *Reconciliation) explain(limit time.Duration) {
	r.explainCounts()
	r.explainTimes(limit)
}

func (r *Reconciliation) explainCounts() {
	by := map[MinuteVerdict][]MinuteCheck{}
	var sent, seen float64
	for _, c := range r.Minutes {
		by[c.Verdict] = append(by[c.Verdict], c)
		if c.Verdict == Agrees {
			sent += c.Sent
			seen += *c.Seen
		}
	}
	if n := len(by[Agrees]); n > 0 && sent > 0 {
		r.find("CloudWatch counted what was sent in %s: over all of them %+.2g %%", minutes(n), 100*(seen-sent)/sent)
	}
	if n := len(by[Refused]); n > 0 {
		r.find("in %s CloudWatch counted fewer than were sent, by what was refused before it reached a variant: throttled, or refused for what it was", minutes(n))
	}
	if n := len(by[Absent]); n > 0 {
		r.find("for %s CloudWatch has no count yet: late, or lost; those are not compared", minutes(n))
	}
	doubted := ""
	if len(r.Doubted) > 0 {
		doubted = "; doubted: " + trialNumbers(r.Doubted)
	}
	whole := slices.DeleteFunc(slices.Clone(by[More]), func(c MinuteCheck) bool { return c.Partial })
	if n := len(by[More]) - len(whole); n > 0 {
		r.find("in %s in which the run began or ended CloudWatch counted more than was sent: what came before or after it counts too, and other traffic", minutes(n))
	}
	if len(whole) > 0 {
		r.warn("CloudWatch counted more than was sent in %s (%s): other traffic on the variant, or retries by something between, as the client sends nothing twice%s",
			minutes(len(whole)), examples(whole), doubted)
	}
	arrived := slices.DeleteFunc(slices.Clone(by[Fewer]), func(c MinuteCheck) bool { return c.last })
	if len(arrived) < len(by[Fewer]) {
		r.find("in the run's last minute CloudWatch counted fewer than were sent: its datapoint may not have arrived in full")
	}
	if len(arrived) > 0 {
		r.warn("CloudWatch counted fewer than were sent in %s (%s): datapoints that were lost or have not arrived in full, or requests that went elsewhere%s",
			minutes(len(arrived)), examples(arrived), doubted)
	}
}

func (r *Reconciliation) explainTimes(limit time.Duration) {
	t := r.Times
	if t == nil {
		if slices.ContainsFunc(r.Minutes, func(c MinuteCheck) bool { return c.Seen != nil }) {
			r.find("no minute has a service time and CloudWatch's latency: the network's part is not known")
		}
		return
	}
	r.find("of a service time of %s on average the model took %s, SageMaker %s, network and client %s", ms(t.Service), ms(t.Model), ms(t.Overhead), ms(t.Network))
	if t.Network < -ReconcileBound*t.Service {
		r.find("CloudWatch's latencies are longer than the client's service time: they are of other requests too, such as failed or foreign ones")
	}
	if limit <= 0 {
		return
	}
	share := max(0, t.Network) / (limit.Seconds() * 1e3)
	t.OfObjective = &share
	if share >= largeNetwork {
		r.warn("network and client take %s of the %v that the objective allows (%.0f %%): a client in the endpoint's Region would find a higher peak",
			ms(t.Network), slo.Round(limit), 100*share)
	}
}

func (r *Reconciliation) find(format string, args ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

func (r *Reconciliation) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// settled says that waiting longer would add nothing.
func (r *Reconciliation) settled() bool {
	return !slices.ContainsFunc(r.Minutes, func(c MinuteCheck) bool {
		return c.Verdict == Absent || c.Verdict == Fewer || c.Service != nil && (c.Model == nil || c.Overhead == nil)
	})
}

// seen says that CloudWatch had anything.
func (r *Reconciliation) seen() bool {
	return slices.ContainsFunc(r.Minutes, func(c MinuteCheck) bool { return c.Seen != nil })
}

// doubt enters the doubts in the trials.
func (r *Reconciliation) doubt(trials []Trial) {
	for i := range trials {
		if t := &trials[i]; slices.Contains(r.Doubted, t.Number) {
			t.Doubts = append(slices.Clone(t.Doubts), "CloudWatch's count of its minutes is not what was sent")
			t.Valid, t.Verdict.Outcome = false, Invalid
		}
	}
}

// tightest is the smallest latency limit of some objectives; 0 without one.
func tightest(objectives []slo.Objective) time.Duration {
	least := time.Duration(0)
	for _, o := range objectives {
		if o.Limit > 0 && (least == 0 || o.Limit < least) {
			least = o.Limit
		}
	}
	return least
}

func minutes(n int) string {
	if n == 1 {
		return "one minute"
	}
	return fmt.Sprintf("%d minutes", n)
}

// examples shows the first of some minutes.
func examples(checks []MinuteCheck) string {
	const most = 3
	var parts []string
	for _, c := range checks[:min(len(checks), most)] {
		parts = append(parts, fmt.Sprintf("%s: %.4g/s of %.4g/s", c.Minute.UTC().Format("15:04"), *c.Seen, c.Sent))
	}
	if len(checks) > most {
		parts = append(parts, "…")
	}
	return strings.Join(parts, ", ")
}

func trialNumbers(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprint(n)
	}
	if len(words) == 1 {
		return "trial " + words[0]
	}
	return "trials " + strings.Join(words, ", ")
}

// ms writes milliseconds for people.
func ms(x float64) string { return fmt.Sprintf("%.3g ms", x) }
