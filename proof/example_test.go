package proof_test

import (
	"fmt"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// What proves a policy of one to four instances, and how many AWS should then have.
func Example() {
	a := scaling.DefaultAssumptions()
	metric, _ := scaling.PredefinedMetric(scaling.InvocationsPerInstance)
	high, low, _ := scaling.TargetTracking{Target: 1500}.Alarms(metric, a)
	policy := proof.Policy{
		Name: scaling.ConsolePolicy, Metric: metric.Type, Target: 1500, Min: 1, Max: 4,
		ScaleOut: proof.Span(scaling.DefaultCooldown), ScaleIn: proof.Span(scaling.DefaultCooldown),
		High: &proof.Alarm{Name: "high", AlarmRule: high}, Low: &proof.Alarm{Name: "low", AlarmRule: low},
	}
	load := proof.Load{PerInstance: 25, Peak: 50}

	p, err := proof.Design(proof.Options{Policy: policy, Load: load, Start: 1, Assumptions: a, Quick: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, phase := range p.Phases {
		fmt.Printf("%-9s %4.1f/s for %v, then %d\n", phase.Kind, phase.To, phase.Length, phase.Expect)
	}
	for _, look := range proof.Predict(p, policy, load, a) {
		fmt.Println(look.At.Sub(time.Unix(0, 0)), look.Status, look.Current, "of", look.Desired)
	}
	// Output:
	// baseline  12.5/s for 24m0s, then 1
	// step_up   62.5/s for 29m0s, then 3
	// step_down 12.5/s for 40m0s, then 1
	// 0s InService 1 of 1
	// 30m0s Updating 1 of 3
	// 34m30s InService 3 of 3
	// 1h11m0s Updating 3 of 1
	// 1h11m1s InService 1 of 1
	// 1h33m0s InService 1 of 1
}
