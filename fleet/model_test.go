package fleet

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestValidate(t *testing.T) {
	valid := Model{Service: 40 * time.Millisecond, Workers: 4}
	with := func(change func(*Model)) Model {
		m := valid
		change(&m)
		return m
	}
	tests := []struct {
		name  string
		model Model
		want  []string // one substring for each problem; none means valid
	}{
		{"smallest", valid, nil},
		{"any number may wait", with(func(m *Model) { m.Queue = Unbounded }), nil},
		{"exponential says cv 1", with(func(m *Model) { m.Dist, m.CV = Exponential, 1 }), nil},
		{"zero value", Model{}, []string{"service 0s", "workers 0"}},
		{"service too long", with(func(m *Model) { m.Service = MaxService + 1 }), []string{"service 10m0.000000001s"}},
		{"negative cv", with(func(m *Model) { m.CV = -0.1 }), []string{"cv -0.1"}},
		{"cv is no number", with(func(m *Model) { m.CV = math.NaN() }), []string{"cv NaN"}},
		{"exponential with another cv", with(func(m *Model) { m.Dist, m.CV = Exponential, 0.5 }), []string{"exponential service time has cv 1"}},
		{"unknown distribution", with(func(m *Model) { m.Dist = 7 }), []string{"dist 7"}},
		{"too many workers", with(func(m *Model) { m.Workers = MaxWorkers + 1 }), []string{"workers 1048577"}},
		{"queue below unbounded", with(func(m *Model) { m.Queue = -2 }), []string{"queue -2"}},
		{"contention above 1", with(func(m *Model) { m.Contention = 1.5 }), []string{"contention 1.5"}},
		{"negative coherency", with(func(m *Model) { m.Coherency = -1 }), []string{"coherency -1"}},
		{"stretched out of range", with(func(m *Model) { m.Service, m.Workers, m.Contention = MaxService, 2, 0.5 }), []string{"stretch the service time to 900 s among 2 workers"}},
		{"every problem is reported", Model{Queue: -9, CV: math.Inf(1)}, []string{"service", "cv +Inf", "workers", "queue -9"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.model.Validate()
			if (err != nil) != (len(tt.want) > 0) {
				t.Fatalf("%+v.Validate() = %v, want problems %q", tt.model, err, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%+v.Validate() = %q, want it to say %q", tt.model, err, want)
				}
			}
		})
	}
}

func TestSaturation(t *testing.T) {
	tests := []struct {
		name string
		text string
		want float64
	}{
		{"one worker", "service=40ms", 25},
		{"workers multiply", "service=40ms,workers=4", 100},
		{"the distribution does not matter", "service=40ms,workers=4,cv=2,queue=7", 100},
		{"full contention leaves one worker's rate", "service=40ms,workers=4,contention=1", 25},
		// 64 / (5 ms × (1 + 0.02×63 + 0.0005×64×63)) by hand.
		{"contention and coherency", "service=5ms,workers=64,contention=0.02,coherency=0.0005", 64 / (0.005 * 4.276)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parse(t, tt.text).Saturation(); math.Abs(got-tt.want) > 1e-9*tt.want {
				t.Errorf("Saturation() of %s = %v/s, want %v/s", tt.text, got, tt.want)
			}
		})
	}
}

func TestParseModel(t *testing.T) {
	tests := []struct {
		name string
		text string
		want Model
	}{
		{"defaults", "service=40ms", Model{Service: 40 * time.Millisecond, Workers: 1, Queue: Unbounded}},
		{
			"all of it", "service=2s,workers=8,queue=100,cv=0.3,dist=lognormal,contention=0.1,coherency=0.01",
			Model{Service: 2 * time.Second, Workers: 8, Queue: 100, CV: 0.3, Contention: 0.1, Coherency: 0.01},
		},
		{"spaces", " workers = 2 , service = 1ms ", Model{Service: time.Millisecond, Workers: 2, Queue: Unbounded}},
		{"nobody may wait", "service=1ms,queue=0", Model{Service: time.Millisecond, Workers: 1}},
		{"exponential", "service=1ms,dist=exp", Model{Service: time.Millisecond, Workers: 1, Queue: Unbounded, Dist: Exponential}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseModel(tt.text)
			if err != nil || got != tt.want {
				t.Errorf("ParseModel(%q) = %+v, %v, want %+v", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestParseModelRefuses(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string
	}{
		{"empty", "", `"" is not key=value; the keys are service, workers, queue`},
		{"no value", "service", `"service" is not key=value`},
		{"unknown key", "service=1ms,worker=2", `unknown key "worker"; the keys are service, workers, queue, cv, dist`},
		{"given twice", "service=1ms,workers=2,workers=3", "workers is given twice"},
		{"service without a unit", "service=40", "service=40: want a duration such as 40ms"},
		{"workers in words", "service=1ms,workers=four", "workers=four: want a whole number"},
		{"the Go value of an unbounded queue", "service=1ms,queue=-1", `queue=-1: want a whole number of waiting places, or "unbounded"`},
		{"cv in words", "service=1ms,cv=low", "cv=low: want a number"},
		{"unknown distribution", "service=1ms,dist=pareto", `dist=pareto: want "lognormal" or "exp"`},
		{"service left out", "workers=4", "service 0s: want a mean service time above 0s"},
		{"out of range", "service=1ms,workers=0", "workers 0: want from 1"},
		{"first of two problems", "worker=4,cv=low", "worker"},
		{"second of two problems", "worker=4,cv=low", "cv=low"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseModel(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseModel(%q) = %+v, %v, want an error that says %q", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestStringRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := models().Draw(t, "model")
		got, err := ParseModel(want.String())
		if err != nil || got != want {
			t.Fatalf("ParseModel(%q) = %+v, %v, want %+v", want, got, err, want)
		}
	})
}

// models generates valid models of every kind.
func models() *rapid.Generator[Model] {
	return rapid.Custom(func(t *rapid.T) Model {
		m := Model{
			Service:    time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "service")),
			Workers:    rapid.IntRange(1, 6).Draw(t, "workers"),
			Queue:      rapid.IntRange(Unbounded, 5).Draw(t, "queue"),
			Contention: rapid.SampledFrom([]float64{0, 0.05, 0.5}).Draw(t, "contention"),
			Coherency:  rapid.SampledFrom([]float64{0, 0.001, 0.1}).Draw(t, "coherency"),
		}
		if rapid.Bool().Draw(t, "exponential") {
			m.Dist = Exponential
		} else {
			m.CV = rapid.SampledFrom([]float64{0, 0.3, 1, 2.5}).Draw(t, "cv")
		}
		return m
	})
}

func parse(t *testing.T, text string) Model {
	t.Helper()
	m, err := ParseModel(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
