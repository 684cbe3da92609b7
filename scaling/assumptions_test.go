package scaling

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDefaultAssumptionsAreValid(t *testing.T) {
	if err := DefaultAssumptions().Validate(); err != nil {
		t.Error(err)
	}
	if err := (Assumptions{}).Validate(); err == nil {
		t.Error("the zero value is valid, though its comment says otherwise")
	}
}

// Every field is in the list, with everything that a reader needs.
func TestListIsComplete(t *testing.T) {
	list := DefaultAssumptions().List()
	if fields := reflect.TypeFor[Assumptions]().NumField(); len(list) != fields {
		t.Errorf("%d assumptions listed, want one for each of %d fields", len(list), fields)
	}
	seen := map[string]bool{}
	for _, a := range list {
		if a.Name == "" || a.Value == "" || a.Meaning == "" || a.Source == "" || seen[a.Name] {
			t.Errorf("incomplete or repeated: %+v", a)
		}
		if a.Value != a.Default {
			t.Errorf("%s: the default is listed as %s and is %s", a.Name, a.Default, a.Value)
		}
		switch a.Evidence {
		case Documented, Observed, Assumed:
		default:
			t.Errorf("%s: evidence %q", a.Name, a.Evidence)
		}
		seen[a.Name] = true
	}
}

func TestSetChangesOneAssumption(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        func(*Assumptions)
	}{
		{"low-threshold-ratio", "0.7", func(a *Assumptions) { a.LowThresholdRatio = 0.7 }},
		{"high-evaluation-periods", "5", func(a *Assumptions) { a.HighEvaluationPeriods = 5 }},
		{"low-evaluation-periods", "3", func(a *Assumptions) { a.LowEvaluationPeriods = 3 }},
		{"highres-high-evaluation-periods", "6", func(a *Assumptions) { a.HighResHighEvaluationPeriods = 6 }},
		{"highres-low-period", "10s", func(a *Assumptions) { a.HighResLowPeriod = 10 * time.Second }},
		{"highres-low-evaluation-periods", "90", func(a *Assumptions) { a.HighResLowEvaluationPeriods = 90 }},
		{"alarm-missing-data", "ignore", func(a *Assumptions) { a.AlarmMissingData = TreatIgnore }},
		{"alarm-initial-state", "OK", func(a *Assumptions) { a.AlarmInitialState = StateOK }},
		{"alarm-interval", "30s", func(a *Assumptions) { a.AlarmInterval = 30 * time.Second }},
		{"highres-alarm-interval", "5s", func(a *Assumptions) { a.HighResAlarmInterval = 5 * time.Second }},
		{"alarm-action-interval", "2m", func(a *Assumptions) { a.AlarmActionInterval = 2 * time.Minute }},
		{"evaluation-range-extra", "0", func(a *Assumptions) { a.EvaluationRangeExtra = 0 }},
		{"scale-out-size", "one", func(a *Assumptions) { a.ScaleOutSize = OneByOne }},
		{"scale-in-size", "one", func(a *Assumptions) { a.ScaleInSize = OneByOne }},
		{"cooldown-base", "current", func(a *Assumptions) { a.CooldownBase = BaseCurrent }},
		{"scale-out-datapoint", "mean", func(a *Assumptions) { a.ScaleOutDatapoint = ReadMean }},
		{"scale-in-datapoint", "latest", func(a *Assumptions) { a.ScaleInDatapoint = ReadLatest }},
		{"flapping-guard", "off", func(a *Assumptions) { a.FlappingGuard = false }},
		{"updating-blocks-scaling", "off", func(a *Assumptions) { a.UpdatingBlocksScaling = false }},
		{"scale-out-cooldown-blocks-in", "on", func(a *Assumptions) { a.ScaleOutCooldownBlocksIn = true }},
		{"metric-delay", "0s", func(a *Assumptions) { a.MetricDelay = 0 }},
		{"highres-metric-delay", "1m", func(a *Assumptions) { a.HighResMetricDelay = time.Minute }},
		{"zero-traffic", "missing", func(a *Assumptions) { a.ZeroTraffic = TrafficMissing }},
		{"count-rejected", "on", func(a *Assumptions) { a.CountRejected = true }},
		{"provisioning-median", "2m", func(a *Assumptions) { a.ProvisioningMedian = 2 * time.Minute }},
		{"provisioning-sigma", "0", func(a *Assumptions) { a.ProvisioningSigma = 0 }},
	} {
		got, want := DefaultAssumptions(), DefaultAssumptions()
		c.want(&want)
		if err := got.Set(c.name, c.value); err != nil || got != want {
			t.Errorf("Set(%s, %s) gives\n%+v, %v, want\n%+v", c.name, c.value, got, err, want)
		}
		for _, a := range got.List() {
			if a.Name == c.name && a.Value == a.Default {
				t.Errorf("after Set(%s, %s) the list says %s", c.name, c.value, a.Value)
			}
		}
	}
}

// What the list says can be set again: a file of assumptions is a copy of the list.
func TestSetReadsWhatListWrites(t *testing.T) {
	want := DefaultAssumptions()
	want.ScaleInDatapoint, want.MetricDelay, want.ProvisioningSigma, want.FlappingGuard = ReadMean, 90*time.Second, 0.1, false
	var got Assumptions
	for _, a := range want.List() {
		if err := got.Set(a.Name, a.Value); err != nil {
			t.Error(err)
		}
	}
	if got != want {
		t.Errorf("read back\n%+v, want\n%+v", got, want)
	}
}

func TestSetRejects(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"low-treshold-ratio", "0.9", `"low-treshold-ratio" is unknown`},
		{"low-threshold-ratio", "90%", "want a share above 0"},
		{"low-threshold-ratio", "0", "want a share above 0"},
		{"low-threshold-ratio", "NaN", "want a share above 0"},
		{"high-evaluation-periods", "three", "want a whole number from 1 to 100"},
		{"high-evaluation-periods", "0", "want a whole number from 1 to 100"},
		{"highres-low-period", "15s", "want 10s, 20s, 30s or whole minutes"},
		{"metric-delay", "150", "want whole seconds from 0s to 1h, with the unit"},
		{"metric-delay", "-1s", "want whole seconds from 0s"},
		{"metric-delay", "1.5s", "want whole seconds"},
		{"flapping-guard", "yes", "want on or off"},
		{"scale-in-datapoint", "median", "want latest, mean or highest"},
		{"provisioning-sigma", "3", "want a number from 0 to 2"},
		{"provisioning-sigma", "x", "want a number from 0 to 2"},
	} {
		a := DefaultAssumptions()
		err := a.Set(c.name, c.value)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("Set(%s, %s) = %v, want %q", c.name, c.value, err, c.want)
		}
		if a != DefaultAssumptions() {
			t.Errorf("Set(%s, %s) failed and changed something", c.name, c.value)
		}
	}
}

func TestValidateNamesTheAssumption(t *testing.T) {
	a := DefaultAssumptions()
	a.LowThresholdRatio, a.ScaleInDatapoint = 2, "median"
	checkProblems(t, "two", a.Validate(), []string{"low-threshold-ratio=2", "scale-in-datapoint=median"})
}
