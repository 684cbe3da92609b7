package proof

import (
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/scaling"

	"pgregory.net/rapid"
)

// policyOf is a policy with the alarms that AWS makes for it.
func policyOf(metric string, target float64, least, most int, change func(*Policy)) Policy {
	p := Policy{
		Name: "p", Metric: metric, Target: target, Min: least, Max: most,
		ScaleOut: Span(scaling.DefaultCooldown), ScaleIn: Span(scaling.DefaultCooldown),
	}
	if change != nil {
		change(&p)
	}
	m, _ := scaling.PredefinedMetric(metric)
	tracking := scaling.TargetTracking{Target: target, DisableScaleIn: p.DisableScaleIn}
	high, low, hasLow := tracking.Alarms(m, scaling.DefaultAssumptions())
	p.High = &Alarm{Name: "AlarmHigh", AlarmRule: high}
	if hasLow {
		p.Low = &Alarm{Name: "AlarmLow", AlarmRule: low}
	}
	return p
}

const highResolution = "SageMakerVariantConcurrentRequestsPerModelHighResolution"

func usual() Options {
	return Options{
		Policy: policyOf(scaling.InvocationsPerInstance, 1500, 1, 4, nil),
		Load:   Load{PerInstance: 25, Peak: 50}, Start: 1, Assumptions: scaling.DefaultAssumptions(),
	}
}

// phases writes a programme in a line for each phase.
func phases(p Programme) string {
	var lines []string
	for _, x := range p.Phases {
		lines = append(lines, strings.Join([]string{string(x.Kind), figure(x.From), figure(x.To), x.Length.String(), instances(x.Expect)}, " "))
	}
	return strings.Join(lines, "\n")
}

func TestDesign(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
		notes  string
	}{
		{
			name: "one to four", change: func(*Options) {},
			want: "baseline 12.5 12.5 24m0s 1 instance\nstep_up 62.5 62.5 29m0s 3 instances\nramp_up 62.5 108 17m0s 4 instances\n" +
				"plateau 108 108 29m0s 4 instances\nstep_down 12.5 12.5 40m0s 1 instance\nramp_down 62.5 12.5 48m0s 2 instances",
		},
		{
			name: "the steps alone", change: func(o *Options) { o.Quick = true },
			want: "baseline 12.5 12.5 24m0s 1 instance\nstep_up 62.5 62.5 29m0s 3 instances\nstep_down 12.5 12.5 40m0s 1 instance",
		},
		{
			name: "one to two", change: func(o *Options) { o.Policy.Max = 2; o.Quick = true },
			want:  "baseline 12.5 12.5 24m0s 1 instance\nstep_up 37.5 37.5 29m0s 2 instances\nstep_down 12.5 12.5 40m0s 1 instance",
			notes: "one step only",
		},
		{
			name: "scale-in disabled", change: func(o *Options) {
				o.Policy = policyOf(scaling.InvocationsPerInstance, 1500, 1, 5, func(p *Policy) { p.DisableScaleIn = true })
				o.Start = 2
			},
			want: "baseline 37.5 37.5 20m0s 2 instances\nstep_up 87.5 87.5 29m0s 4 instances\nramp_up 87.5 132 13m0s 4 instances\n" +
				"plateau 132 132 29m0s 5 instances\nstep_down 37.5 37.5 20m0s 5 instances",
			notes: "scale-in is disabled",
		},
		{
			name: "more in service than the min", change: func(o *Options) { o.Start = 4; o.Quick = true },
			want: "baseline 12.5 12.5 24m0s 1 instance\nstep_up 62.5 62.5 29m0s 3 instances\nstep_down 12.5 12.5 40m0s 1 instance",
		},
		{
			name: "a limit of the rate", change: func(o *Options) { o.MaxRate = 70 },
			want: "baseline 12.5 12.5 24m0s 1 instance\nstep_up 62.5 62.5 29m0s 3 instances\nstep_down 12.5 12.5 40m0s 1 instance\n" +
				"ramp_down 62.5 12.5 48m0s 2 instances",
			notes: "the limit is not tried",
		},
		{
			name: "a target near the peak", change: func(o *Options) { o.Load.Peak = 26; o.Quick = false },
			want: "baseline 12.5 12.5 24m0s 1 instance\nstep_up 62.5 62.5 29m0s 3 instances\nramp_up 62.5 87.5 10m0s 3 instances\n" +
				"plateau 87.5 87.5 29m0s 4 instances\nstep_down 12.5 12.5 40m0s 1 instance\nramp_down 62.5 12.5 48m0s 2 instances",
			notes: "so near the peak",
		},
		{
			name: "a large fleet", change: func(o *Options) { o.Policy.Min, o.Policy.Max, o.Start = 40, 60, 40; o.Quick = true },
			want: "baseline 862 862 24m0s 40 instances\nstep_up 1063 1063 29m0s 43 instances\nstep_down 862 862 40m0s 40 instances",
		},
		{
			name: "slow launches and long cooldowns", change: func(o *Options) {
				o.Provisioning, o.Policy.ScaleOut, o.Policy.ScaleIn, o.Quick = 20*time.Minute, Span(15*time.Minute), Span(30*time.Minute), true
			},
			want: "baseline 12.5 12.5 24m0s 1 instance\nstep_up 62.5 62.5 1h2m0s 3 instances\nstep_down 12.5 12.5 1h1m0s 1 instance",
		},
		{
			name: "removals one by one", change: func(o *Options) {
				o.Assumptions.ScaleInSize, o.Policy.Max, o.Policy.ScaleIn = scaling.OneByOne, 10, Span(10*time.Minute)
				o.Quick = true
			},
			want: "baseline 12.5 12.5 24m0s 1 instance\nstep_up 62.5 62.5 29m0s 3 instances\nstep_down 12.5 12.5 42m0s 1 instance",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := usual()
			c.change(&o)
			p, err := Design(o)
			if err != nil {
				t.Fatal(err)
			}
			if got := phases(p); got != c.want {
				t.Errorf("Design:\n%s\nwant\n%s", got, c.want)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, c.notes) || c.notes == "" && notes != "" {
				t.Errorf("notes %q, want one with %q", notes, c.notes)
			}
		})
	}
}

func TestDesignRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"no policy", func(o *Options) { o.Policy = Policy{Min: 1, Max: 4} }, "there is no target-tracking policy"},
		{"min is max", func(o *Options) { o.Policy.Max = 1 }, "both 1: nothing can scale; raise the max"},
		{"zero to one", func(o *Options) { o.Policy.Min, o.Policy.Max = 0, 1 }, "raise the max"},
		{"bounds crossed", func(o *Options) { o.Policy.Min = 9 }, "bounds from 9 to 4"},
		{"suspended", func(o *Options) { o.SuspendedOut = true }, "scaling out is suspended"},
		{"scale-in suspended", func(o *Options) { o.SuspendedIn = true }, "scaling in is suspended"},
		{"no alarm", func(o *Options) { o.Policy.High = nil }, "no high alarm: somebody deleted it"},
		{"no low alarm", func(o *Options) { o.Policy.Low = nil }, "no low alarm: somebody deleted it"},
		{"an alarm of nothing", func(o *Options) { o.Policy.High = &Alarm{Name: "x"} }, "high alarm x: comparison"},
		{"no load", func(o *Options) { o.Load.PerInstance = 0 }, "load 0/s of one instance"},
		{"a load that is none", func(o *Options) { o.Load.PerInstance = scaling.PerSecond(math.NaN()) }, "load NaN/s"},
		{"the rate is too low", func(o *Options) { o.MaxRate = 30 }, "highest rate 30/s: one instance more than 1 is needed from 37.5/s on"},
		{"none is in service", func(o *Options) { o.Start, o.Policy.Min = 0, 0 }, "bring the variant to 1 first"},
		{"all are in service", func(o *Options) {
			o.Policy = policyOf(scaling.InvocationsPerInstance, 1500, 1, 4, func(p *Policy) { p.DisableScaleIn = true })
			o.Start = 4
		}, "bring the variant to its min of 1 first"},
		{"no assumptions", func(o *Options) { o.Assumptions = scaling.Assumptions{} }, "assumption"},
	} {
		o := usual()
		c.change(&o)
		if _, err := Design(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Design: %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// anyOptions are policies and loads that can be proved. With a shorter scale-out cooldown
// than four minutes a fleet may overshoot: see [TestDesignTellsOfAnOvershoot].
func anyOptions(t *rapid.T) Options {
	o := usual()
	least := rapid.IntRange(0, 30).Draw(t, "min")
	most := max(1, least) + rapid.IntRange(1, 30).Draw(t, "more")
	metric := rapid.SampledFrom([]string{scaling.InvocationsPerInstance, highResolution}).Draw(t, "metric")
	o.Policy = policyOf(metric, rapid.Float64Range(1, 10000).Draw(t, "target"), least, most, func(p *Policy) {
		p.ScaleOut = Span(rapid.IntRange(240, 900).Draw(t, "scale-out cooldown")) * Span(time.Second)
		p.ScaleIn = Span(rapid.IntRange(0, 900).Draw(t, "scale-in cooldown")) * Span(time.Second)
	})
	o.Start = rapid.IntRange(max(1, least), most).Draw(t, "start")
	one := rapid.Float64Range(0.1, 1000).Draw(t, "per instance")
	o.Load = Load{PerInstance: scaling.PerSecond(one), Peak: scaling.PerSecond(one / rapid.Float64Range(0.3, 0.95).Draw(t, "safety factor"))}
	o.Provisioning = time.Duration(rapid.IntRange(0, 900).Draw(t, "provisioning")) * time.Second
	o.Quick = rapid.Bool().Draw(t, "quick")
	if rapid.Bool().Draw(t, "limited") {
		o.MaxRate = scaling.PerSecond(one * (float64(max(1, least)) + rapid.Float64Range(0.5, 20).Draw(t, "highest rate")))
	}
	return o
}

// By the assumptions, each steady phase ends with what it expects, also when launches
// are half as slow again; and no load is more than what may be sent.
func TestDesignedProgrammesGetThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := anyOptions(t)
		p, err := Design(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, slow := range []float64{1, slowLaunch} {
			a := o.Assumptions
			a.ProvisioningMedian = time.Duration(slow * float64(o.Provisioning)).Truncate(time.Second)
			looks := Predict(p, o.Policy, o.Load, a)
			end := time.Unix(0, 0).UTC()
			for _, phase := range p.Phases {
				end = end.Add(time.Duration(phase.Length))
				if got := lookAt(looks, end.Add(-time.Second)).Current; phase.steady() && got != phase.Expect {
					t.Fatalf("%d in service at the end of %+v, launches %v as long\n%s\n%v", got, phase, slow, phases(p), p.Notes)
				}
				if top := max(phase.From, phase.To); o.MaxRate > 0 && top > float64(o.MaxRate) || phase.Length%Span(time.Minute) != 0 || phase.Why == "" {
					t.Fatalf("phase %+v: want at most %v/s, whole minutes and a reason", phase, o.MaxRate)
				}
			}
			for _, look := range looks[1:] {
				if look.Desired > o.Policy.Max || look.Desired < o.Policy.Min {
					t.Fatalf("look %+v is outside %d to %d", look, o.Policy.Min, o.Policy.Max)
				}
			}
		}
		if p.Length != Span(p.length()) || !(p.Requests > 0) || !(p.InstanceHours > 0) {
			t.Fatalf("it takes %v, %v requests and %v instance-hours", p.Length, p.Requests, p.InstanceHours)
		}
	})
}

// Without a cooldown, the datapoint of one instance is multiplied by three.
func TestDesignTellsOfAnOvershoot(t *testing.T) {
	o := usual()
	o.Policy.ScaleOut = 0
	p, err := Design(o)
	if err != nil || !strings.Contains(strings.Join(p.Notes, "\n"), "phase step_up ends with 4 instances instead of 3") {
		t.Errorf("Design: %v, notes %q", err, p.Notes)
	}
}
