package diagnosis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/experiment"
	"plimsoll/scaling"
)

// cloud is an account that answers as it is told.
type cloud struct {
	credentials   Credentials
	noCredentials error
	identity      error
	ahead         time.Duration
	undated       bool
	refuse        map[string]error // by action
	tried         []string
	quotas        map[string]int
	elsewhere     experiment.Elsewhere
	endpoint      experiment.EndpointState
	noEndpoint    error
	scaling       experiment.ScalingState
	noScaling     error
}

func (c *cloud) Credentials(context.Context) (Credentials, error) {
	return c.credentials, c.noCredentials
}

func (c *cloud) Identity(context.Context) (Identity, error) {
	return Identity{ARN: "arn:aws:iam::123456789012:user/me", Account: "123456789012"}, c.identity
}
func (c *cloud) Skew() (time.Duration, bool) { return c.ahead, !c.undated }

func (c *cloud) Try(_ context.Context, action string, _ experiment.Variant) error {
	c.tried = append(c.tried, action)
	return c.refuse[action]
}

func (c *cloud) Quota(_ context.Context, instanceType string) (int, error) {
	n, ok := c.quotas[instanceType]
	if !ok {
		return 0, errors.New("there is none")
	}
	return n, nil
}

func (c *cloud) Elsewhere(context.Context, string, experiment.Variant) experiment.Elsewhere {
	return c.elsewhere
}

func (c *cloud) Describe(context.Context, string) (experiment.EndpointState, error) {
	return c.endpoint, c.noEndpoint
}

func (c *cloud) SetInstances(context.Context, experiment.Variant, int) error {
	return errors.New("a diagnosis changes nothing")
}

func (c *cloud) Scaling(context.Context, experiment.Variant) (experiment.ScalingState, error) {
	return c.scaling, c.noScaling
}

func (c *cloud) Put(context.Context, experiment.Variant, experiment.What, string, experiment.Setting) error {
	return errors.New("a diagnosis changes nothing")
}

func (c *cloud) Activities(context.Context, experiment.Variant, time.Time) ([]scaling.Activity, error) {
	return nil, nil
}

func refusal(p experiment.Problem) error {
	return &experiment.ControlError{Problem: p, Err: errors.New("AWS said so"), Remedy: "do something"}
}

func statuses(checks []Check) []string {
	var out []string
	for _, c := range checks {
		out = append(out, string(c.Status)+" "+c.Name)
	}
	return out
}

func TestAccount(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cloud cloud
		want  []string
		ok    bool
	}{
		{"all well", cloud{}, []string{"ok credentials", "ok identity", "ok clock skew"}, true},
		{"none", cloud{noCredentials: refusal(experiment.ProblemCredentials)}, []string{"fail credentials", "not known the rest"}, false},
		{"expire later", cloud{credentials: Credentials{Expires: noon.Add(time.Hour)}}, []string{"ok credentials", "ok identity", "ok clock skew"}, true},
		{"expired", cloud{credentials: Credentials{Expires: noon.Add(-time.Hour)}}, []string{"fail credentials", "ok identity", "ok clock skew", "not known the rest"}, false},
		{"refused", cloud{identity: refusal(experiment.ProblemCredentials)}, []string{"ok credentials", "fail identity", "ok clock skew", "not known the rest"}, false},
		{"no way to STS", cloud{identity: refusal(experiment.ProblemUnreachable), undated: true}, []string{"ok credentials", "not known identity", "not known clock skew"}, true},
		{"a minute ahead", cloud{ahead: -61 * time.Second}, []string{"ok credentials", "ok identity", "warn clock skew"}, true},
		{"six minutes behind", cloud{ahead: 6 * time.Minute}, []string{"ok credentials", "ok identity", "fail clock skew", "not known the rest"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checks, ok := Account(t.Context(), &tt.cloud, noon)
			if got := statuses(checks); !slices.Equal(got, tt.want) || ok != tt.ok {
				t.Errorf("Account = %q, %v; want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestSkewNamesTheSlowClock(t *testing.T) {
	behind, _ := Account(t.Context(), &cloud{ahead: 2 * time.Minute}, noon)
	ahead, _ := Account(t.Context(), &cloud{ahead: -2 * time.Minute}, noon)
	if b, a := named(t, behind, "clock skew").Evidence, named(t, ahead, "clock skew").Evidence; !strings.Contains(b, "clock is 2m0s behind AWS's") || !strings.Contains(a, "clock is 2m0s ahead of AWS's") {
		t.Errorf("clock skew: %q and %q", b, a)
	}
}

// TestOnlyWhatReadsIsTried, and each of it once.
func TestOnlyWhatReadsIsTried(t *testing.T) {
	for _, commands := range [][]string{nil, {"find"}, {"apply"}, {"tune", "deploy"}} {
		c := &cloud{}
		Tried(t.Context(), c, experiment.Variant{}, commands)
		for _, action := range c.tried {
			_, name, _ := strings.Cut(action, ":")
			if !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "List") && !strings.HasPrefix(name, "Get") {
				t.Errorf("for %v, %s was tried", commands, action)
			}
		}
		if slices.Sort(c.tried); len(slices.Compact(slices.Clone(c.tried))) != len(c.tried) {
			t.Errorf("for %v, tried %q: some twice", commands, c.tried)
		}
	}
}

func TestTried(t *testing.T) {
	for _, tt := range []struct {
		name     string
		refuse   map[string]error
		commands []string
		want     []string
		tried    int
	}{
		{"all allowed", nil, []string{"lint"}, []string{"ok permissions"}, 10},
		{"some to read, some not tried", nil, []string{"load"}, []string{"ok permissions", "not known permissions"}, 3},
		{"one denied that is needed", map[string]error{"sagemaker:DescribeEndpoint": refusal(experiment.ProblemDenied)}, []string{"lint"}, []string{"ok permissions", "fail permission"}, 10},
		{"one denied that lint does without", map[string]error{"cloudwatch:DescribeAlarms": refusal(experiment.ProblemDenied)}, []string{"lint"}, []string{"ok permissions", "warn permission"}, 10},
		{"the same that verify needs", map[string]error{"cloudwatch:DescribeAlarms": refusal(experiment.ProblemDenied)}, []string{"lint", "verify"}, []string{"ok permissions", "fail permission", "not known permissions"}, 11},
		{"looked at and refused for what was asked", map[string]error{"sagemaker:DescribeEndpoint": refusal(experiment.ProblemMissing)}, []string{"lint"}, []string{"ok permissions"}, 10},
		{"a service without an answer is asked once", map[string]error{"application-autoscaling:DescribeScalableTargets": refusal(experiment.ProblemUnreachable)}, []string{"lint"}, []string{"ok permissions", "not known permissions"}, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &cloud{refuse: tt.refuse}
			got := statuses(Tried(t.Context(), c, experiment.Variant{Endpoint: "e", Name: "v"}, tt.commands))
			if !slices.Equal(got, tt.want) || len(c.tried) != tt.tried {
				t.Errorf("Tried = %q after %d calls, want %q after %d", got, len(c.tried), tt.want, tt.tried)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	variant := func(change func(*experiment.VariantState)) experiment.EndpointState {
		v := experiment.VariantState{Name: "AllTraffic", InstanceType: "ml.m5.xlarge", Current: 1, Desired: 1}
		change(&v)
		return experiment.EndpointState{Name: "e", Status: experiment.InService, Variants: []experiment.VariantState{v}}
	}
	plain := variant(func(*experiment.VariantState) {})
	updating, async := plain, plain
	updating.Status, async.Async = "Updating", true
	scaled := experiment.ScalingState{Target: &experiment.ScalableTarget{Min: 1, Max: 4}}
	suspended := experiment.ScalingState{Target: &experiment.ScalableTarget{Min: 1, Max: 4, Suspended: experiment.Suspension{Out: true}}}
	quotas := map[string]int{"ml.m5.xlarge": 4, "ml.g5.xlarge": 1}
	for _, tt := range []struct {
		name  string
		cloud cloud
		want  []string
	}{
		{"plain", cloud{endpoint: plain, quotas: quotas}, []string{"ok status", "ok variant", "ok scaling", "ok quota"}},
		{"missing", cloud{noEndpoint: refusal(experiment.ProblemMissing)}, []string{"fail status"}},
		{"updating", cloud{endpoint: updating, quotas: quotas}, []string{"fail status", "ok variant", "ok scaling", "ok quota"}},
		{"asynchronous", cloud{endpoint: async, quotas: quotas}, []string{"ok status", "fail variant", "ok scaling", "ok quota"}},
		{"serverless", cloud{endpoint: variant(func(v *experiment.VariantState) { v.Serverless, v.InstanceType = true, "" })}, []string{"ok status", "warn variant", "ok scaling"}},
		{"components", cloud{endpoint: variant(func(v *experiment.VariantState) { v.Components = true }), quotas: quotas}, []string{"ok status", "warn variant", "ok scaling", "ok quota"}},
		{"pools", cloud{endpoint: variant(func(v *experiment.VariantState) { v.Pools = []string{"ml.m5.xlarge", "ml.g5.xlarge"} }), quotas: quotas, scaling: scaled}, []string{"ok status", "warn variant", "ok scaling", "ok quota", "fail quota"}},
		{"launching", cloud{endpoint: variant(func(v *experiment.VariantState) { v.Desired = 3 }), quotas: quotas}, []string{"ok status", "warn variant", "ok scaling", "ok quota"}},
		{"may grow past the quota", cloud{endpoint: plain, quotas: map[string]int{"ml.m5.xlarge": 3}, scaling: scaled}, []string{"ok status", "ok variant", "ok scaling", "fail quota"}},
		{"within the quota, and past what others leave of it", cloud{endpoint: plain, quotas: quotas, scaling: scaled, elsewhere: experiment.Elsewhere{Instances: 1}}, []string{"ok status", "ok variant", "ok scaling", "warn quota"}},
		{"others not counted", cloud{endpoint: plain, quotas: quotas, scaling: scaled, elsewhere: experiment.Elsewhere{Gap: "not counted: allow it"}}, []string{"ok status", "ok variant", "ok scaling", "ok quota"}},
		{"quota not read", cloud{endpoint: plain, scaling: scaled}, []string{"ok status", "ok variant", "ok scaling", "not known quota"}},
		{"suspended", cloud{endpoint: plain, quotas: quotas, scaling: suspended}, []string{"ok status", "ok variant", "warn scaling", "ok quota"}},
		{"scaling denied", cloud{endpoint: plain, quotas: quotas, noScaling: refusal(experiment.ProblemDenied)}, []string{"ok status", "ok variant", "not known scaling"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := statuses(Endpoint(t.Context(), &tt.cloud, &tt.cloud, &tt.cloud, "e", "")); !slices.Equal(got, tt.want) {
				t.Errorf("Endpoint = %q, want %q", got, tt.want)
			}
		})
	}
	if got := statuses(Endpoint(t.Context(), &cloud{endpoint: plain}, &cloud{}, &cloud{}, "e", "Blue")); !slices.Equal(got, []string{"ok status", "fail variant"}) {
		t.Errorf("Endpoint of a variant that is not there = %q", got)
	}
}
