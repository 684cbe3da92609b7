package cli

import (
	"plimsoll/experiment"
	"plimsoll/runlog"
	"plimsoll/scaling"
)

// on is what the flags name, before it was looked at.
func (c *control) on() experiment.Variant {
	return experiment.Variant{Endpoint: c.endpoint, Name: c.variant, Component: c.component}
}

// valueOfRun is the target value of a run for a metric. That of invocations is made anew
// by the formula; that of concurrency is as CloudWatch read it then, with the factor of
// the run, or of the flag where one is given.
func (c *control) valueOfRun(dir, metric string, s Settings, given func(string) bool) (scaling.PerMinute, error) {
	m, err := experiment.MetricFor(c.on(), metric)
	if err != nil {
		return 0, usageError("--%w", err)
	}
	if !m.HighResolution {
		t, err := targetOfRun(dir, s, given)
		if err != nil {
			return 0, err
		}
		return scaling.PerMinute(t.PerMinute), nil
	}
	run, err := runlog.Open(dir)
	if err != nil {
		return 0, coded(exitRecord, err)
	}
	if run.Result == nil {
		return 0, usageError("%s: the run has no result of a search", dir)
	}
	t, err := run.Result.MetricTarget(c.on(), metric)
	if err != nil {
		return 0, coded(exitInconclusive, err)
	}
	value := *t.Value
	if was := run.Result.Target; given("safety-factor") && was != nil {
		value *= s.SafetyFactor / was.SafetyFactor
	}
	return scaling.PerMinute(value), nil
}

// unitOf is what follows the target value.
func unitOf(v experiment.Variant, w experiment.Wanted) string {
	m, err := experiment.MetricFor(v, w.Metric)
	if err != nil {
		return ""
	}
	return experiment.UnitOfTarget(m.Type)
}
