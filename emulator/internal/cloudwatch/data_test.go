package cloudwatch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
)

func inDimensions() []document {
	return []document{{"Name": "EndpointName", "Value": "demo"}, {"Name": "VariantName", "Value": "blue"}}
}

// loaded has ten minutes of a metric, 1 to 10, and stands at a quarter past ten.
func loaded(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for i := range 10 {
		w.Put(datum("Load", w.start.Add(time.Duration(i)*time.Minute), time.Minute, metric.Single(float64(i+1))))
	}
	w.clock.Advance(15 * time.Minute)
	return w
}

func stat(id, name string, period int, stat string) document {
	return document{"Id": id, "MetricStat": document{
		"Metric": document{"Namespace": metric.SageMaker, "MetricName": name, "Dimensions": inDimensions()}, "Period": period, "Stat": stat,
	}}
}

func TestGetMetricData(t *testing.T) {
	for name, protocol := range protocols() {
		w := loaded(t)
		r := w.okay(protocol, "GetMetricData", document{
			"StartTime": w.start, "EndTime": w.start.Add(10*time.Minute + 30*time.Second), "ScanBy": "TimestampAscending",
			"LabelOptions": document{"Timezone": "+0100"},
			"MetricDataQueries": []document{
				stat("m1", "Load", 300, "Sum"), stat("m2", "Load", 300, "p100"), stat("m3", "Other", 60, "Sum"),
				{"Id": "e1", "Expression": "m1 / 5", "Label": "mean"},
				{"Id": "e2", "Expression": "m2 * 2", "ReturnData": false},
			},
		})
		if n := r.length("MetricDataResults"); n != 4 {
			t.Fatalf("%s: %d results, want 4: %v", name, n, r.body)
		}
		for i, want := range []struct {
			id, label string
			values    []float64
		}{
			{"m1", "Load Sum", []float64{15, 40}},
			{"m2", "Load p100", []float64{5, 10}},
			{"m3", "Other", []float64{}},
			{"e1", "mean", []float64{3, 8}},
		} {
			if got := r.numbers("MetricDataResults", i, "Values"); !slices.Equal(got, want.values) {
				t.Errorf("%s: %s = %v, want %v", name, want.id, got, want.values)
			}
			for j, at := range r.numbers("MetricDataResults", i, "Timestamps") {
				if wantAt := float64(w.start.Unix() + int64(300*j)); at != wantAt {
					t.Errorf("%s: %s at %v, want %v", name, want.id, at, wantAt)
				}
			}
			if id, label, status := r.text("MetricDataResults", i, "Id"), r.text("MetricDataResults", i, "Label"), r.text("MetricDataResults", i, "StatusCode"); id != want.id || label != want.label || status != "Complete" {
				t.Errorf("%s: result %s %q %s, want %s %q Complete", name, id, label, status, want.id, want.label)
			}
		}
		if n := r.length("Messages"); n != 0 {
			t.Errorf("%s: %d messages", name, n)
		}
	}
}

func TestGetMetricDataPages(t *testing.T) {
	for name, protocol := range protocols() {
		for _, ascending := range []bool{true, false} {
			w := newWorld(t)
			w.clock.Advance(15 * time.Minute)
			for i := range 10 {
				d := datum("Load", w.start.Add(time.Duration(i)*time.Minute), time.Minute, metric.Single(float64(i+1)))
				d.Namespace = "Shop"
				w.Put(d)
			}
			query := func(id string, period int) document {
				q := stat(id, "Load", period, "Sum")
				q["MetricStat"].(document)["Metric"].(document)["Namespace"] = "Shop"
				return q
			}
			in := document{
				"StartTime": w.start, "EndTime": w.start.Add(time.Hour), "MaxDatapoints": 4,
				"MetricDataQueries": []document{query("m1", 60), query("m2", 120)},
			}
			want := map[string][]float64{"m1": {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, "m2": {19, 15, 11, 7, 3}}
			if ascending {
				in["ScanBy"] = "TimestampAscending"
				slices.Reverse(want["m1"])
				slices.Reverse(want["m2"])
			}
			got, statuses := map[string][]float64{}, []string{}
			for range 10 {
				r := w.okay(protocol, "GetMetricData", in)
				for i := range r.length("MetricDataResults") {
					id := r.text("MetricDataResults", i, "Id")
					got[id] = append(got[id], r.numbers("MetricDataResults", i, "Values")...)
					statuses = append(statuses, id+" "+r.text("MetricDataResults", i, "StatusCode"))
				}
				// What is published meanwhile is no part of an answer that has begun.
				w.clock.Advance(time.Minute)
				w.okay(protocol, "PutMetricData", document{"Namespace": "Shop", "MetricData": []document{
					{"MetricName": "Load", "Value": 99, "Timestamp": w.start.Add(11 * time.Minute), "Dimensions": inDimensions()},
				}})
				in["NextToken"] = r.text("NextToken")
				if in["NextToken"] == "" {
					break
				}
			}
			if !slices.Equal(got["m1"], want["m1"]) || !slices.Equal(got["m2"], want["m2"]) {
				t.Errorf("%s, ascending %v: %v, want %v", name, ascending, got, want)
			}
			if want := []string{"m1 PartialData", "m1 PartialData", "m1 Complete", "m2 PartialData", "m2 Complete"}; !slices.Equal(statuses, want) {
				t.Errorf("%s: statuses %v, want %v", name, statuses, want)
			}
		}
	}
}

func TestGetMetricStatistics(t *testing.T) {
	for name, protocol := range protocols() {
		w := loaded(t)
		in := document{
			"Namespace": metric.SageMaker, "MetricName": "Load", "Dimensions": inDimensions(), "Period": 600,
			"StartTime": w.start, "EndTime": w.start.Add(10 * time.Minute), "Statistics": []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"},
		}
		r := w.okay(protocol, "GetMetricStatistics", in)
		if r.length("Datapoints") != 1 || r.text("Label") != "Load" || r.text("Datapoints", 0, "Unit") != "None" {
			t.Fatalf("%s: %v, want one datapoint of Load", name, r.body)
		}
		for member, want := range map[string]float64{"SampleCount": 10, "Average": 5.5, "Sum": 55, "Minimum": 1, "Maximum": 10, "Timestamp": float64(w.start.Unix())} {
			if got := r.number("Datapoints", 0, member); got != want {
				t.Errorf("%s: %s = %v, want %v", name, member, got, want)
			}
		}
		if v, ok := r.at("Datapoints", 0, "ExtendedStatistics"); ok {
			t.Errorf("%s: percentiles %v that nobody asked for", name, v)
		}
		delete(in, "Statistics")
		in["ExtendedStatistics"] = []string{"p50", "p99.9"}
		r = w.okay(protocol, "GetMetricStatistics", in)
		path := []any{"Datapoints", 0, "ExtendedStatistics"}
		if a, b := r.number(append(path, "p50")...), r.number(append(path, "p99.9")...); a != 5 || b != 10 {
			t.Errorf("%s: percentiles %v and %v, want 5 and 10", name, a, b)
		}
		in["MetricName"] = "Other"
		if n := w.okay(protocol, "GetMetricStatistics", in).length("Datapoints"); n != 0 {
			t.Errorf("%s: %d datapoints of a metric that is not there", name, n)
		}
	}
}

func TestPutMetricData(t *testing.T) {
	for name, protocol := range protocols() {
		w := newWorld(t)
		at := w.start.Add(-10 * time.Minute)
		w.okay(protocol, "PutMetricData", document{"Namespace": "Shop", "MetricData": []document{
			{"MetricName": "Load", "Value": 3.5, "Unit": "Count", "Timestamp": at, "Dimensions": inDimensions()},
			{"MetricName": "Load", "Values": []float64{1, 9}, "Counts": []float64{2, 1}, "Unit": "Count", "Timestamp": at.Add(30 * time.Second), "Dimensions": inDimensions()},
			{"MetricName": "Load", "StatisticValues": document{"SampleCount": 4, "Sum": 20, "Minimum": 0.5, "Maximum": 12}, "Unit": "Count", "Timestamp": at.Add(time.Minute), "Dimensions": inDimensions()},
			{"MetricName": "Fast", "Value": 1, "StorageResolution": 1, "Timestamp": at.Add(7 * time.Second)},
		}})
		w.okay(protocol, "PutMetricData", document{"Namespace": "Shop", "EntityMetricData": []document{{"MetricData": []document{{"MetricName": "Now", "Value": 1}}}}})
		r := w.okay(protocol, "GetMetricStatistics", document{
			"Namespace": "Shop", "MetricName": "Load", "Dimensions": inDimensions(), "Unit": "Count", "Period": 60,
			"StartTime": at, "EndTime": at.Add(5 * time.Minute), "Statistics": []string{"SampleCount", "Sum", "Minimum", "Maximum"},
		})
		for i, want := range []map[string]float64{
			{"SampleCount": 4, "Sum": 14.5, "Minimum": 1, "Maximum": 9},
			{"SampleCount": 4, "Sum": 20, "Minimum": 0.5, "Maximum": 12},
		} {
			for member, v := range want {
				if got := r.number("Datapoints", i, member); got != v {
					t.Errorf("%s: minute %d: %s = %v, want %v", name, i, member, got, v)
				}
			}
		}
		r = w.okay(protocol, "GetMetricStatistics", document{
			"Namespace": "Shop", "MetricName": "Fast", "Period": 5, "StartTime": at, "EndTime": at.Add(time.Minute), "Statistics": []string{"Sum"},
		})
		if got, want := r.number("Datapoints", 0, "Timestamp"), float64(at.Unix()+5); got != want {
			t.Errorf("%s: datapoint of a second at %v, want %v", name, got, want)
		}
		if n := w.okay(protocol, "ListMetrics", document{"Namespace": "Shop"}).length("Metrics"); n != 2 {
			t.Errorf("%s: %d metrics are listed before the third is visible, want 2", name, n)
		}
		w.clock.Advance(2 * time.Minute)
		if n := w.okay(protocol, "ListMetrics", document{"Namespace": "Shop"}).length("Metrics"); n != 3 {
			t.Errorf("%s: %d metrics are listed, want 3", name, n)
		}
	}
}

func TestMultipleUnits(t *testing.T) {
	w := newWorld(t)
	at := w.start.Add(-10 * time.Minute)
	w.okay(wire.JSON, "PutMetricData", document{"Namespace": "Shop", "MetricData": []document{
		{"MetricName": "Time", "Value": 1, "Unit": "Seconds", "Timestamp": at},
		{"MetricName": "Time", "Value": 60_000, "Unit": "Milliseconds", "Timestamp": at},
	}})
	query := document{"Id": "m1", "MetricStat": document{"Metric": document{"Namespace": "Shop", "MetricName": "Time"}, "Period": 60, "Stat": "Sum"}}
	r := w.okay(wire.JSON, "GetMetricData", document{"StartTime": at, "EndTime": at.Add(5 * time.Minute), "MetricDataQueries": []document{query}})
	if got, want := r.text("MetricDataResults", 0, "Messages", 0, "Value"), "Multiple units returned: '[Milliseconds, Seconds]'"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got := r.numbers("MetricDataResults", 0, "Values"); !slices.Equal(got, []float64{60_000}) {
		t.Errorf("values %v, want those of the first unit", got)
	}
}

func TestListMetrics(t *testing.T) {
	for name, protocol := range protocols() {
		w := newWorld(t)
		for i := range 1201 {
			w.Put(metric.Datum{
				Namespace: "Many", Name: fmt.Sprintf("M%04d", i), Dimensions: dimensions()[:1], At: w.start.Add(-time.Hour),
				Resolution: time.Minute, Samples: metric.Single(1),
			})
		}
		w.Put(metric.Datum{Namespace: "Old", Name: "M", Dimensions: dimensions(), At: w.start.Add(-4 * time.Hour), Resolution: time.Minute, Samples: metric.Single(1)})
		var names []string
		in := document{"Namespace": "Many"}
		for range 5 {
			r := w.okay(protocol, "ListMetrics", in)
			for i := range r.length("Metrics") {
				names = append(names, r.text("Metrics", i, "MetricName"))
			}
			in["NextToken"] = r.text("NextToken")
			if in["NextToken"] == "" {
				break
			}
			if n := r.length("Metrics"); n != 500 {
				t.Errorf("%s: a page of %d metrics, want 500", name, n)
			}
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != 1201 {
			t.Errorf("%s: %d metrics over all pages, want 1201 different ones", name, len(names))
		}
		for _, c := range []struct {
			filter document
			want   int
		}{
			{document{"MetricName": "M0007"}, 1},
			{document{"Namespace": "Old"}, 1},
			{document{"Namespace": "Old", "RecentlyActive": "PT3H"}, 0},
			{document{"Namespace": "Old", "Dimensions": []document{{"Name": "VariantName"}}}, 1},
			{document{"Namespace": "Old", "Dimensions": []document{{"Name": "VariantName", "Value": "green"}}}, 0},
			{document{"Namespace": "Old", "Dimensions": []document{{"Name": "VariantName", "Value": "blue"}, {"Name": "EndpointName"}}}, 1},
			{document{"Namespace": "Nobody"}, 0},
		} {
			if n := w.okay(protocol, "ListMetrics", c.filter).length("Metrics"); n != c.want {
				t.Errorf("%s: %v lists %d metrics, want %d", name, c.filter, n, c.want)
			}
		}
		r := w.okay(protocol, "ListMetrics", document{"Namespace": "Old"})
		if got := r.text("Metrics", 0, "Dimensions", 1, "Value"); got != "blue" {
			t.Errorf("%s: second dimension %q, want blue", name, got)
		}
	}
}
