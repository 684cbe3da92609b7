package experiment

import (
	"strings"
	"testing"
	"time"

	"plimsoll/scaling"

	"github.com/google/go-cmp/cmp"
)

func TestPinRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*EndpointState)
		want   string
	}{
		"Updating":   {func(e *EndpointState) { e.Status = "Updating" }, "endpoint demo is Updating; somebody"},
		"Creating":   {func(e *EndpointState) { e.Status = Creating; e.Variants = nil }, "still being created"},
		"Failed":     {func(e *EndpointState) { e.Status, e.Failure = Failed, "the image does not exist" }, "the image does not exist"},
		"serverless": {func(e *EndpointState) { e.Variants[0].Serverless = true }, "serverless"},
		"components": {func(e *EndpointState) { e.Variants[0].Components = true }, "inference components"},
		"pools":      {func(e *EndpointState) { e.Variants[0].Pools = []string{"ml.g5.xlarge", "ml.g6.xlarge"} }, "2 instance types"},
		"misspelt":   {func(e *EndpointState) { e.Variants[0].Name = "blue" }, `no variant "AllTraffic"; it has blue`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(2, scaled())
			row.change(&w.endpoint)
			if _, err := Pin(one, w.endpoint, w.scaling); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("Pin: %v, want …%s…", err, row.want)
			}
		})
	}
}

func TestApply(t *testing.T) {
	wanted := Wanted{Target: 1200, Min: 1, Max: 4, ScaleOut: time.Minute, ScaleIn: 5 * time.Minute}
	plain := newWorld(1, ScalingState{}).endpoint
	t.Run("twice changes nothing", func(t *testing.T) {
		w := newWorld(1, ScalingState{})
		changes, _, err := Apply(one, w.endpoint, w.scaling, wanted)
		if err != nil || len(changes) != 2 {
			t.Fatalf("changes %v, %v, want 2", changes, err)
		}
		if err := w.plane().Make(t.Context(), one, changes); err != nil {
			t.Fatal(err)
		}
		if again, _, err := Apply(one, w.endpoint, w.scaling, wanted); err != nil || len(again) != 0 {
			t.Errorf("the second time: %v, %v, want no change", again, err)
		}
	})
	t.Run("a suspended target is resumed", func(t *testing.T) {
		s := ScalingState{Target: &ScalableTarget{Min: 1, Max: 4, Suspended: Suspension{Out: true, Scheduled: true}}}
		changes, _, err := Apply(one, plain, s, wanted)
		if err != nil || len(changes) != 2 || changes[0].Desired.Bounds.Suspended != (Suspension{Scheduled: true}) {
			t.Errorf("changes %+v, %v", changes, err)
		}
	})
	t.Run("another policy on the metric", func(t *testing.T) {
		s := scaled()
		s.Policies[0].Name = "hidden"
		if _, _, err := Apply(one, plain, s, wanted); err == nil || !strings.Contains(err.Error(), "already: hidden; AWS takes one for a metric: give --replace") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("an asynchronous endpoint", func(t *testing.T) {
		async := plain
		async.Async = true
		if _, _, err := Apply(one, async, ScalingState{}, wanted); err == nil || !strings.Contains(err.Error(), "ApproximateBacklogSizePerInstance") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("cautions", func(t *testing.T) {
		e := plain
		e.Variants = []VariantState{{Name: "AllTraffic", Current: 1, Desired: 1, Pools: []string{"a", "b"}}, {Name: "canary"}}
		s := scaled()
		s.Policies = append(s.Policies, Policy{Name: "steps", Step: []byte(`{}`)})
		s.Scheduled = 2
		_, warnings, err := Apply(one, e, s, Wanted{Target: 600, Min: 2, Max: 2})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(warnings, "\n")
		for _, want := range []string{"policy cpu tracks another metric", "policy steps is no target tracking", "scheduled actions: 2", "several instance types (a, b)", "2 variants", "both 2"} {
			if !strings.Contains(text, want) {
				t.Errorf("warnings lack %q:\n%s", want, text)
			}
		}
	})
	t.Run("out of range", func(t *testing.T) {
		err := Wanted{Target: scaling.PerMinute(-1), Min: 0, Max: -1, ScaleIn: time.Millisecond}.Validate()
		for _, want := range []string{"minimum capacity 0", "maximum capacity -1", "target value -1", "scale-in cooldown 1ms"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want …%s…", err, want)
			}
		}
	})
}

func TestChangeIsShownAsADifference(t *testing.T) {
	w := newWorld(2, scaled())
	changes, _, err := Apply(one, w.endpoint, w.scaling, Wanted{Target: 1200, Min: 2, Max: 8, ScaleOut: time.Minute, ScaleIn: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.Lines()...)
	}
	const want = `  scalable target: new bounds of capacity
    - capacity 2 to 6
    + capacity 2 to 8
      suspended: nothing
  policy SageMakerEndpointInvocationScalingPolicy: target tracking on the measured target
    - target value 70/min for each instance (1.167/s)
      SageMakerVariantInvocationsPerInstance
    + target value 1200/min for each instance (20/s)
      scale-out cooldown 60 s
      scale-in cooldown 300 s
      scale-in enabled`
	if diff := cmp.Diff(want, strings.Join(lines, "\n")); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
