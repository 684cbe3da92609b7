package hosting

import (
	"math"
	"sync"
	"time"

	"plimsoll/emulator/internal/metric"
)

// meter collects what is published of the requests of a variant or a component, by the
// model minute in which it happens, so that a minute is whole however late it is
// published. Requests are counted when they arrive, with the number of units in service
// at that moment; their latency and outcome when they are answered.
type meter struct {
	dimensions []metric.Dimension
	component  bool

	mu      sync.Mutex // held for arithmetic only
	open    int64      // the earliest minute that has not been published
	minutes map[int64]*tally
	flow    float64 // requests × seconds that were recorded, not sent, since it was last taken
}

// tally is one minute of a meter. Requests are weighted.
type tally struct {
	arrivals   map[int]float64 // requests by the number of units in service
	noCapacity float64
	answered   float64
	errors     [3]float64        // by fault
	model      map[int64]float64 // requests by latency in microseconds
	overhead   map[int64]float64
}

// verdict is what a request counts as when it is answered.
type verdict int

const (
	succeeded   verdict = iota
	clientError         // the model answered 4XX
	serverError         // the model answered 5XX
	brokenModel         // the model did not answer
)

func newVariantMeter(endpoint, variant string) *meter {
	return newMeter(false, metric.Dimension{Name: "EndpointName", Value: endpoint}, metric.Dimension{Name: "VariantName", Value: variant})
}

func newComponentMeter(name string) *meter {
	return newMeter(true, metric.Dimension{Name: "InferenceComponentName", Value: name})
}

func newMeter(component bool, dimensions ...metric.Dimension) *meter {
	return &meter{dimensions: dimensions, component: component, minutes: map[int64]*tally{}}
}

// periods are the minute and the ten seconds that an instant lies in, counted from 1970.
func periods(t time.Time) (minute, window int64) {
	seconds := t.Unix()
	return floorDiv(seconds, 60), floorDiv(seconds, 10)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// tally is that of a minute, or of the earliest that is still open. The lock is held.
func (m *meter) tally(minute int64) *tally {
	minute = max(minute, m.open)
	t := m.minutes[minute]
	if t == nil {
		t = &tally{arrivals: map[int]float64{}, model: map[int64]float64{}, overhead: map[int64]float64{}}
		m.minutes[minute] = t
	}
	return t
}

// arrive counts requests; a negative weight takes them back.
func (m *meter) arrive(minute int64, units int, weight float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally(minute).arrivals[units] += weight
}

// refuse counts requests that found no copy.
func (m *meter) refuse(minute int64, weight float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally(minute).noCapacity += weight
}

// answer counts requests that have been answered, and how long that took: in the model,
// and besides.
func (m *meter) answer(minute int64, v verdict, model, overhead time.Duration, weight float64) {
	inModel, besides := bucket(model), bucket(overhead)
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tally(minute)
	t.answered += weight
	if v != succeeded {
		t.errors[v-clientError] += weight
	}
	t.model[inModel] += weight
	t.overhead[besides] += weight
}

// record counts requests that were not sent but have been, as it were, arithmetic.
func (m *meter) record(minute int64, units int, requests float64, latency time.Duration) {
	m.arrive(minute, units, requests)
	m.answer(minute, succeeded, latency, 0, requests)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flow += requests * latency.Seconds()
}

// bucket is a duration in microseconds, rounded as metric.Bucket does, so that a minute
// needs a bounded number of them.
func bucket(d time.Duration) int64 {
	us := max(0, d.Round(time.Microsecond).Microseconds())
	if us < 1000 {
		return us // three digits already
	}
	return int64(math.Round(metric.Bucket(float64(us))))
}

// take closes all minutes before one and returns them.
func (m *meter) take(before int64) map[int64]*tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := map[int64]*tally{}
	for minute, t := range m.minutes {
		if minute < before {
			taken[minute] = t
			delete(m.minutes, minute)
		}
	}
	m.open = max(m.open, before)
	return taken
}

// takeFlow is the requests × seconds that were recorded since the last call.
func (m *meter) takeFlow() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	flow := m.flow
	m.flow = 0
	return flow
}
