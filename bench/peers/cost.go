package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// cell is one kind of load whose cost is measured, in a closed loop.
type cell struct {
	name     string
	bytes    int
	parallel int
	secure   bool // over TLS
	close    bool // the server closes the connection after each answer
	sign     bool // with the clients that sign
	long     bool // only where the long table is asked for
}

func cells() []cell {
	return []cell{
		{name: "16 B", bytes: 16, parallel: 64},
		{name: "1 kB on 1 connection", bytes: 1000, parallel: 1},
		{name: "1 kB", bytes: 1000, parallel: 64, sign: true},
		{name: "1 kB on 1000 connections", bytes: 1000, parallel: 1000},
		{name: "1 kB on 10 000 connections", bytes: 1000, parallel: 10_000, long: true},
		{name: "50 kB", bytes: 50_000, parallel: 64, sign: true},
		{name: "6 MB on 4 connections", bytes: 6_000_000, parallel: 4},
		{name: "1 kB over TLS", bytes: 1000, parallel: 64, secure: true, sign: true},
		{name: "50 kB over TLS", bytes: 50_000, parallel: 64, secure: true, long: true},
		{name: "1 kB with a connection each", bytes: 1000, parallel: 64, close: true},
	}
}

// sample is one run of one client.
type sample struct {
	cpu    float64 // microseconds of processor time for each request
	rate   float64 // requests per second
	memory float64 // most that it had, in MB
}

// inTurn is all clients, each repetition beginning with another: what else the machine
// does, and what the client before leaves of its caches, meets all of them.
func (b *bench) inTurn(repeat int) []peer {
	from := repeat * 3 % len(b.peers)
	return slices.Concat(b.peers[from:], b.peers[:from])
}

// cost measures what a request costs each client, which take turns.
func (b *bench) cost(ctx context.Context) error {
	for _, c := range b.chosenCells() {
		samples, failed := map[string][]sample{}, mishaps{}
		for repeat := range b.Repeats {
			for _, p := range b.inTurn(repeat) {
				s, ok, err := b.costOf(ctx, c, p)
				if err != nil {
					if err := b.survive(ctx, failed, p.name, err); err != nil {
						return fmt.Errorf("%s, %s: %w", c.name, p.name, err)
					}
				} else if ok {
					samples[p.name] = append(samples[p.name], s)
				}
			}
		}
		if err := b.costTable(c, samples, failed); err != nil {
			return err
		}
	}
	return nil
}

// takes says whether a client is measured with a load.
func (p peer) takes(c cell) bool {
	return p.program != "" && (p.most == 0 || c.parallel <= p.most) && (c.sign || !signs(p))
}

func signs(p peer) bool { return p.name == signed || p.name == sdk }

// costOf runs one client once; ok is false where that makes no sense.
func (b *bench) costOf(ctx context.Context, c cell, p peer) (s sample, ok bool, err error) {
	if !p.takes(c) {
		return s, false, nil
	}
	dir, err := os.MkdirTemp(b.dir, "cost-")
	if err != nil {
		return s, false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l := b.load(dir, c.bytes, c.secure)
	l.parallel, l.length = c.parallel, time.Minute // it is ended before
	args, env, err := p.command(l)
	if errors.Is(err, errOpenOnly) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	cmd := pinned(ctx, clientCore, p.program, args...)
	cmd.Env, cmd.Dir = append(os.Environ(), env...), dir
	s, err = b.observe(ctx, cmd, behaviour{Close: c.close}, settling(c.parallel))
	return s, err == nil, err
}

// settle is how long a client that has begun to send is left alone, so that its start
// and its opening of connections are over.
const settle = 700 * time.Millisecond

// settling is settle, and what many connections take to be opened.
func settling(connections int) time.Duration {
	return settle + time.Duration(connections)*300*time.Microsecond
}

// observe starts a client, lets it get going, and takes its processor time and the
// server's count of requests over a window. Then it ends the client.
func (b *bench) observe(ctx context.Context, cmd *exec.Cmd, how behaviour, left time.Duration) (s sample, err error) {
	var words lastWords
	cmd.Stderr = &words
	if _, err := b.server.behave(how); err != nil {
		return s, err
	}
	if err := cmd.Start(); err != nil {
		return s, err
	}
	defer func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
		err = words.said(err)
	}()
	if err := b.awaitRequests(ctx, how); err != nil {
		return s, err
	}
	time.Sleep(left)
	pid := cmd.Process.Pid
	used, err := processorTime(pid)
	if err != nil {
		return s, err
	}
	if _, err := b.server.behave(how); err != nil {
		return s, err
	}
	begin := time.Now()
	time.Sleep(b.Window)
	r, err := b.server.behave(how)
	if err != nil {
		return s, err
	}
	length := time.Since(begin)
	after, err := processorTime(pid)
	if err != nil {
		return s, err
	}
	most, err := peakMemory(pid)
	if err != nil {
		return s, err
	}
	if r.Requests == 0 {
		return s, errors.New("no request came")
	}
	return sample{cpu: micros(after-used) / float64(r.Requests), rate: float64(r.Requests) / length.Seconds(), memory: float64(most) / 1e6}, nil
}

// awaitRequests returns when requests come, which with k6 takes a while.
func (b *bench) awaitRequests(ctx context.Context, how behaviour) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r, err := b.server.behave(how)
		if err != nil || r.Requests > 0 {
			return err
		}
	}
	return errors.New("no request came within 20 s")
}

// costTable shows one cell. Ratios are of runs of the same repetition, and their median.
func (b *bench) costTable(c cell, samples map[string][]sample, failed mishaps) error {
	err := b.head(fmt.Sprintf("%s (%d connections), load average %s:", c.name, c.parallel, loadAverage()),
		"client", "CPU, µs/request", "least to most", "of wrk's", "of ours", "requests/s", "memory, MB", "failures")
	for _, p := range b.peers {
		have := samples[p.name]
		if len(have) == 0 {
			if failed[p.name] != nil {
				err = errors.Join(err, b.row(p.name, "-", "-", "-", "-", "-", "-", failed.of(p.name)))
			}
			continue
		}
		cpu := each(have, func(s sample) float64 { return s.cpu })
		base := plimsoll
		if signs(p) {
			base = signed
		}
		err = errors.Join(err, b.row(p.name, fmt.Sprintf("%.3g", median(cpu)), fmt.Sprintf("%.3g to %.3g", slices.Min(cpu), slices.Max(cpu)),
			ratio(have, samples[wrk]), ratio(have, samples[base]),
			fmt.Sprintf("%.0f", median(each(have, func(s sample) float64 { return s.rate }))),
			fmt.Sprintf("%.0f", median(each(have, func(s sample) float64 { return s.memory }))), failed.of(p.name)))
	}
	return err
}

func ratio(have, base []sample) string {
	if len(base) != len(have) {
		return "-"
	}
	ratios := make([]float64, len(have))
	for i := range have {
		ratios[i] = have[i].cpu / base[i].cpu
	}
	return fmt.Sprintf("%.2f", median(ratios))
}

// load is what every client is given: where to send, and what.
func (b *bench) load(dir string, bytes int, secure bool) load {
	l := load{url: "http://" + b.server.Plain + requestPath, dir: dir, body: b.body(bytes), ca: filepath.Join(b.dir, "ca.pem")}
	if secure {
		l.url = "https://" + b.server.Secure + requestPath
	}
	return l
}
