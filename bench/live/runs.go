package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/internal/host"
)

// runPlan is how the searches are run.
type runPlan struct {
	plimsoll string // the program
	times    int
	budget   time.Duration
	parallel int // searches at once, each of another server
	seed     uint64
}

// run is one search of a server, as it is kept.
type run struct {
	Server     string         `json:"server"`
	Objective  string         `json:"objective"`
	Number     int            `json:"number"` // from 1
	Seed       uint64         `json:"seed"`
	Budget     float64        `json:"budget_seconds"`
	Started    time.Time      `json:"started"`
	Peak       float64        `json:"peak_per_second"`
	Low        float64        `json:"low_per_second"`
	High       float64        `json:"high_per_second"`
	Cause      capacity.Cause `json:"cause"`
	Saturation float64        `json:"saturation_per_second,omitempty"`
	Valid      bool           `json:"valid"`
	Wide       bool           `json:"wide"`
	Changed    bool           `json:"changed"`
	Reasons    []string       `json:"reasons,omitempty"`
	Ended      string         `json:"ended"`
	Requests   int64          `json:"requests_sent"`
	Seconds    float64        `json:"seconds"`
	Exit       int            `json:"exit"`
	Client     float64        `json:"client_cpu"`            // processors that plimsoll used
	Servers    float64        `json:"servers_cpu"`           // processors that all modelled servers together used meanwhile
	Answers    *lateness      `json:"server_late,omitempty"` // unknown of a real server
}

// measureRuns runs the searches, the first of every server before the second of any.
func measureRuns(ctx context.Context, all []subject, p runPlan, out *records, progress io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "plimsoll-live-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.WriteFile(filepath.Join(dir, payloadFile), []byte(content), 0o600); err != nil {
		return err
	}
	if p.plimsoll == "" {
		if p.plimsoll, err = build(ctx, dir); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for number := 1; number <= p.times; number++ {
		places := make(chan struct{}, p.parallel)
		var group sync.WaitGroup
		for _, s := range all {
			places <- struct{}{}
			group.Go(func() {
				defer func() { <-places }()
				if err := p.one(ctx, s, number, dir, out, progress); err != nil {
					stop(fmt.Errorf("%s, run %d: %w", s.name, number, err))
				}
			})
		}
		group.Wait()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// payloadFile holds what is sent.
const payloadFile = "body.csv"

// build makes the program of this source.
func build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "plimsoll")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", program, "plimsoll/cmd/plimsoll").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building plimsoll: %w: %s", err, text)
	}
	return program, nil
}

// one runs one search against a fresh server.
func (p runPlan) one(ctx context.Context, s subject, number int, dir string, out *records, progress io.Writer) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	seed := p.seed + uint64(number)
	e, err := s.start(ctx, seed, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	found, result, err := p.find(ctx, e, s, seed, number, dir)
	if err != nil {
		return err
	}
	found.enter(result)
	if e.lateness != nil {
		late := e.lateness()
		found.Answers = &late
	}
	_, _ = fmt.Fprintln(progress, found.describe(s))
	return out.write(record{Run: &found})
}

// find is plimsoll find as a user runs it, in a process of its own.
func (p runPlan) find(ctx context.Context, e *endpoint, s subject, seed uint64, number int, dir string) (run, experiment.Result, error) {
	r := run{Server: s.name, Objective: s.objective.String(), Number: number, Seed: seed, Budget: p.budget.Seconds(), Started: time.Now()}
	cmd := exec.CommandContext(ctx, p.plimsoll, "find", "--url", e.url, "--payload", filepath.Join(dir, payloadFile), "--content-type", contentType,
		"--slo", r.Objective, "--budget", p.budget.String(), "--seed", fmt.Sprint(seed), "--dir", filepath.Join(dir, fmt.Sprintf("%s-%d", strings.ReplaceAll(s.name, "/", "-"), number)),
		"--output", "json", "--quiet")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	var text, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &complaint
	before := host.CPU()
	err := cmd.Run()
	took := time.Since(r.Started).Seconds()
	r.Servers = (host.CPU() - before).Seconds() / took
	var result experiment.Result
	if ctx.Err() != nil {
		return r, result, context.Cause(ctx)
	}
	if cmd.ProcessState == nil {
		return r, result, err
	}
	r.Exit = cmd.ProcessState.ExitCode()
	r.Client = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() / took
	if text.Len() == 0 { // other exit codes are outcomes of the search
		return r, result, fmt.Errorf("plimsoll find: exit code %d: %s", r.Exit, bytes.TrimSpace(complaint.Bytes()))
	}
	if err := json.Unmarshal(text.Bytes(), &result); err != nil {
		return r, result, fmt.Errorf("reading the result of plimsoll find: %w", err)
	}
	return r, result, nil
}

// enter takes over what the search has found.
func (r *run) enter(from experiment.Result) {
	p := from.Peak
	r.Peak, r.Low, r.High = value(p.Rate), value(p.Low), value(p.High)
	r.Cause, r.Valid, r.Wide, r.Changed, r.Reasons, r.Ended = p.Cause, p.Valid, p.Wide, p.Changed, p.Reasons, p.Ended
	r.Requests, r.Seconds = from.RequestsSent, from.DurationSeconds
	if from.Saturation != nil {
		r.Saturation = from.Saturation.Rate
	}
}

// value is 0 for what is not known.
func value(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}

func (r *run) describe(s subject) string {
	text := fmt.Sprintf("%s %-11s run %d peak %8.2f/s [%.2f, %.2f] of %.2f %s saturation %.2f %d requests %.0f s cpu %.2f, servers %.2f", time.Now().UTC().Format(time.TimeOnly),
		r.Server, r.Number, r.Peak, r.Low, r.High, s.virtual.Peak, r.Cause, r.Saturation, r.Requests, r.Seconds, r.Client, r.Servers)
	if r.Answers != nil {
		text += fmt.Sprintf(" answers late %.3f/%.2f ms", r.Answers.P50, r.Answers.P99)
	}
	if !r.Valid {
		text += fmt.Sprintf(" INVALID %q", r.Reasons)
	}
	return text
}
