package proof

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scaling"
)

func TestSeriesOf(t *testing.T) {
	start := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	o := Observed{
		Policy: Policy{Metric: "SageMakerVariantInvocationsPerInstance", Target: 5046},
		Capacity: []Capacity{
			{at(0), "InService", 1, 1},
			{at(10), "InService", 1, 1},
			{at(20), "Updating", 1, 3},
			{at(30), "Updating", 1, 3},
			{at(40), "InService", 3, 3},
			{at(50), "InService", 3, 3},
		},
		Poll: 10 * time.Second, Slices: []Slice{{At: at(0), Length: Span(10 * time.Second), Offered: 42}},
		Metric: []scaling.Point{{At: at(0), Value: 4000}, {At: at(60), Missing: true}}, Period: time.Minute,
		Alarms: []Transition{{At: at(15), Alarm: "high", From: scaling.StateOK, To: scaling.StateAlarm}},
		Speed:  20,
	}
	got := SeriesOf(o)
	want := Series{
		Slices:   o.Slices,
		Capacity: []Capacity{o.Capacity[0], o.Capacity[2], o.Capacity[4], o.Capacity[5]},
		Poll:     Span(10 * time.Second), Metric: []Datapoint{{At: at(0), Value: new(4000.0)}, {At: at(60)}},
		Period: Span(time.Minute), Alarms: o.Alarms, PerInstance: 84.1, Speed: 20,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SeriesOf (-want +got):\n%s", diff)
	}
	// 42 requests left in 10 s of the services, which is half a second at speed 20.
	if rate := got.Offered(got.Slices[0]); rate != 84 {
		t.Errorf("the rate offered in the slice is %v/s, want 84/s", rate)
	}
	for name, s := range map[string]struct {
		series Series
		slice  Slice
		want   scaling.PerSecond
	}{
		"a speed that nobody said is that of real time": {Series{}, Slice{Length: Span(2 * time.Second), Offered: 10}, 5},
		"a slice without length has no rate":            {Series{Speed: 1}, Slice{Offered: 10}, 0},
	} {
		if rate := s.series.Offered(s.slice); rate != s.want {
			t.Errorf("%s: %v/s, want %v/s", name, rate, s.want)
		}
	}
	if text, err := json.Marshal(SeriesOf(Observed{})); err != nil || strings.Contains(string(text), "null") {
		t.Errorf("the series of nothing are %s (error %v): a list without entries is []", text, err)
	}
	o.Policy.Metric = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
	if rate := SeriesOf(o).PerInstance; rate != 0 {
		t.Errorf("a target of concurrent requests was taken for a rate of %v/s", rate)
	}
	o.Programme.Load.PerInstance = 12.5
	if rate := SeriesOf(o).PerInstance; rate != 12.5 {
		t.Errorf("the programme was made for 12.5/s on an instance, the series say %v/s", rate)
	}
	if series := Judge(perfect(t, usual())).Series; len(series.Slices) == 0 || len(series.Capacity) < 3 {
		t.Errorf("the proof of a perfect run has the series %+v", series)
	}
}
