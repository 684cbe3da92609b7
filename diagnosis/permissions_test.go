package diagnosis

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

type policy struct {
	Version   string
	Statement []struct {
		Effect           string
		Action, Resource []string
	}
}

func parsed(t *testing.T, text string) policy {
	t.Helper()
	var p policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("the policy is no JSON: %v\n%s", err, text)
	}
	return p
}

// TestPolicyAllowsWhatTheCommandsUse, each action once, and nothing else.
func TestPolicyAllowsWhatTheCommandsUse(t *testing.T) {
	for _, commands := range append([][]string{nil, {"find", "pin"}}, each(Commands())...) {
		var want, got []string
		for _, p := range Permissions() {
			if _, used := p.For(commands); used {
				want = append(want, p.Action)
			}
		}
		for _, s := range parsed(t, Policy(commands, Scope{})).Statement {
			if s.Effect != "Allow" || len(s.Resource) == 0 {
				t.Errorf("statement %+v allows nothing", s)
			}
			got = append(got, s.Action...)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(slices.Compact(slices.Clone(got))) != len(got) || len(got) == 0 {
			t.Errorf("the policy of %q allows %q, want %q", commands, got, want)
		}
	}
}

func each(names []string) [][]string {
	var out [][]string
	for _, n := range names {
		out = append(out, []string{n})
	}
	return out
}

// TestTuneNeedsWhatItsPartsDo.
func TestTuneNeedsWhatItsPartsDo(t *testing.T) {
	for _, p := range Permissions() {
		for _, part := range []string{"find", "pin", "apply", "verify"} {
			use, used := p.For([]string{part})
			all, tunes := p.For([]string{"tune"})
			if used && (!tunes || !use.Optional && all.Optional) {
				t.Errorf("%s needs %s, and tune does not", part, p.Action)
			}
		}
	}
}

func TestScope(t *testing.T) {
	for _, tt := range []struct {
		scope Scope
		want  []string
	}{
		{Scope{}, []string{"arn:aws:sagemaker:REGION:ACCOUNT:endpoint/ENDPOINT"}},
		{Scope{Partition: "aws-cn", Region: "cn-north-1", Account: "1", Endpoint: "e"}, []string{"arn:aws-cn:sagemaker:cn-north-1:1:endpoint/e"}},
		{Scope{Region: "r", Account: "1", Endpoint: "My-E"}, []string{"arn:aws:sagemaker:r:1:endpoint/My-E", "arn:aws:sagemaker:r:1:endpoint/my-e"}},
	} {
		if got := parsed(t, Policy([]string{"find"}, tt.scope)).Statement[0].Resource; !slices.Equal(got, tt.want) {
			t.Errorf("the policy for %+v is for %q, want %q", tt.scope, got, tt.want)
		}
	}
}

// TestWhoCountsMayLookAtEveryEndpoint, and nobody else.
func TestWhoCountsMayLookAtEveryEndpoint(t *testing.T) {
	for _, command := range Commands() {
		var on []string
		lists := false
		for _, s := range parsed(t, Policy([]string{command}, Scope{Region: "r", Account: "1", Endpoint: "e"})).Statement {
			if slices.Contains(s.Action, "sagemaker:DescribeEndpoint") {
				on = s.Resource
			}
			lists = lists || slices.Contains(s.Action, "sagemaker:ListEndpoints")
		}
		if every := slices.Contains(on, "arn:aws:sagemaker:r:1:endpoint/*"); every != lists {
			t.Errorf("%s: lists endpoints: %v, and may look at %q", command, lists, on)
		}
	}
}

func TestTableHasARowForEveryAction(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(Table()), "\n")
	if len(lines) != 2+len(Permissions()) {
		t.Errorf("the table has %d lines for %d actions", len(lines), len(Permissions()))
	}
	for _, line := range lines {
		if n := strings.Count(line, "|"); n != len(Commands())+2 {
			t.Errorf("%q has %d bars, want %d columns", line, n, len(Commands())+1)
		}
	}
}

func TestCheckCommands(t *testing.T) {
	if err := CheckCommands([]string{"find", "apply"}); err != nil {
		t.Errorf("CheckCommands of commands: %v", err)
	}
	if err := CheckCommands([]string{"find", "target"}); err == nil || !strings.Contains(err.Error(), `"target" needs nothing of AWS`) {
		t.Errorf("CheckCommands of one that needs nothing: %v", err)
	}
}
