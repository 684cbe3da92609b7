package experiment

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"plimsoll/loadgen"
)

// expiring answers some trials well and then finds the token expired.
type expiring struct{ trials int }

func (r *expiring) Run(_ context.Context, l loadgen.Load) (loadgen.Measurement, error) {
	m := loadgen.Unmeasured(l)
	m.Window, m.Elapsed = l.Measure, l.Measure
	r.trials--
	if r.trials < 0 {
		m.Counts.Requests, m.Counts.Errors[loadgen.Unauthorized] = 7, 7
		m.Samples = []loadgen.Sample{{Class: loadgen.Timeout}, {Class: loadgen.Unauthorized, Status: 403, Detail: "ExpiredToken\nException"}}
		return m, nil
	}
	m.Counts.Requests, m.Counts.Successes, m.Counts.Completed = 1000, 1000, 1000
	for range 1000 {
		m.Response.Record(10 * time.Millisecond)
		m.Service.Record(10 * time.Millisecond)
	}
	return m, nil
}

// TestExpiredCredentialsEndTheRun: they must not become the cause of a peak, and
// the trial is not recorded.
func TestExpiredCredentialsEndTheRun(t *testing.T) {
	j := &journal{}
	r, err := Find(t.Context(), findPlan(60*time.Second), Earlier{}, &expiring{trials: 2}, j)
	refused, ok := errors.AsType[*UnauthorizedError](err)
	if !ok || refused.Trials != 2 || refused.Refused != 7 || r.Status != Partial || len(r.Trials) != 2 || r.Peak.Found {
		t.Errorf("Find: status %s, %d trials, found %v, %v; want partial after 2 and an UnauthorizedError", r.Status, len(r.Trials), r.Peak.Found, err)
	}
	if ok && !strings.HasSuffix(err.Error(), "after 2 trials: ExpiredToken Exception") {
		t.Errorf("Find: %v", err)
	}
	plan := Plan{Command: "load", Arrivals: ArrivalsConstant, Load: &LoadPlan{Concurrency: 2, DurationSeconds: 1}}
	l, err := Load(t.Context(), plan, &expiring{}, j)
	if _, ok := errors.AsType[*UnauthorizedError](err); !ok || l.Status != Complete || l.Valid {
		t.Errorf("Load: status %s, valid %v, %v; want complete, not valid, and an UnauthorizedError", l.Status, l.Valid, err)
	}
}
