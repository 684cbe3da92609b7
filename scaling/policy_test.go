package scaling

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPredefinedMetrics(t *testing.T) {
	// The enumeration MetricType of the API model, what begins with SageMaker.
	want := []string{
		"SageMakerVariantInvocationsPerInstance",
		"SageMakerVariantConcurrentRequestsPerModelHighResolution",
		"SageMakerInferenceComponentInvocationsPerCopy",
		"SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
		"SageMakerVariantProvisionedConcurrencyUtilization",
	}
	if got := len(PredefinedMetrics()); got != len(want) {
		t.Errorf("%d predefined metrics, want %d", got, len(want))
	}
	for _, name := range want {
		m, ok := PredefinedMetric(name)
		if !ok || m.Type != name || m.Namespace != "AWS/SageMaker" || m.Dimension == "" || m.Statistic == "" || m.Evidence == "" {
			t.Errorf("PredefinedMetric(%q) = %+v, %v", name, m, ok)
		}
		if m.HighResolution != (m.Period == 10*time.Second) || !alarmPeriod(m.Period) {
			t.Errorf("%s: period %v, high resolution %v", name, m.Period, m.HighResolution)
		}
	}
	if m, ok := PredefinedMetric("ECSServiceAverageCPUUtilization"); ok {
		t.Errorf("a metric of another namespace is known: %+v", m)
	}
}

func TestTargetTrackingAlarms(t *testing.T) {
	standard, _ := PredefinedMetric(InvocationsPerInstance)
	fast, _ := PredefinedMetric("SageMakerVariantConcurrentRequestsPerModelHighResolution")
	high := func(threshold float64, period time.Duration) AlarmRule {
		return AlarmRule{Comparison: Greater, Threshold: threshold, Period: period, EvaluationPeriods: 3, Missing: TreatMissing}
	}
	low := func(threshold float64) AlarmRule {
		return AlarmRule{Comparison: Less, Threshold: threshold, Period: time.Minute, EvaluationPeriods: 15, Missing: TreatMissing}
	}
	for _, c := range []struct {
		name      string
		policy    TargetTracking
		metric    Metric
		high, low AlarmRule
		hasLow    bool
	}{
		// AWS re:Post, "sagemaker-autoscaling-delay".
		{"1500 invocations a minute", TargetTracking{Target: 1500}, standard, high(1500, time.Minute), low(1350), true},
		// Public lab write-ups for ECS: 30 → 27, 70 → 63.
		{"30", TargetTracking{Target: 30}, standard, high(30, time.Minute), low(27), true},
		{"70, which floating point makes 63.00000000000001", TargetTracking{Target: 70}, standard, high(70, time.Minute), low(63), true},
		{"0.7", TargetTracking{Target: 0.7}, standard, high(0.7, time.Minute), low(0.63), true},
		{"five concurrent requests", TargetTracking{Target: 5}, fast, high(5, 10*time.Second), low(4.5), true},
		{"without scale-in", TargetTracking{Target: 5, DisableScaleIn: true}, fast, high(5, 10*time.Second), AlarmRule{}, false},
	} {
		h, l, hasLow := c.policy.Alarms(c.metric, DefaultAssumptions())
		if h != c.high || l != c.low || hasLow != c.hasLow {
			t.Errorf("%s: alarms\n%+v\n%+v %v, want\n%+v\n%+v %v", c.name, h, l, hasLow, c.high, c.low, c.hasLow)
		}
	}
}

func TestAlarmsFollowAssumptions(t *testing.T) {
	a := DefaultAssumptions()
	a.LowThresholdRatio, a.HighEvaluationPeriods, a.LowEvaluationPeriods, a.AlarmMissingData = 0.7, 1, 2, TreatIgnore
	a.HighResHighEvaluationPeriods, a.HighResLowPeriod, a.HighResLowEvaluationPeriods = 4, 10*time.Second, 90
	high, low, _ := TargetTracking{Target: 50}.Alarms(Metric{Period: time.Minute}, a)
	if high.EvaluationPeriods != 1 || low.EvaluationPeriods != 2 || low.Threshold != 35 || low.Missing != TreatIgnore || high.Missing != TreatIgnore {
		t.Errorf("standard alarms %+v, %+v", high, low)
	}
	high, low, _ = TargetTracking{Target: 50}.Alarms(Metric{Period: 10 * time.Second, HighResolution: true}, a)
	if high.EvaluationPeriods != 4 || low.EvaluationPeriods != 90 || low.Period != 10*time.Second {
		t.Errorf("high-resolution alarms %+v, %+v", high, low)
	}
}

func TestAlarmsAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := TargetTracking{Target: math.Pow(10, rapid.Float64Range(-108, 270).Draw(t, "magnitude"))}
		m := rapid.SampledFrom(PredefinedMetrics()).Draw(t, "metric")
		high, low, hasLow := p.Alarms(m, DefaultAssumptions())
		if err := high.Validate(); err != nil {
			t.Fatalf("high alarm of %v on %s: %v", p.Target, m.Type, err)
		}
		if err := low.Validate(); err != nil || !hasLow {
			t.Fatalf("low alarm of %v on %s: %v, %v", p.Target, m.Type, hasLow, err)
		}
		if ratio := low.Threshold / high.Threshold; math.Abs(ratio-0.9) > 1e-9 {
			t.Fatalf("low threshold %v is %v of the target, want 0.9", low.Threshold, ratio)
		}
	})
}

func TestTargetTrackingValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy TargetTracking
		want   []string
	}{
		{"defaults", TargetTracking{Target: 1500, ScaleOutCooldown: DefaultCooldown, ScaleInCooldown: DefaultCooldown}, nil},
		{"without cooldowns", TargetTracking{Target: 0.713}, nil},
		{"zero value", TargetTracking{}, []string{"target value 0"}},
		{"everything", TargetTracking{Target: math.Inf(1), ScaleOutCooldown: -time.Second, ScaleInCooldown: 1500 * time.Millisecond}, []string{"target value +Inf", "scale-out cooldown -1s", "scale-in cooldown 1.5s"}},
		{"no number", TargetTracking{Target: math.NaN()}, []string{"target value NaN"}},
		{"a century", TargetTracking{Target: 1, ScaleInCooldown: 1 << 31 * time.Second}, []string{"scale-in cooldown"}},
	} {
		checkProblems(t, c.name, c.policy.Validate(), c.want)
	}
}

func TestPolicyValidate(t *testing.T) {
	tracking, step := &TargetTracking{}, &StepScaling{Adjustment: ChangeInCapacity}
	for _, c := range []struct {
		name   string
		policy Policy
		want   []string
	}{
		{"target tracking", Policy{TargetTracking: &TargetTracking{Target: 1}}, nil},
		{"bad target tracking", Policy{TargetTracking: tracking}, []string{"target value 0"}},
		{"bad step scaling", Policy{Step: step}, []string{"0 step adjustments"}},
		{"neither", Policy{Name: "p"}, []string{`policy "p"`}},
		{"both", Policy{Name: "p", TargetTracking: tracking, Step: step}, []string{`policy "p"`}},
	} {
		checkProblems(t, c.name, c.policy.Validate(), c.want)
	}
}
