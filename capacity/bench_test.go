package capacity

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/slo"
)

var (
	onlyArchetype = flag.String("archetype", "", "only the archetypes whose name contains this")
	benchSeeds    = flag.Int("seeds", 2, "seeds for each instance of the benchmark")
	benchVerbose  = flag.Bool("runs", false, "print every run of the benchmark")
	benchSets     = flag.Int("sets", 3, "instances of each archetype")
	benchFrom     = flag.Int("from", instancesEach/2, "first instance; from 6 on they are held out from tuning")
)

// run is one search of the benchmark against one instance.
type run struct {
	err, half      float64
	covered        bool
	wide, valid    bool
	found, because bool
	spent          time.Duration
}

func searchInstance(in instance, truth float64, budget time.Duration, seed uint64) (run, Result, []Trial) {
	plan := DefaultPlan()
	plan.Budget = budget
	plan.Objectives = []slo.Objective{in.objective}
	s, err := New(plan)
	if err != nil {
		panic(err)
	}
	res, spent, trials := play(s, newClient(in.start(seed), seed))
	return run{
		err: res.Rate/truth - 1, half: (res.High - res.Low) / 2 / math.Max(res.Rate, 1e-9),
		covered: res.Low <= truth && truth <= res.High, wide: res.Wide, valid: res.Valid, found: res.Found,
		because: slices.Contains(in.cause, res.Cause), spent: spent,
	}, res, trials
}

// summary of the runs of one archetype.
type summary struct {
	runs                      int
	median, within, covered   float64
	worst, half, because, sec float64
}

func summarizeRuns(runs []run) summary {
	var s summary
	var errs, halves []float64
	for _, r := range runs {
		e := math.Abs(r.err)
		if !r.found {
			e = 1
		}
		errs, halves = append(errs, e), append(halves, r.half)
		s.within += share(e <= 0.03, len(runs))
		s.covered += share(r.covered, len(runs))
		s.because += share(r.because, len(runs))
		s.sec += r.spent.Seconds() / float64(len(runs))
		if !r.wide && r.valid {
			s.worst = max(s.worst, e)
		}
	}
	slices.Sort(errs)
	slices.Sort(halves)
	s.runs, s.median, s.half = len(runs), errs[len(errs)/2], halves[len(halves)/2]
	return s
}

func share(yes bool, of int) float64 {
	if yes {
		return 1 / float64(of)
	}
	return 0
}

// BenchmarkArchetypes prints error, coverage and cost of the search by archetype
// and budget:
//
//	go test ./capacity -run '^$' -bench Archetypes -benchtime 1x
func BenchmarkArchetypes(b *testing.B) {
	for range b.N {
		for _, budget := range []time.Duration{60 * time.Second, 90 * time.Second, 170 * time.Second} {
			fmt.Printf("\n| budget %.0f s | runs | median error | within 3 %% | covered | worst not wide | half-width | right cause | seconds |\n|---|---|---|---|---|---|---|---|---|\n", budget.Seconds())
			var all []run
			for a, family := range archetypes {
				if !strings.Contains(family.name, *onlyArchetype) {
					continue
				}
				runs := benchArchetype(a, budget)
				all = append(all, runs...)
				printSummary(family.name, summarizeRuns(runs))
			}
			total := summarizeRuns(all)
			printSummary("all", total)
			b.ReportMetric(100*total.median, fmt.Sprintf("%%median_%.0fs", budget.Seconds()))
			b.ReportMetric(100*total.covered, fmt.Sprintf("%%covered_%.0fs", budget.Seconds()))
		}
	}
}

func benchArchetype(a int, budget time.Duration) []run {
	var runs []run
	for k := *benchFrom; k < min(*benchFrom+*benchSets, instancesEach); k++ {
		in := instanceOf(a, k)
		for seed := range *benchSeeds {
			r, res, trials := searchInstance(in, truths[archetypes[a].name][k], budget, uint64(seed)+1)
			runs = append(runs, r)
			if *benchVerbose {
				fmt.Printf("%-10s seed %d %v truth %.4g rate %.4g [%.4g %.4g] err %+.1f%% %s sat %.4g knee %d %v trials %d %.1fs %v\n", in.name, seed, in.objective,
					truths[archetypes[a].name][k], res.Rate, res.Low, res.High, 100*r.err, res.Cause, res.Saturation, res.Knee, r.covered, len(trials), r.spent.Seconds(), res.Reasons)
			}
		}
	}
	return runs
}

func printSummary(name string, s summary) {
	fmt.Printf("| %s | %d | %.1f %% | %.0f %% | %.0f %% | %.1f %% | ±%.1f %% | %.0f %% | %.0f |\n", name, s.runs, 100*s.median, 100*s.within, 100*s.covered, 100*s.worst, 100*s.half, 100*s.because, s.sec)
}
