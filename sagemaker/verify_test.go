package sagemaker

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/scaling"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

func TestVerifyProvesAPolicyThatWorks(t *testing.T) {
	inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
		a.follow(t, 1, 4)
		v, o, err := a.verify(t.Context(), t, nil, nil)
		if err != nil || v.Status != experiment.Complete || v.Verdict != proof.Works {
			t.Fatalf("verdict %q, status %s, %v", v.Verdict, v.Status, err)
		}
		phases := len(v.Plan.Verify.Programme.Phases)
		if len(v.Held) != phases || o.count(experiment.PhaseStarted) != phases || o.count(experiment.PhaseFinished) != phases {
			t.Errorf("%d phases held, %d begun, %d finished; want %d each", len(v.Held), o.count(experiment.PhaseStarted), o.count(experiment.PhaseFinished), phases)
		}
		if o.count(experiment.CapacitySeen) < 6 || o.count(experiment.PhaseProgress) == 0 || o.count(experiment.RunFinished) != 1 {
			t.Errorf("capacity was seen to change %d times, want from 1 to 4 and back", o.count(experiment.CapacitySeen))
		}
		for _, h := range v.Held {
			length := h.Ended.Sub(h.Began)
			if !h.Valid || (length-time.Duration(h.Length)).Abs() > time.Minute {
				t.Errorf("phase %s was held for %v (%v), want %v", h.Kind, length, h.Doubts, h.Length)
			}
		}
		if len(v.Notes) > 0 {
			t.Errorf("notes %v, want none", v.Notes)
		}
		if math.Abs(v.Speed-60) > 0.01 {
			t.Errorf("speed %v, want 60", v.Speed)
		}
		for i, s := range v.Series.Slices[1:] {
			before := v.Series.Slices[i]
			if gap := s.At.Sub(before.At.Add(time.Duration(before.Length))); gap < -time.Millisecond || gap > 12*time.Second {
				t.Errorf("slice %d begins %v after the one before it ended", i+1, gap)
			}
		}
		if len(v.Observed.Unknown) > 0 || len(v.Series.Alarms) == 0 || len(v.Observed.Activities) == 0 || len(v.Series.Metric) == 0 {
			t.Errorf("unknown: %v; %d transitions, %d activities, %d points", v.Observed.Unknown, len(v.Series.Alarms), len(v.Observed.Activities), len(v.Series.Metric))
		}
		// What CloudWatch counted is what was sent, minute by minute.
		var counted, sent float64
		for _, p := range v.Observed.Invocations {
			counted += p.Value
		}
		for _, s := range v.Series.Slices {
			sent += float64(s.Offered) * v.Speed
		}
		if math.Abs(counted/sent-1) > 0.01 {
			t.Errorf("CloudWatch counted %.0f invocations, and %.0f were sent", counted, sent)
		}
	})
}

// TestVerifyUnderFaults: what keeps a policy from scaling is found, and what only troubles
// the control plane is not taken for it.
func TestVerifyUnderFaults(t *testing.T) {
	for name, row := range map[string]struct {
		faults  emulator.Faults
		verdict proof.Verdict
		unknown string
	}{
		"instances that never come":  {emulator.Faults{StuckInstances: true}, proof.NoScaling, ""},
		"alarms that never fire":     {emulator.Faults{AlarmsHeld: true}, proof.NoScaling, ""},
		"metrics that never appear":  {emulator.Faults{MetricLoss: 1}, proof.NoScaling, "metric"},
		"a throttled control plane":  {emulator.Faults{ControlThrottleShare: 0.4}, proof.Works, ""},
		"a control plane that fails": {emulator.Faults{ControlErrorShare: 0.4}, proof.Works, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
				a.follow(t, 1, 4)
				v, _, err := a.verify(t.Context(), t, quick, atPhase(1, func() {
					if err := a.emulator.SetFaults(row.faults); err != nil {
						t.Error(err)
					}
				}))
				if err != nil || v.Status != experiment.Complete || v.Verdict != row.verdict {
					t.Errorf("verdict %q, status %s, %v; want %q", v.Verdict, v.Status, err, row.verdict)
				}
				if row.unknown != "" && v.Observed.Unknown[row.unknown] == "" {
					t.Errorf("unknown %v, want %s among it", v.Observed.Unknown, row.unknown)
				}
			})
		})
	}
}

// TestVerifyEndsWhenThereIsNothingLeftToProve: somebody works on the endpoint meanwhile.
func TestVerifyEndsWhenThereIsNothingLeftToProve(t *testing.T) {
	for name, row := range map[string]struct {
		meanwhile func(*testing.T, *account)
		problem   experiment.Problem
		says      string
	}{
		"policy changed": {func(t *testing.T, a *account) {
			t.Helper()
			p := &experiment.Policy{Name: scaling.ConsolePolicy, Metric: scaling.InvocationsPerInstance, Target: 999}
			if err := a.control.Put(t.Context(), demo, experiment.OnePolicy, p.Name, experiment.Setting{Policy: p}); err != nil {
				t.Error(err)
			}
		}, experiment.ProblemChanged, "target value 1200/min"},
		"policy deleted": {func(t *testing.T, a *account) {
			t.Helper()
			if err := a.control.Put(t.Context(), demo, experiment.OnePolicy, scaling.ConsolePolicy, experiment.Setting{}); err != nil {
				t.Error(err)
			}
		}, experiment.ProblemChanged, "is gone"},
		"scaling suspended": {func(t *testing.T, a *account) {
			t.Helper()
			b := &experiment.ScalableTarget{Min: 1, Max: 4, Suspended: experiment.Suspension{Out: true}}
			if err := a.control.Put(t.Context(), demo, experiment.Bounds, "", experiment.Setting{Bounds: b}); err != nil {
				t.Error(err)
			}
		}, experiment.ProblemChanged, "suspended: scale-out"},
		"endpoint deleted": {func(t *testing.T, a *account) {
			t.Helper()
			if _, err := a.control.sagemaker.DeleteEndpoint(t.Context(), &sagemaker.DeleteEndpointInput{EndpointName: aws.String("demo")}); err != nil {
				t.Error(err)
			}
		}, experiment.ProblemMissing, "Could not find endpoint"},
		"permission taken away": {func(t *testing.T, a *account) {
			t.Helper()
			if err := a.emulator.SetFaults(emulator.Faults{AccessDenied: []string{"DescribeEndpoint"}}); err != nil {
				t.Error(err)
			}
		}, experiment.ProblemDenied, "sagemaker:DescribeEndpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
				a.follow(t, 1, 4)
				v, o, err := a.verify(t.Context(), t, quick, atPhase(2, func() { row.meanwhile(t, a) }))
				trouble, ok := errors.AsType[*experiment.ControlError](err)
				if !ok || trouble.Problem != row.problem || !strings.Contains(err.Error(), row.says) {
					t.Errorf("error %v, want %q and …%s…", err, row.problem, row.says)
				}
				if v.Status != experiment.Partial || v.Ended == "" || v.Verdict != proof.Undecided {
					t.Errorf("status %s (%s), verdict %q; want a partial proof that is not decided", v.Status, v.Ended, v.Verdict)
				}
				if why := v.Observed.Unknown["policy"]; why != "" {
					t.Errorf("the policy is not known: %s; want it known, or known to be gone", why)
				}
				if o.count(experiment.PhaseFinished) != 1 || len(v.Held) != 2 || o.count(experiment.RunFinished) != 1 {
					t.Errorf("%d phases finished, %d held", o.count(experiment.PhaseFinished), len(v.Held))
				}
			})
		})
	}
}

// TestVerifyKeepsToItsLimitOfRequests, although more are needed than the design expected.
func TestVerifyKeepsToItsLimitOfRequests(t *testing.T) {
	inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
		a.follow(t, 1, 4)
		v, _, err := a.verify(t.Context(), t, func(p *experiment.VerifyPlan) {
			p.Quick = true
		}, nil, func(p *experiment.VerifyPlan) { p.MaxRequests = 500 })
		if trouble, ok := errors.AsType[*experiment.ControlError](err); !ok || trouble.Problem != experiment.ProblemInvalid || !strings.Contains(err.Error(), "the limit of 500 requests was reached in phase 2") {
			t.Errorf("error %v", err)
		}
		if v.RequestsSent != 500 || v.Status != experiment.Partial {
			t.Errorf("%d requests sent, status %s; want all 500, one of them the probe", v.RequestsSent, v.Status)
		}
	})
}

func TestVerifyInterrupted(t *testing.T) {
	inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
		a.follow(t, 1, 4)
		ctx, cancel := context.WithCancel(t.Context())
		v, _, err := a.verify(ctx, t, quick, atPhase(3, cancel))
		if !errors.Is(err, context.Canceled) || v.Status != experiment.Partial || len(v.Series.Alarms) == 0 || len(v.Events) == 0 {
			t.Errorf("%v, status %s, %d transitions, %d events; want what was known of the step up", err, v.Status, len(v.Series.Alarms), len(v.Events))
		}
	})
}

// TestVerifyRefusesWhatCannotAct sends nothing to find out what is plain.
func TestVerifyRefusesWhatCannotAct(t *testing.T) {
	for name, row := range map[string]struct {
		before  func(*testing.T, *account)
		change  func(*experiment.VerifyPlan)
		problem experiment.Problem
		says    string
	}{
		"no policy": {nil, nil, experiment.ProblemIdle, "it has no target-tracking policy"},
		"one size":  {func(t *testing.T, a *account) { t.Helper(); a.follow(t, 2, 2) }, nil, experiment.ProblemIdle, "minimum and maximum are both 2"},
		"suspended": {func(t *testing.T, a *account) {
			t.Helper()
			a.follow(t, 1, 4)
			b := &experiment.ScalableTarget{Min: 1, Max: 4, Suspended: experiment.Suspension{In: true, Out: true}}
			if err := a.control.Put(t.Context(), demo, experiment.Bounds, "", experiment.Setting{Bounds: b}); err != nil {
				t.Fatal(err)
			}
		}, nil, experiment.ProblemIdle, "scale-out is suspended"},
		"an alarm deleted": {func(t *testing.T, a *account) {
			t.Helper()
			a.follow(t, 1, 4)
			s, err := a.control.Scaling(t.Context(), demo)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.control.cloudwatch.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: s.Policies[0].Alarms[:1]}); err != nil {
				t.Fatal(err)
			}
		}, nil, experiment.ProblemIdle, "does not exist: somebody has deleted it"},
		"too long": {func(t *testing.T, a *account) { t.Helper(); a.follow(t, 1, 4) }, func(p *experiment.VerifyPlan) {
			p.MaxDuration = proof.Span(time.Minute)
		}, experiment.ProblemInvalid, "and 1m0s are allowed"},
		"too many requests": {func(t *testing.T, a *account) { t.Helper(); a.follow(t, 1, 4) }, func(p *experiment.VerifyPlan) {
			p.MaxRequests = 100
		}, experiment.ProblemInvalid, "and 100 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
				if row.before != nil {
					row.before(t, a)
				}
				p := experiment.VerifyPlan{On: demo}
				if row.change != nil {
					row.change(&p)
				}
				_, err := experiment.DesignVerify(t.Context(), p, a.sight())
				trouble, ok := errors.AsType[*experiment.ControlError](err)
				if !ok || trouble.Problem != row.problem || !strings.Contains(err.Error(), row.says) {
					t.Errorf("error %v, want %q and …%s…", err, row.problem, row.says)
				}
			})
		})
	}
}

// TestVerifyDerivesALimit where none was given, from the baseline.
func TestVerifyDerivesALimit(t *testing.T) {
	inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
		a.follow(t, 1, 4)
		v, _, err := a.verify(t.Context(), t, func(p *experiment.VerifyPlan) {
			p.Objective, p.From, p.Quick = proof.Objective{}, experiment.LimitBaseline, true
		}, nil)
		if err != nil || v.Objective.Limit < proof.Span(15*time.Millisecond) || v.Objective.Limit > proof.Span(60*time.Millisecond) || v.Objective.BadShare != 0.01 {
			t.Errorf("objective %+v, %v; a request takes 10 ms", v.Objective, err)
		}
		if len(v.Held) == 0 || len(v.Held) != len(v.Plan.Verify.Programme.Phases) {
			t.Errorf("%d phases held", len(v.Held))
		}
	})
}

// TestVerifyOnAHighResolutionMetric: the rate at the target is given, as the metric counts
// no requests; its datapoints come every ten seconds.
func TestVerifyOnAHighResolutionMetric(t *testing.T) {
	inAccount(t, 1, emulator.Options{NoAuth: true}, func(t *testing.T, a *account) {
		a.follow(t, 1, 4)
		p := &experiment.Policy{Name: scaling.ConsolePolicy, Metric: "SageMakerVariantConcurrentRequestsPerModelHighResolution", Target: 3}
		if err := a.control.Put(t.Context(), demo, experiment.OnePolicy, p.Name, experiment.Setting{Policy: p}); err != nil {
			t.Fatal(err)
		}
		if _, err := experiment.DesignVerify(t.Context(), experiment.VerifyPlan{On: demo}, a.sight()); err == nil || !strings.Contains(err.Error(), "give the rate with --at-target") {
			t.Errorf("without the rate: %v", err)
		}
		v, _, err := a.verify(t.Context(), t, func(p *experiment.VerifyPlan) { p.AtTarget, p.Quick = 300, true }, nil)
		if err != nil || v.Status != experiment.Complete || len(v.Series.Metric) < 100 {
			t.Fatalf("%v, status %s, %d points of the metric", err, v.Status, len(v.Series.Metric))
		}
		for i, p := range v.Series.Metric[1:] {
			if apart := p.At.Sub(v.Series.Metric[i].At); apart < 10*time.Second {
				t.Errorf("points %d and %d are %v apart, want 10 s or more", i, i+1, apart)
			}
		}
	})
}
