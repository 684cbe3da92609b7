package archtest

import (
	"slices"
	"strings"
	"testing"
)

// home says which packages may import a third-party module, and why there.
type home struct {
	module string
	in     []string
	why    string
}

// homes lists every third-party module that is compiled into the program. The
// reason for each module itself is in docs/dependencies.md.
func homes() []home {
	return []home{
		{"github.com/HdrHistogram/hdrhistogram-go", []string{"latency"}, "the histogram is the field's own arithmetic; everyone else uses latency.Histogram"},
		{"github.com/spf13/cobra", []string{"internal/cli"}, "commands and flags are the shell's business"},
		{"github.com/spf13/pflag", []string{"internal/cli"}, "cobra's flags: comes with it"},
		{"github.com/goccy/go-yaml", []string{"internal/cli"}, "settings arrive in the libraries as structs, not as YAML"},
		{"github.com/aws/aws-sdk-go-v2", []string{"sagemaker", "bench/peers/sdkloop"}, "one package of the program knows the AWS SDK; the emulator is tested with it, and must not be built from it; a loop over it is what the generator is measured against"},
		{"github.com/aws/smithy-go", []string{"sagemaker"}, "the AWS SDK's runtime: goes with it"},
		{"golang.org/x/term", []string{"internal/cli"}, "only the shell has a terminal"},
		{"github.com/fxamacker/cbor/v2", []string{"emulator/internal/wire"}, "CloudWatch's protocol; operations are plain structs"},
		{"github.com/hashicorp/cronexpr", []string{"emulator/internal/autoscaling"}, "when a scheduled action is due"},
		{"golang.org/x/sys", []string{"internal/host"}, "system calls that os and syscall lack, in one place per platform"},
	}
}

// forTests are modules that only tests may import, wherever they are.
func forTests() []string {
	return []string{"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "pgregory.net/rapid"}
}

func TestThirdPartyModulesStayAtHome(t *testing.T) {
	for _, s := range readModule(t) {
		for _, imported := range s.imports() {
			if !thirdParty(imported) || s.test && known(imported) {
				continue
			}
			at := slices.IndexFunc(homes(), func(h home) bool { return under(imported, h.module) })
			switch {
			case at < 0 && under(imported, forTests()...):
				t.Errorf("%s: imports %s, which is for tests", s.name, imported)
			case at < 0:
				t.Errorf("%s: imports %s, which no table knows; give it a home in homes() and a line in docs/dependencies.md", s.name, imported)
			case !slices.Contains(homes()[at].in, s.dir):
				h := homes()[at]
				t.Errorf("%s: imports %s, which is for %s alone: %s", s.name, imported, strings.Join(h.in, ", "), h.why)
			}
		}
	}
}

func TestEveryHomeIsUsed(t *testing.T) {
	byDir := packages(readModule(t))
	for _, h := range homes() {
		for _, dir := range h.in {
			uses := slices.ContainsFunc(byDir[dir], func(s source) bool {
				return !s.test && slices.ContainsFunc(s.imports(), func(p string) bool { return under(p, h.module) })
			})
			if !uses {
				t.Errorf("homes() lets %s import %s, which it does not", dir, h.module)
			}
		}
	}
}

// thirdParty says whether an import path is of neither this module nor the
// standard library, whose first elements have no dot.
func thirdParty(imported string) bool {
	host, _, _ := strings.Cut(imported, "/")
	return strings.Contains(host, ".")
}

// known says whether a table has the module of an import path. Tests may import
// any of those, for example to read a file by the library that others would use.
func known(imported string) bool {
	return under(imported, forTests()...) || slices.ContainsFunc(homes(), func(h home) bool { return under(imported, h.module) })
}
