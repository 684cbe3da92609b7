package cli

import (
	"fmt"
	"strconv"

	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/runlog"
	"plimsoll/slo"
)

// objective is what the callers of an endpoint are to have and how soon scaling must give
// it back, by the settings.
func (s *Settings) objective() (proof.Objective, error) {
	var o proof.Objective
	all, err := slo.ParseAll(s.Objectives)
	if err != nil {
		return o, coded(exitUsage, err)
	}
	success := 0.0
	for _, each := range all {
		switch {
		case each.Kind == slo.Success:
			success = each.Budget()
		case o.Limit > 0:
			return o, usageError("--slo %v: verify judges the response time by one objective; give one of p99=… and mean=…, and success=… beside it", each)
		default:
			o = proof.ObjectiveOf(each)
		}
	}
	if o.BadShare == 0 {
		o.BadShare = success
	}
	return o, coded(exitUsage, s.Scaling.into(&o))
}

// into reads what scaling is to keep.
func (s scalingObjective) into(o *proof.Objective) error {
	var texts []string
	for _, part := range []struct{ name, value string }{
		{proof.PartRecover, s.Recover}, {proof.PartErrors, s.Errors}, {proof.PartBackToMin, s.BackToMin}, {proof.PartFlaps, s.Flaps},
	} {
		if part.value != "" {
			texts = append(texts, part.name+": "+part.value)
		}
	}
	return o.Ask(texts...)
}

// scalingObjectiveOf is what a plan asked of scaling, as settings.
func scalingObjectiveOf(o proof.Objective) scalingObjective {
	var s scalingObjective
	if o.Recover > 0 {
		s.Recover = o.Recover.String()
	}
	if o.BackToMin > 0 {
		s.BackToMin = o.BackToMin.String()
	}
	if o.Errors > 0 {
		s.Errors = share(o.Errors)
	}
	if o.Flaps != nil {
		s.Flaps = strconv.Itoa(*o.Flaps)
	}
	return s
}

// objectivesOfRun are the objectives that a run found its peak by.
func objectivesOfRun(dir string) ([]string, error) {
	run, err := runlog.Open(dir)
	switch {
	case err != nil:
		return nil, coded(exitRecord, err)
	case run.Result == nil || run.Result.Status != experiment.Complete:
		return nil, coded(exitInconclusive, fmt.Errorf("%s: the run is not complete, so it has no objectives to judge by; give --slo", dir))
	}
	return run.Result.Peak.Objectives, nil
}
