package fleet

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The quantiles of a lognormal distribution are median × e^(sigma × z), with z those
// of the standard normal (0.6745 and 1.6449: any table). With 20,000 draws the
// sampling error of the outer ones is about 0.5 %.
func TestDelaysAreLognormal(t *testing.T) {
	p := Provisioning{Median: 270 * time.Second, Sigma: 0.25}
	const draws = 20_000
	delays := make([]float64, draws)
	for k := range delays {
		delays[k] = p.Delay(7, uint64(k)).Seconds()
	}
	logs, serial := 0.0, 0.0
	for k, d := range delays {
		z := math.Log(d/270) / 0.25
		logs += z * z
		serial += z * math.Log(delays[(k+1)%draws]/270) / 0.25
	}
	if variance := logs / draws; math.Abs(variance-1) > 0.03 {
		t.Errorf("variance of the logarithms is %v of what it should be", variance)
	}
	// 1/√20000 is 0.007.
	if r := serial / logs; math.Abs(r) > 0.03 {
		t.Errorf("consecutive launches are correlated: %v", r)
	}
	slices.Sort(delays)
	for _, c := range []struct{ quantile, want float64 }{
		{0.05, 270 * math.Exp(-0.25*1.6449)},
		{0.25, 270 * math.Exp(-0.25*0.6745)},
		{0.5, 270},
		{0.75, 270 * math.Exp(0.25*0.6745)},
		{0.95, 270 * math.Exp(0.25*1.6449)},
	} {
		if got := delays[int(c.quantile*draws)]; math.Abs(got/c.want-1) > 0.02 {
			t.Errorf("%v quantile of the delays is %v s, want %v", c.quantile, got, c.want)
		}
	}
}

func TestLaunchesOfDifferentSeedsDiffer(t *testing.T) {
	p := Provisioning{Median: time.Minute, Sigma: 1}
	equal := 0
	for k := range uint64(100) {
		if p.Delay(1, k) == p.Delay(2, k) {
			equal++
		}
	}
	if equal > 0 {
		t.Errorf("%d of 100 launches are the same under two seeds", equal)
	}
}

// Common random numbers: the same launch is as lucky under every distribution.
func TestDelayLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Provisioning{
			Median: time.Duration(rapid.Int64Range(int64(time.Second), int64(MaxProvisioning)).Draw(t, "median")),
			Sigma:  rapid.Float64Range(0.01, MaxSigma).Draw(t, "sigma"),
		}
		seed, k := rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "k")
		got := p.Delay(seed, k)
		if got != p.Delay(seed, k) || got <= 0 {
			t.Fatalf("delays %v and %v, want one above 0", got, p.Delay(seed, k))
		}
		z := math.Log(float64(got)/float64(p.Median)) / p.Sigma
		other := Provisioning{Median: time.Hour, Sigma: MaxSigma}
		if want := other.Delay(seed, k).Seconds(); math.Abs(math.Exp(MaxSigma*z)*3600/want-1) > 1e-3 {
			t.Fatalf("a delay of %v is %v sigmas out; with another distribution %v s, want %v", got, z, math.Exp(MaxSigma*z)*3600, want)
		}
		constant := Provisioning{Median: p.Median}
		if got := constant.Delay(seed, k); got != p.Median {
			t.Fatalf("without spread the delay is %v, want %v", got, p.Median)
		}
	})
}

func TestProvisioningText(t *testing.T) {
	for _, c := range []struct {
		text string
		want Provisioning
		form string
	}{
		{"240s", Provisioning{Median: 4 * time.Minute}, "4m0s"},
		{"0s", Provisioning{}, "0s"},
		{" 90s ", Provisioning{Median: 90 * time.Second}, "1m30s"},
		{"median=240s", Provisioning{Median: 4 * time.Minute}, "4m0s"},
		{"median=240s,sigma=0.25", Provisioning{Median: 4 * time.Minute, Sigma: 0.25}, "median=4m0s,sigma=0.25"},
		{"sigma=2, median=6h", Provisioning{Median: MaxProvisioning, Sigma: MaxSigma}, "median=6h0m0s,sigma=2"},
	} {
		got, err := ParseProvisioning(c.text)
		if err != nil || got != c.want || got.String() != c.form {
			t.Errorf("ParseProvisioning(%q) = %v, %v; want %v, written %q", c.text, got, err, c.want, c.form)
		}
		if again, err := ParseProvisioning(got.String()); err != nil || again != got {
			t.Errorf("ParseProvisioning(%q) = %v, %v; want %v", got, again, err, got)
		}
	}
}

func TestParseProvisioningRejects(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "want a time such as 240s"},
		{"240", "want a time such as 240s"},
		{"-1s", "median -1s"},
		{"7h", "median 7h0m0s"},
		{"sigma=0.25", "median is missing"},
		{"median=240", "median=240: want a time"},
		{"median=240s,sigma=much", "sigma=much: want a number"},
		{"median=240s,sigma=3", "sigma 3: want from 0 to 2"},
		{"median=240s,sigma=NaN", "sigma NaN"},
		{"median=240s,sigma=-0.1", "sigma -0.1"},
		{"median=240s,median=1s", "median is given twice"},
		{"mean=240s", `unknown key "mean"; the keys are median, sigma`},
	} {
		got, err := ParseProvisioning(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || got != (Provisioning{}) {
			t.Errorf("ParseProvisioning(%q) = %v, %v; want the error %q", c.text, got, err, c.want)
		}
	}
}
