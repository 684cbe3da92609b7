package report

import (
	"strings"
	"testing"
	"time"

	"plimsoll/experiment"
)

// compared is a run whose second minute had somebody else's requests in it.
func compared() *experiment.Reconciliation {
	minute := func(i int, sent float64, seen *float64, verdict experiment.MinuteVerdict) experiment.MinuteCheck {
		return experiment.MinuteCheck{
			Minute: began.Add(time.Duration(i) * time.Minute).Truncate(time.Minute), Sent: sent, Seen: seen, Bound: 0.05 * sent, Verdict: verdict,
			Partial: i == 0, Service: new(24.1), Model: new(20.3), Overhead: new(1.2),
		}
	}
	last := minute(2, 118.2, nil, experiment.Absent)
	last.Model, last.Overhead = nil, nil
	return &experiment.Reconciliation{
		Done: true, On: []experiment.Variant{{Endpoint: "iris", Name: "AllTraffic"}},
		Minutes: []experiment.MinuteCheck{minute(0, 90.1, new(90.2), experiment.Agrees), minute(1, 171.0, new(202.5), experiment.More), last},
		Times:   &experiment.ServiceShares{Service: 24.1, Model: 20.3, Overhead: 1.2, Network: 2.6, OfObjective: new(0.025)},
		Doubted: []int{9, 10}, Findings: []string{"of a service time of 24.1 ms on average the model took 20.3 ms, SageMaker 1.2 ms, network and client 2.6 ms"},
		Warnings: []string{"CloudWatch counted more than was sent in one minute (15:05: 202.5/s of 171/s): other traffic on the variant; doubted: trials 9, 10"},
	}
}

// streaming gives every answer of a run three parts and forty tokens.
func streaming(trials []experiment.Trial) {
	for i := range trials {
		t := &trials[i]
		first := experiment.Quantiles{P50: t.Response.P50 / 2, P99: t.Response.P99 / 2}
		t.Stream = &experiment.Stream{
			Parts: 3 * t.Successes, FirstByteResponse: first, FirstByteService: first, Gaps: experiment.Quantiles{P50: 5.1, P99: 9.7},
			Tokens: &experiment.Tokens{Count: 40 * t.Successes, PerSecond: 40 * t.Achieved, Median: 1811, Slow: 402, Tokenless: 1},
		}
	}
}

func comparedSearch() Document {
	return with(found(), func(r *experiment.Result) {
		r.Reconciliation = compared()
		r.Targets = []experiment.MetricTarget{
			{Metric: experiment.Metric, Value: new(5046.0), Unit: "/min for each instance", How: "168.2/s × 0.5 × 60 = 5046/min"},
			{
				Metric: "SageMakerVariantConcurrentRequestsPerModelHighResolution", Value: new(4.5), Unit: " requests in flight for each instance",
				How: "ConcurrentRequestsPerModel read 9 at 168.2/s (Maximum of 10s, median of 1, trial 20) × 0.5",
			},
		}
		r.Peak.Reasons = append(r.Peak.Reasons, r.Reconciliation.Warnings...)
		streaming(r.Trials)
	})
}

func comparedLoad() Document {
	return load(func(r *experiment.LoadResult) {
		trials := []experiment.Trial{{Measured: r.Measured}}
		streaming(trials)
		r.Stream, r.Reconciliation = trials[0].Stream, compared()
	})
}

func TestCloudWatchAndStreams(t *testing.T) {
	for name, d := range map[string]Document{"compared": comparedSearch(), "load-compared": comparedLoad()} {
		t.Run(name, func(t *testing.T) {
			text, page := render(t, plainText(100), d), render(t, HTML, d)
			golden(t, name+".txt", text)
			for _, form := range []string{text, page} {
				for _, want := range []string{"network and client 2.6 ms", "doubted: trials 9, 10", "tokens/s", "402/s", "none was found in 1 answer"} {
					if !strings.Contains(strings.Join(strings.Fields(form), " "), want) {
						t.Errorf("%s does not say %q", name, want)
					}
				}
			}
			for _, want := range []string{"Beside CloudWatch", "202.5", "15:05", "absent", "first byte"} {
				if !strings.Contains(page, want) {
					t.Errorf("the page of %s does not show %q", name, want)
				}
			}
		})
	}
	d := with(found(), func(r *experiment.Result) {
		r.Reconciliation = &experiment.Reconciliation{Why: "allow the action cloudwatch:GetMetricData"}
	})
	for _, form := range []string{render(t, plainText(100), d), render(t, HTML, d)} {
		if !strings.Contains(form, "not reconciled: allow the action cloudwatch:GetMetricData") {
			t.Error("why a run is not reconciled is not said")
		}
	}
}
