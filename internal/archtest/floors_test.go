package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// floors numbers every package; an import must reach a strictly lower number.
// A new package is placed here, and in docs/architecture.md.
func floors() map[string]int {
	return map[string]int{
		"arrival": 0, "latency": 0, "scaling": 0, "fleet": 0, "price": 0,
		"slo":      1,
		"capacity": 2, "proof": 2,
		"loadgen":    3,
		"experiment": 4,
		"httptarget": 5, "payload": 5, "runlog": 5, "report": 5, "diagnosis": 5,
		"emulator/internal/hosting": 5, "emulator/internal/cloudwatch": 5, "emulator/internal/autoscaling": 5,
		"emulator/internal/identity": 5, "emulator/internal/quota": 5,
		"sagemaker": 6, "emulator": 6,
		"internal/cli": 7,
		"cmd/plimsoll": 8,

		// What the search is measured against; for tests and bench/archetypes.
		"internal/archetype": 3,

		// Leaves that know nothing of the rest.
		"internal/host": 0, "internal/memnet": 0, "internal/archtest": 0,
		"emulator/internal/wire": 0, "emulator/internal/eventstream": 0, "emulator/internal/sigv4": 0,
		"emulator/internal/modeltime": 0, "emulator/internal/metric": 0, "emulator/internal/fault": 0,
	}
}

// roof is the floor of what is built on top: nothing may import it.
const roof = 9

// floorOf is a package's floor; ok is false for one that nobody placed.
func floorOf(dir string) (floor int, ok bool) {
	if under(dir, "examples", "bench") {
		return roof, true
	}
	floor, ok = floors()[dir]
	return floor, ok
}

func TestImportsGoDown(t *testing.T) {
	for _, s := range readModule(t) {
		if s.test {
			continue
		}
		floor, ok := floorOf(s.dir)
		if !ok {
			t.Errorf("%s: package %s is on no floor; place it in floors()", s.name, s.dir)
			continue
		}
		for _, imported := range s.imports() {
			dep, ours := strings.CutPrefix(imported, modulePath)
			if !ours {
				continue
			}
			if below, ok := floorOf(dep); ok && below >= floor {
				t.Errorf("%s: floor %d imports %s on floor %d; imports go to a strictly lower floor", s.name, floor, dep, below)
			}
		}
	}
}

func TestEveryFloorIsInhabited(t *testing.T) {
	inhabited := packages(readModule(t))
	for dir := range floors() {
		if len(inhabited[dir]) == 0 {
			t.Errorf("floors() names %s, which has no source", dir)
		}
	}
}

// The leaves in folders named internal stand on floor 0 because they import nothing of
// the module, and internal/archetype on floor 3 because it holds trials of capacity;
// what floors 0-4 may not do is not meant for them.
func ruled(s source, from, to int) bool {
	floor, ok := floorOf(s.dir)
	return ok && !s.test && from <= floor && floor <= to && !internal(s.dir)
}

// worldly are packages of the standard library that touch the outer world, with
// what lies below them. Floors 0 to 4 do without.
func worldly() []string { return []string{"os", "net", "log", "syscall"} }

// waiting are packages that something that never waits has no use for. Floors 0
// to 2 do without.
func waiting() []string { return []string{"sync", "context"} }

func TestLowFloorsDoNoIO(t *testing.T) {
	for _, s := range readModule(t) {
		for _, imported := range s.imports() {
			if ruled(s, 0, 4) && under(imported, worldly()...) {
				t.Errorf("%s: floors 0-4 do no I/O and must not import %s; declare an interface", s.name, imported)
			}
			if ruled(s, 0, 2) && under(imported, waiting()...) {
				t.Errorf("%s: floors 0-2 are arithmetic on values and must not import %s", s.name, imported)
			}
		}
	}
}

func TestLowFloorsHaveNoClockNorChanceNorGoroutine(t *testing.T) {
	for _, s := range readModule(t) {
		if !ruled(s, 0, 2) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: starts a goroutine; floors 0-2 do not", s.name)
			case *ast.SelectorExpr:
				if why := forbidden(n); why != "" {
					t.Errorf("%s: %s", s.name, why)
				}
			}
			return true
		})
	}
}

// forbidden says why floors 0-2 may not use a selector; empty if they may. It
// knows packages by their usual names; the linter's forbidigo goes by type.
func forbidden(sel *ast.SelectorExpr) string {
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	seeded := []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}
	switch {
	case pkg.Name == "time" && slices.Contains(clock, sel.Sel.Name):
		return fmt.Sprintf("uses time.%s; on floors 0-2 instants and durations are parameters", sel.Sel.Name)
	case pkg.Name == "rand" && !slices.Contains(seeded, sel.Sel.Name):
		return fmt.Sprintf("uses rand.%s of the global source; on floors 0-2 chance is a seeded *rand.Rand", sel.Sel.Name)
	}
	return ""
}
