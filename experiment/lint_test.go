package experiment

import (
	"strings"
	"testing"

	"plimsoll/scaling"
)

func TestLintReadsWhatIsRegistered(t *testing.T) {
	w := newWorld(2, scaled())
	w.scaling.Target.Suspended.Out = true
	w.scaling.Policies[0].Name = "hidden"
	w.scaling.Policies = append(w.scaling.Policies, Policy{Name: "steps", Step: []byte(`{}`)})
	w.scaling.Policies[0].Alarms = []string{"high", "low"}
	found, err := Lint(one, w.endpoint, w.scaling, Known{
		Provisioning: ProvisioningPrior(), Alarms: []scaling.OwnAlarm{{Name: "high", Missing: true}, {Name: "another", Missing: true}},
		Activities: []scaling.Activity{{Failed: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, f := range found {
		rules = append(rules, f.Rule)
	}
	const want = "suspended step-beside-tracking copied-70 hidden-name scale-out-cooldown alarm-missing failed-activity"
	if got := strings.Join(rules, " "); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	if _, err := Lint(Variant{Endpoint: "demo", Name: "blue"}, w.endpoint, w.scaling, Known{}); err == nil || !strings.Contains(err.Error(), "it has AllTraffic") {
		t.Errorf("a variant that is not there: %v", err)
	}
}

func TestLintOfAComponent(t *testing.T) {
	w := newWorld(2, ScalingState{
		Target: &ScalableTarget{Min: 0, Max: 8}, Policies: []Policy{{Name: "copies", Metric: scaling.InvocationsPerCopy, Target: 100}},
	})
	w.endpoint.Variants[0].Managed = &Managed{Min: 0, Max: 2}
	w.endpoint.Components = []ComponentState{
		{Name: "chat", Variant: one.Name, Status: InService, Current: 3, Desired: 4}, {Name: "embed", Variant: one.Name, Status: InService},
	}
	chat := Variant{Endpoint: one.Endpoint, Name: one.Name, Component: "chat"}
	found, err := Lint(chat, w.endpoint, w.scaling, Known{})
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, f := range found {
		rules = append(rules, f.Rule)
	}
	const want = "no-room stuck-at-zero"
	if got := strings.Join(rules, " "); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	found, err = Lint(one, w.endpoint, ScalingState{}, Known{})
	if err != nil || len(found) != 1 || found[0].Rule != "copies-not-judged" || !strings.Contains(found[0].What, "chat, embed") {
		t.Errorf("without a component: %+v, %v", found, err)
	}
	chat.Component = "chta"
	if _, err := Lint(chat, w.endpoint, w.scaling, Known{}); err == nil || !strings.Contains(err.Error(), "it has chat, embed") {
		t.Errorf("a component that is not there: %v", err)
	}
}

func TestUsualTraffic(t *testing.T) {
	points := []scaling.Point{{Value: 0}, {Value: 900}, {Value: 100}, {Value: 120}, {Value: 1e6, Missing: true}}
	if got := UsualTraffic(points); got != 120 {
		t.Errorf("UsualTraffic = %v, want the median of the minutes with requests, 120", got)
	}
	if got := UsualTraffic(nil); got != 0 {
		t.Errorf("UsualTraffic of nothing = %v, want 0", got)
	}
}
