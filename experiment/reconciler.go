package experiment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"plimsoll/loadgen"
	"plimsoll/scaling"
	"plimsoll/slo"
)

// Meter is a Runner that counts what it has sent and what was answered, over all loads,
// as loadgen.Generator does.
type Meter interface {
	Runner
	Snapshotter
	Stopper
	Answerer
}

// Answerer counts what was answered well, with the sum of the service times.
type Answerer interface {
	Answered() (n int64, service time.Duration)
}

// lateMetrics is how long metrics are waited for after a run, in the services' time.
// CloudWatch has a minute of an endpoint's usually two or three minutes later.
const lateMetrics = 3 * time.Minute

// lookAgain is the time between two looks for metrics, in the services' time.
const lookAgain = 10 * time.Second

// readEvery is how often a run's counts are read, in real time. An emulator's minute may
// be a second.
const readEvery = 100 * time.Millisecond

// clockEdge is how exactly CloudWatch's minutes and the client's may agree besides.
const clockEdge = time.Second

// Reconciler is a Runner that keeps a record of what it sends, by which [Find] and [Load]
// compare their run with CloudWatch afterwards.
type Reconciler struct {
	Meter

	metrics Metrics
	clock   Clock
	on      []Variant
	why     string // why nothing can be compared
	began   mark

	mu      sync.Mutex // held for an append
	tallies []Tally    // in real time
}

// mark is an instant here and by the services' clock.
type mark struct{ here, there time.Time }

// NewReconciler looks whether the metrics of what is invoked can be read. That they
// cannot, or an earlier trouble, ends nothing: the run then says why it is not reconciled.
func NewReconciler(ctx context.Context, meter Meter, metrics Metrics, clock Clock, on []Variant) *Reconciler {
	r := &Reconciler{Meter: meter, metrics: metrics, clock: clock, on: on}
	if err := r.synchronize(ctx); err != nil {
		r.why = whyUnread(err)
	}
	r.began = r.mark()
	return r
}

// synchronize asks for something, whereupon the services' clock is exact.
func (r *Reconciler) synchronize(ctx context.Context) error {
	for _, v := range r.on {
		if _, err := r.metrics.Series(ctx, v, invocations(r.clock.Now().Add(-lateMetrics), r.clock.Now())); err != nil {
			return err
		}
	}
	return nil
}

// Unreconciled is a Runner whose run says that it is not compared with CloudWatch, because
// of an error.
func Unreconciled(meter Meter, err error) *Reconciler {
	return &Reconciler{Meter: meter, why: whyUnread(err)}
}

// whyUnread says what stood in the way. The words of AWS stay out of the result: those on
// a signature repeat the session token, those on a permission the account.
func whyUnread(err error) string {
	if trouble, ok := errors.AsType[*ControlError](err); ok {
		return strings.TrimSuffix(fmt.Sprintf("CloudWatch or the endpoint could not be read (%s): %s", trouble.Problem, trouble.Remedy), ": ")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "CloudWatch or the endpoint did not answer in time"
	}
	return "CloudWatch or the endpoint could not be read"
}

// Run holds a load, and reads the counts meanwhile.
func (r *Reconciler) Run(ctx context.Context, load loadgen.Load) (loadgen.Measurement, error) {
	r.read()
	ended := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		tick := time.NewTicker(readEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.read()
			case <-ended:
				return
			}
		}
	})
	m, err := r.Meter.Run(ctx, load)
	close(ended)
	reading.Wait()
	r.read()
	return m, err
}

// Pause stops sending.
func (r *Reconciler) Pause() {
	r.Meter.Pause()
	r.read()
}

func (r *Reconciler) read() {
	answered, service := r.Answered()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tallies = append(r.tallies, Tally{At: time.Now(), Sent: r.Sent(), Answered: answered, Service: service})
}

// mark tells both clocks; it is exact just after an answer of the services.
func (r *Reconciler) mark() mark { return mark{time.Now(), r.clock.Now()} }

// reconciling is a Runner whose run can be compared with CloudWatch.
type reconciling interface {
	reconcile(ctx context.Context, trials []Trial, objectives []slo.Objective, note func(string)) Reconciliation
}

var _ reconciling = (*Reconciler)(nil)

// reconcile compares a run that has ended with what CloudWatch has of it, and waits for
// what has not arrived. When ctx ends, what has arrived by then counts.
func (r *Reconciler) reconcile(ctx context.Context, trials []Trial, objectives []slo.Objective, note func(string)) Reconciliation {
	if r.why != "" {
		return notReconciled(r.on, "%s", r.why)
	}
	if len(r.tallies) == 0 {
		return notReconciled(r.on, "nothing was sent")
	}
	if err := r.synchronize(ctx); err != nil {
		return notReconciled(r.on, "%s", whyUnread(err))
	}
	until := r.clock.Now().Add(lateMetrics)
	for told := false; ; told = true {
		result, err := r.compare(ctx, trials)
		switch {
		case ctx.Err() != nil:
			return notReconciled(r.on, "interrupted while CloudWatch's metrics were waited for")
		case err != nil:
			return notReconciled(r.on, "%s", whyUnread(err))
		}
		if result.settled() || !r.clock.Now().Before(until) {
			return r.finished(result, objectives)
		}
		if !told {
			note("waiting for CloudWatch's metrics of the run, which are minutes late (Ctrl-C: do without)")
		}
		if sleep(ctx, r.clock.Here(lookAgain)) != nil { // what has arrived by now must do
			return r.finished(result, objectives)
		}
	}
}

func (r *Reconciler) finished(result Reconciliation, objectives []slo.Objective) Reconciliation {
	if !result.seen() {
		return notReconciled(r.on, "CloudWatch had no datapoint of the run within %v", lateMetrics)
	}
	result.On = r.on
	result.explain(tightest(objectives))
	return result
}

// compare fetches what CloudWatch has by now.
func (r *Reconciler) compare(ctx context.Context, trials []Trial) (Reconciliation, error) {
	now := r.clock.Now()
	var seen Seen
	for _, v := range r.on {
		of, err := r.fetch(ctx, v, r.began.there, now)
		if err != nil {
			return Reconciliation{}, err
		}
		seen.add(of)
	}
	return Reconcile(r.accounts(trials, seen)), nil
}

func (r *Reconciler) fetch(ctx context.Context, v Variant, from, to time.Time) (s Seen, err error) {
	if s.Invocations, err = r.metrics.Series(ctx, v, invocations(from, to)); err != nil {
		return s, err
	}
	if s.Model, err = r.metrics.Series(ctx, v, everyMinute("ModelLatency", "Average", from, to)); err != nil {
		return s, err
	}
	s.Overhead, err = r.metrics.Series(ctx, v, everyMinute("OverheadLatency", "Average", from, to))
	return s, err
}

// add is what two variants have together: the sum of their invocations, and latencies
// weighted by these.
func (s *Seen) add(o Seen) {
	s.Model = weighted(s.Model, s.Invocations, o.Model, o.Invocations)
	s.Overhead = weighted(s.Overhead, s.Invocations, o.Overhead, o.Invocations)
	for _, p := range o.Invocations {
		sum, there := valueAt(s.Invocations, p.At)
		switch {
		case p.Missing:
		case !there:
			s.Invocations = append(s.Invocations, p)
		default:
			for i := range s.Invocations {
				if s.Invocations[i].At.Equal(p.At) {
					s.Invocations[i].Value = sum + p.Value
				}
			}
		}
	}
}

func weighted(a, aWeight, b, bWeight []scaling.Point) []scaling.Point {
	var out []scaling.Point
	for _, p := range a {
		x, wx := p.Value, weightAt(aWeight, p.At)
		y, there := valueAt(b, p.At)
		if wy := weightAt(bWeight, p.At); there && wx+wy > 0 {
			x = (x*wx + y*wy) / (wx + wy)
		}
		out = append(out, scaling.Point{At: p.At, Value: x, Missing: p.Missing})
	}
	for _, p := range b {
		if _, there := valueAt(a, p.At); !there {
			out = append(out, p)
		}
	}
	return out
}

func weightAt(points []scaling.Point, at time.Time) float64 {
	w, _ := valueAt(points, at)
	return w
}

// accounts puts both sides on the services' clock.
func (r *Reconciler) accounts(trials []Trial, seen Seen) Accounts {
	dial := r.dial()
	a := Accounts{Speed: dial.speed, Edge: clockEdge + time.Duration(float64(readEvery)*dial.speed), Seen: seen}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reading := range r.tallies {
		reading.At = dial.there(reading.At)
		a.Client = append(a.Client, reading)
	}
	for _, t := range trials {
		if span, held := r.span(t, dial); held {
			a.Trials = append(a.Trials, span)
		}
	}
	return a
}

// dial translates instants to the services' time.
type dial struct {
	from  mark
	speed float64
}

// dial is exact when a look at the services lies just behind.
func (r *Reconciler) dial() dial {
	now := r.mark()
	d := dial{from: r.began, speed: 1}
	if here := now.here.Sub(r.began.here); here > 0 {
		d.speed = max(1, float64(now.there.Sub(r.began.there))/float64(here))
	}
	return d
}

func (d dial) there(here time.Time) time.Time {
	return d.from.there.Add(time.Duration(float64(here.Sub(d.from.here)) * d.speed))
}

// span is when a trial of this process was held.
func (r *Reconciler) span(t Trial, d dial) (Span, bool) {
	if t.Started.Before(r.began.here) {
		return Span{}, false // in an earlier process, or never
	}
	s := Span{Trial: t.Number, From: d.there(t.Started), To: d.there(t.Started.Add(seconds(t.SettleSeconds + t.WindowSeconds)))}
	if t.Requests > 0 {
		for _, class := range []loadgen.Class{loadgen.Throttled, loadgen.ClientError, loadgen.Unauthorized, loadgen.Refused, loadgen.TLSFailure, loadgen.Network} {
			s.Refused += float64(t.Errors[class.String()]) / float64(t.Requests)
		}
	}
	return s, true
}
