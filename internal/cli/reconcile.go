package cli

import (
	"context"
	"time"

	"plimsoll/experiment"
	"plimsoll/sagemaker"
)

const (
	// withinWhichToLook bounds what a run waits for the control plane before it begins.
	withinWhichToLook = 15 * time.Second
	// attemptsToLook is how often each call is tried: a run can do without.
	attemptsToLook = 3
)

// runner is what holds the loads of a run: of a SageMaker endpoint, one that keeps the
// books by which the run is compared with CloudWatch. end gives up its connections.
func (j *job) runner(ctx context.Context, meter experiment.Meter) (runner experiment.Runner, end func()) {
	end = func() {}
	if j.aws == nil || !j.settings.Reconcile {
		return meter, end
	}
	within, cancel := context.WithTimeout(ctx, withinWhichToLook)
	defer cancel()
	aws, err := sagemaker.Connect(within, sagemaker.ControlOptions{Region: j.aws.Region(), Profile: j.settings.Profile, Account: j.settings.account, Attempts: attemptsToLook})
	if err != nil {
		return experiment.Unreconciled(meter, err), end
	}
	on, err := j.invoked(within, aws)
	if err != nil {
		return experiment.Unreconciled(meter, err), aws.Close
	}
	return experiment.NewReconciler(within, meter, aws, aws, on), aws.Close
}

// invoked are the variants whose metrics have the requests of the run: the one that is
// named, or all, among which SageMaker shares them out.
func (j *job) invoked(ctx context.Context, aws *sagemaker.Control) ([]experiment.Variant, error) {
	s := j.settings
	endpoint := s.Endpoint[0]
	if s.InferenceComponent != "" {
		return []experiment.Variant{{Endpoint: endpoint, Name: s.Variant, Component: s.InferenceComponent}}, nil
	}
	if s.Variant != "" {
		return []experiment.Variant{{Endpoint: endpoint, Name: s.Variant}}, nil
	}
	e, err := aws.Describe(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	var on []experiment.Variant
	for _, v := range e.Variants {
		on = append(on, experiment.Variant{Endpoint: endpoint, Name: v.Name})
	}
	if len(on) == 0 {
		return nil, e.Settled()
	}
	return on, nil
}
