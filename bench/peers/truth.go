package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

// word is what a client reports beside what the server knows.
type word struct {
	quantiles
	record
}

// open has one client hold a rate to its end; ok is false where it cannot, or is not
// asked for its times.
func (b *bench) open(ctx context.Context, p peer, rate, parallel int, length time.Duration, how behaviour) (w word, ok bool, err error) {
	if p.program == "" || p.quantiles == nil {
		return w, false, nil
	}
	dir, err := os.MkdirTemp(b.dir, "open-")
	if err != nil {
		return w, false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l := b.load(dir, 16, false)
	l.rate, l.parallel, l.length = rate, parallel, length
	args, env, err := p.command(l)
	if err != nil {
		return w, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, length+time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := pinned(ctx, clientCore, p.program, args...)
	cmd.Env, cmd.Dir, cmd.Stdout = append(os.Environ(), env...), dir, &out
	if _, err := b.server.behave(how); err != nil {
		return w, false, err
	}
	var words lastWords
	cmd.Stderr = &words
	ended := cmd.Run() // how it ends says how it liked the server; what it reports is read
	if ctx.Err() != nil {
		return w, false, context.Cause(ctx)
	}
	if w.record, err = b.server.behave(behaviour{}); err != nil {
		return w, false, err
	}
	w.quantiles, err = p.quantiles(ctx, p, l, out.Bytes())
	if err != nil {
		return w, false, words.said(errors.Join(err, ended))
	}
	return w, true, nil
}

// known is a rate held against a server that takes a known time.
type known struct {
	service time.Duration
	rate    int
}

func truths() []known {
	return []known{{5 * time.Millisecond, 1000}, {20 * time.Millisecond, 1000}, {5 * time.Millisecond, 10_000}, {20 * time.Millisecond, 10_000}}
}

// truth holds open loops against a server that takes a given time for each request and
// notes it, and compares what clients report with what it noted.
func (b *bench) truth(ctx context.Context) error {
	for _, s := range truths() {
		words, failed := map[string][]word{}, mishaps{}
		for repeat := range b.Repeats {
			for _, p := range b.inTurn(repeat) {
				parallel := int(2*float64(s.rate)*s.service.Seconds()) + 16
				w, ok, err := b.open(ctx, p, s.rate, parallel, b.Hold, behaviour{Service: s.service})
				if err != nil {
					if err := b.survive(ctx, failed, p.name, err); err != nil {
						return fmt.Errorf("%s: %w", p.name, err)
					}
				}
				if ok {
					words[p.name] = append(words[p.name], w)
				}
			}
		}
		if err := b.truthTable(fmt.Sprintf("A server that takes %v, %d/s, load average %s:", s.service, s.rate, loadAverage()), words, failed); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) truthTable(title string, words map[string][]word, failed mishaps) error {
	err := b.head(title, "client", "requests", "server's p50, ms", "reported", "error", "server's p99, ms", "reported", "error", "client's own doubt", "failures")
	for _, p := range b.peers {
		have := words[p.name]
		if len(have) == 0 {
			if failed[p.name] != nil {
				err = errors.Join(err, b.row(p.name, "-", "-", "-", "-", "-", "-", "-", "-", failed.of(p.name)))
			}
			continue
		}
		of := func(value func(word) float64) string { return fmt.Sprintf("%.3f", median(each(have, value))) }
		share := func(reported, known func(word) time.Duration) string {
			return percent(median(each(have, func(w word) float64 { return float64(reported(w))/float64(known(w)) - 1 })))
		}
		err = errors.Join(err, b.row(p.name, fmt.Sprintf("%.0f", median(each(have, func(w word) float64 { return float64(w.Requests) }))),
			of(func(w word) float64 { return millis(w.P50) }), of(func(w word) float64 { return millis(w.p50) }),
			share(func(w word) time.Duration { return w.p50 }, func(w word) time.Duration { return w.P50 }),
			of(func(w word) float64 { return millis(w.P99) }), of(func(w word) float64 { return millis(w.p99) }),
			share(func(w word) time.Duration { return w.p99 }, func(w word) time.Duration { return w.P99 }),
			doubts(have), failed.of(p.name)))
	}
	return err
}

// doubts is the first doubt of some runs, and in how many there was one.
func doubts(have []word) string {
	n, first := 0, ""
	for _, w := range have {
		if w.doubt == "" {
			continue
		}
		if n++; n == 1 {
			first = w.doubt
		}
	}
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d runs INVALID: %s", n, len(have), first)
}

func percent(x float64) string { return fmt.Sprintf("%+.1f %%", 100*x) }

// The frozen server: it takes a millisecond, and once it answers nothing for a second.
const (
	frozenRate    = 1000
	frozenLength  = 10 * time.Second
	frozenService = time.Millisecond
	frozenAfter   = 5 * time.Second
	frozenFor     = time.Second
)

// frozen compares with what the responses must have been. Evenly spaced requests that fall
// into the freeze wait for its end, so a share of 1 s in 10 s waited for up to 1 s, evenly
// spread: the q-th quantile is 1 s × (1 − (1−q)·10), and what the service takes.
func (b *bench) frozen(ctx context.Context) error {
	words, failed := map[string][]word{}, mishaps{}
	for repeat := range b.Repeats {
		for _, p := range b.inTurn(repeat) {
			how := behaviour{Service: frozenService, FreezeAfter: frozenAfter, Freeze: frozenFor}
			w, ok, err := b.open(ctx, p, frozenRate, 1200, frozenLength, how)
			if err != nil {
				if err := b.survive(ctx, failed, p.name, err); err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
			}
			if ok {
				words[p.name] = append(words[p.name], w)
			}
		}
	}
	wait := func(q float64) time.Duration {
		in := 1 - (1-q)*frozenLength.Seconds()/frozenFor.Seconds()
		return time.Duration(math.Max(in, 0)*float64(frozenFor)) + frozenService
	}
	err := b.head(fmt.Sprintf("A server of %v that answers nothing for %v, %d/s for %v, load average %s:", frozenService, frozenFor, frozenRate, frozenLength, loadAverage()),
		"client", "p50, ms", "p99, ms", "error", "p99.9, ms", "error", "failures")
	err = errors.Join(err, b.row("the truth", fmt.Sprintf("%.1f", millis(wait(0.5))), fmt.Sprintf("%.0f", millis(wait(0.99))), "", fmt.Sprintf("%.0f", millis(wait(0.999))), "", ""))
	for _, p := range b.peers {
		have := words[p.name]
		if len(have) == 0 {
			if failed[p.name] != nil {
				err = errors.Join(err, b.row(p.name, "-", "-", "-", "-", "-", failed.of(p.name)))
			}
			continue
		}
		p50, p99, p999 := median(each(have, func(w word) float64 { return millis(w.p50) })), median(each(have, func(w word) float64 { return millis(w.p99) })),
			median(each(have, func(w word) float64 { return millis(w.p999) }))
		err = errors.Join(err, b.row(p.name, fmt.Sprintf("%.2f", p50), fmt.Sprintf("%.0f", p99), percent(p99/millis(wait(0.99))-1),
			fmt.Sprintf("%.0f", p999), percent(p999/millis(wait(0.999))-1), failed.of(p.name)))
	}
	return err
}
