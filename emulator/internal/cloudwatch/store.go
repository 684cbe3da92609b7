package cloudwatch

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"plimsoll/emulator/internal/metric"
)

// How long datapoints are kept, so that memory stays flat. CloudWatch keeps points of
// less than a minute for 3 hours and of a minute for 15 days, as here; it then keeps
// coarser ones for 15 months, and single values for as long as the point.
const (
	fineRetention         = 3 * time.Hour       // afterwards they are summed up by the minute
	distributionRetention = 24 * time.Hour      // single values, for percentiles; then count, sum, minimum and maximum
	retention             = 15 * 24 * time.Hour // everything
	maxDistinct           = 1000                // single values in one datapoint; more are joined in pairs
	trimInterval          = time.Hour
)

// identity tells a metric from every other.
type identity struct {
	namespace, name string
	dimensions      []metric.Dimension // by name
}

// identify sorts a copy of the dimensions: their order does not matter.
func identify(namespace, name string, dimensions []metric.Dimension) identity {
	sorted := slices.Clone(dimensions)
	slices.SortFunc(sorted, func(a, b metric.Dimension) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return identity{namespace: namespace, name: name, dimensions: sorted}
}

// key orders metrics by namespace, name and dimensions.
func (id identity) key() string {
	var b strings.Builder
	b.WriteString(id.namespace)
	b.WriteByte(0)
	b.WriteString(id.name)
	for _, d := range id.dimensions {
		b.WriteByte(0)
		b.WriteString(d.Name)
		b.WriteByte(1)
		b.WriteString(d.Value)
	}
	return b.String()
}

// point is a datapoint as it was published.
type point struct {
	at         int64 // start of its period, Unix seconds
	visible    int64 // when it can first be read, Unix nanoseconds
	resolution int64 // length of its period, seconds
	summary
}

// stream is the datapoints of a metric that have one unit, by ascending time.
type stream struct {
	unit   string
	points []point
}

// series is a metric. Points of different units are never mixed.
type series struct {
	identity

	streams []*stream // by unit
}

// store keeps metrics. Its lock is the inner one: nothing else is locked while it is held.
type store struct {
	mu     sync.Mutex
	series map[string]*series
}

func newStore() *store { return &store{series: map[string]*series{}} }

// put adds a datapoint, or joins it with one of the same period that is published at
// the same time.
func (s *store) put(id identity, unit string, p point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := id.key()
	m := s.series[key]
	if m == nil {
		m = &series{identity: id}
		s.series[key] = m
	}
	m.stream(unit).put(p)
}

// stream finds or makes the stream of a unit.
func (m *series) stream(unit string) *stream {
	i, found := slices.BinarySearchFunc(m.streams, unit, func(t *stream, unit string) int { return strings.Compare(t.unit, unit) })
	if !found {
		m.streams = slices.Insert(m.streams, i, &stream{unit: unit})
	}
	return m.streams[i]
}

func (t *stream) put(p point) {
	end := t.after(p.at)
	for i := end - 1; i >= 0 && t.points[i].at == p.at; i-- {
		if old := &t.points[i]; old.resolution == p.resolution && old.visible == p.visible {
			old.summary = old.join(p.summary)
			return
		}
	}
	t.points = slices.Insert(t.points, end, p)
}

// after is the index of the first point that begins later.
func (t *stream) after(at int64) int {
	if n := len(t.points); n == 0 || t.points[n-1].at <= at {
		return n // nearly always: points come in order
	}
	i, _ := slices.BinarySearchFunc(t.points, at+1, func(p point, at int64) int { return cmp.Compare(p.at, at) })
	return i
}

// reading is one unit's statistics by period.
type reading struct {
	unit    string
	periods []bucket
}

// bucket is what was measured in one period that has at least one datapoint.
type bucket struct {
	at int64 // Unix seconds
	summary
}

// read sums up what is visible of a metric by the periods of a window; an empty unit
// is every unit, each for itself. Single values are kept only if they are wanted.
func (s *store) read(id identity, unit string, w window, asOf time.Time, values bool) []reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.series[id.key()]
	if m == nil {
		return nil
	}
	var out []reading
	for _, t := range m.streams {
		if unit != "" && unit != t.unit {
			continue
		}
		if periods := t.read(w, asOf, values); len(periods) > 0 {
			out = append(out, reading{unit: t.unit, periods: periods})
		}
	}
	return out
}

func (t *stream) read(w window, asOf time.Time, values bool) []bucket {
	from := w.from
	if w.period < 60 {
		from = max(from, asOf.Add(-fineRetention).Unix())
	}
	var out []bucket
	for i := t.after(from - 1); i < len(t.points) && t.points[i].at < w.to; {
		at := w.start(t.points[i].at)
		var in []summary
		for ; i < len(t.points) && t.points[i].at < min(at+w.period, w.to); i++ {
			if t.points[i].visible <= asOf.UnixNano() {
				in = append(in, t.points[i].summary)
			}
		}
		if len(in) > 0 {
			out = append(out, bucket{at: at, summary: sumUp(in, values)})
		}
	}
	return out
}

// resolution is the period in which a metric was last published.
func (s *store) resolution(id identity, unit string) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.series[id.key()]
	if m == nil {
		return 0, false
	}
	var newest point
	for _, t := range m.streams {
		if n := len(t.points); n > 0 && (unit == "" || unit == t.unit) && t.points[n-1].at >= newest.at {
			newest = t.points[n-1]
		}
	}
	return time.Duration(newest.resolution) * time.Second, newest.resolution > 0
}

// list is the metrics after a key, in order, of which a datapoint since then is visible.
func (s *store) list(after string, since, asOf time.Time, wanted func(identity) bool) []identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key, m := range s.series {
		if key > after && wanted(m.identity) && m.seen(since, asOf) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := make([]identity, len(keys))
	for i, key := range keys {
		out[i] = s.series[key].identity
	}
	return out
}

func (m *series) seen(since, asOf time.Time) bool {
	for _, t := range m.streams {
		for i := len(t.points) - 1; i >= 0 && t.points[i].at >= since.Unix(); i-- {
			if t.points[i].visible <= asOf.UnixNano() {
				return true
			}
		}
	}
	return false
}

// trim forgets what has been kept for long enough.
func (s *store) trim(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, m := range s.series {
		m.streams = slices.DeleteFunc(m.streams, func(t *stream) bool {
			t.trim(now)
			return len(t.points) == 0
		})
		if len(m.streams) == 0 {
			delete(s.series, key)
		}
	}
}

func (t *stream) trim(now time.Time) {
	oldest := now.Add(-retention).Unix()
	whole := now.Add(-distributionRetention).Unix()
	fine := now.Add(-fineRetention).Truncate(time.Minute).Unix()
	kept := t.points[:0]
	for _, p := range t.points {
		if p.at < oldest {
			continue
		}
		if p.at < whole {
			p.values = nil
		}
		if p.at < fine && p.resolution < 60 {
			p.at, p.resolution = p.at-p.at%60, 60
		}
		if n := len(kept); n > 0 && kept[n-1].joins(p, now) {
			kept[n-1].summary = kept[n-1].join(p.summary)
			continue
		}
		kept = append(kept, p)
	}
	clear(t.points[len(kept):]) // lets go of their values
	t.points = kept
}

// joins says whether the difference between two datapoints is of no use any more:
// they are of one period, and both can be seen.
func (p point) joins(other point, now time.Time) bool {
	return p.at == other.at && p.resolution == other.resolution && max(p.visible, other.visible) <= now.UnixNano()
}

// reset forgets everything.
func (s *store) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.series)
}
