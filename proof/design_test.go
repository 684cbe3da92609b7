package proof

import "plimsoll/scaling"

// policyOf is a policy with the alarms that AWS makes for it.
func policyOf(metric string, target float64, least, most int, change func(*Policy)) Policy {
	p := Policy{
		Name: "p", Metric: metric, Target: target, Min: least, Max: most,
		ScaleOut: Span(scaling.DefaultCooldown), ScaleIn: Span(scaling.DefaultCooldown),
	}
	if change != nil {
		change(&p)
	}
	m, _ := scaling.PredefinedMetric(metric)
	tracking := scaling.TargetTracking{Target: target, DisableScaleIn: p.DisableScaleIn}
	high, low, hasLow := tracking.Alarms(m, scaling.DefaultAssumptions())
	p.High = &Alarm{Name: "AlarmHigh", AlarmRule: high}
	if hasLow {
		p.Low = &Alarm{Name: "AlarmLow", AlarmRule: low}
	}
	return p
}

const highResolution = "SageMakerVariantConcurrentRequestsPerModelHighResolution"

func usual() Options {
	return Options{
		Policy: policyOf(scaling.InvocationsPerInstance, 1500, 1, 4, nil),
		Load:   Load{PerInstance: 25, Peak: 50}, Start: 1, Assumptions: scaling.DefaultAssumptions(),
	}
}
