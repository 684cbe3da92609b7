package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll/internal/archetype"
)

func main() {
	truths := flag.String("truths", "", "compute the truths and write them to this file (minutes)")
	only := flag.String("archetype", "", "only archetypes whose name contains this")
	dev := flag.Bool("dev", false, "the development sets instead of those held out")
	seeds := flag.Int("seeds", 8, "seeds for each instance")
	budgets := flag.String("budgets", "60s,90s,170s,300s", "time budgets of the search")
	others := flag.Bool("baselines", false, "the rules of other tools instead of the search")
	knees := flag.Bool("knees", false, "compare the definitions of a knee")
	laws := flag.Bool("laws", false, "compare the scalability laws that sweeps recover with the true ones, for each of the budgets")
	write := flag.Bool("write", false, "measure everything on the held-out sets and write "+page+" and "+plot)
	verbose := flag.Bool("runs", false, "print every run")
	flag.Parse()
	if *truths != "" {
		text, err := writeTruths(*only, func(line string) { fmt.Fprintln(os.Stderr, line) })
		if err == nil {
			err = os.WriteFile(*truths, text, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *write {
		if err := writeAll(instances("", false), *seeds); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *knees {
		fmt.Print(compareKnees(steadyOnes(instances(*only, *dev))))
		return
	}
	if *laws {
		for text := range strings.SplitSeq(*budgets, ",") {
			budget, err := time.ParseDuration(text)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Println(compareLaws(instances("usl", *dev), *seeds, budget))
		}
		return
	}
	if *others {
		for _, m := range baselines() {
			show(m, steadyOnes(instances(*only, *dev)), *seeds, *verbose)
		}
		return
	}
	for text := range strings.SplitSeq(*budgets, ",") {
		budget, err := time.ParseDuration(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		show(search(budget), instances(*only, *dev), *seeds, *verbose)
	}
}

func show(m method, ins []archetype.Instance, seeds int, verbose bool) {
	runs := runAll(m, ins, seeds)
	if verbose {
		for _, r := range runs {
			t := r.in.Truth()
			fmt.Printf("%-10s %v truth %.4g of %.4g rate %.4g [%.4g %.4g] err %+.1f%% %s sat %.4g covered %v wide %v changed %v %.0fs %v\n", r.in.Name(), r.in.Objective,
				t.Peak, t.Saturation, r.rate, r.low, r.high, 100*(r.rate/t.Peak-1), r.cause, r.saturation, r.covers(), r.wide, r.changed, r.spent.Seconds(), r.reasons)
		}
	}
	steady := slices.DeleteFunc(slices.Clone(runs), func(r run) bool { return r.in.Family.Changes })
	fmt.Print(byFamily(m.name, runs), summarize(steady).searchRow("all stationary"), "\n")
}

// instances are those of one half of each family.
func instances(only string, dev bool) []archetype.Instance {
	var all []archetype.Instance
	for _, f := range archetype.Families() {
		for k := range archetype.Each {
			if dev == (k < archetype.Held) && strings.Contains(f.Name, only) {
				all = append(all, f.Instance(k))
			}
		}
	}
	return all
}

// steadyOnes are the instances that have a peak.
func steadyOnes(ins []archetype.Instance) []archetype.Instance {
	return slices.DeleteFunc(slices.Clone(ins), func(in archetype.Instance) bool { return in.Family.Changes })
}

// runAll runs a method with some seeds against each instance, in their order.
func runAll(m method, ins []archetype.Instance, seeds int) []run {
	return parallel(len(ins)*seeds, func(i int) run { return m.find(ins[i/seeds], uint64(i%seeds)+1) })
}

// parallel is f of 0 to n−1, on all processors.
func parallel[T any](n int, f func(i int) T) []T {
	out := make([]T, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				out[i] = f(i)
			}
		})
	}
	all.Wait()
	return out
}
