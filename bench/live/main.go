package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"plimsoll/internal/host"
)

// options are the flags.
type options struct {
	part     string
	servers  string
	out      string
	minutes  float64
	parallel int
	settle   time.Duration
	block    time.Duration
	times    int
	budget   time.Duration
	seed     uint64
	plimsoll string
	real     realServer
	files    []string
}

func main() {
	if err := mainly(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench/live:", err)
		os.Exit(1)
	}
}

func mainly(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return o.do(ctx, os.Stdout, os.Stderr)
}

func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("bench/live", flag.ContinueOnError)
	fs.StringVar(&o.part, "part", "", "truth, runs, or table, which takes files of records as arguments")
	fs.StringVar(&o.servers, "servers", eight, "modelled servers by kind and number, and "+scikit)
	fs.StringVar(&o.out, "out", "", "file that records are appended to")
	fs.Float64Var(&o.minutes, "minutes", 60, "truth: time for all servers")
	fs.IntVar(&o.parallel, "parallel", 8, "servers that are measured at once")
	fs.DurationVar(&o.settle, "settle", 8*time.Second, "truth: how long each load is held before its block")
	fs.DurationVar(&o.block, "block", time.Minute, "truth: length of a block")
	fs.IntVar(&o.times, "times", 5, "runs: searches of each server")
	fs.DurationVar(&o.budget, "budget", 170*time.Second, "runs: time budget of a search")
	fs.Uint64Var(&o.seed, "seed", 1, "of servers, arrivals and searches")
	fs.StringVar(&o.plimsoll, "plimsoll", "", "runs: the program (empty: it is built)")
	fs.IntVar(&o.real.port, "port", 18080, scikit+": its port")
	fs.StringVar(&o.real.cores, "cores", "0", scikit+": its processors; pin this program to others with taskset")
	fs.Float64Var(&o.real.rate, "rate", 2200, scikit+": about its peak, requests/s, where the truth begins")
	fs.StringVar(&o.real.slo, "slo", "p99=100ms", scikit+": its objective")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.files = fs.Args()
	return o, o.check()
}

// check reports every problem of the flags.
func (o options) check() error {
	var problems []error
	refuse := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	table := o.part == "table"
	switch {
	case o.part != "truth" && o.part != "runs" && !table:
		refuse("-part %q: want truth, runs or table", o.part)
	case table && len(o.files) == 0:
		refuse("-part table: give it the files of records, such as truth.jsonl runs.jsonl")
	case !table && o.out == "":
		refuse("-out is missing: the file that records are appended to")
	case !table && len(o.files) > 0:
		refuse("%q: only -part table takes arguments", o.files)
	}
	if !(o.minutes > 0) || o.parallel < 1 || o.settle <= 0 || o.block <= 0 || o.times < 1 || o.budget <= 0 || !(o.real.rate > 0) {
		refuse("-minutes %v, -parallel %d, -settle %v, -block %v, -times %d, -budget %v, -rate %v: each must be above zero", o.minutes, o.parallel, o.settle, o.block, o.times, o.budget, o.real.rate)
	}
	return errors.Join(problems...)
}

func (o options) do(ctx context.Context, out, progress io.Writer) (err error) {
	if o.part == "table" {
		all, err := readRecords(o.files)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, table(all))
		return err
	}
	var sleeper host.Sleeper
	defer sleeper.Close()
	all, err := subjects(o.servers, o.real, o.budget, &sleeper)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(o.out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	kept := &records{out: file}
	if o.part == "runs" {
		return measureRuns(ctx, all, runPlan{plimsoll: o.plimsoll, times: o.times, budget: o.budget, parallel: o.parallel, seed: o.seed}, kept, progress)
	}
	p := truthPlan{length: time.Duration(o.minutes * float64(time.Minute)), parallel: o.parallel, settle: o.settle, measure: o.block, seed: o.seed}
	return measureTruths(ctx, all, p, &sleeper, kept, progress)
}
