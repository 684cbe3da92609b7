package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plimsoll/arrival"
)

// surroundings are what else the machine has to do.
type surroundings struct {
	name string
	core string // of the generator
	busy bool   // something else counts
	on   string // there
}

func allSurroundings() []surroundings {
	return []surroundings{
		{name: "an idle processor", core: clientCore},
		{name: "any processor while one of the two counts for another process", core: anyCore, busy: true, on: anyCore},
		{name: "a processor that also counts for another process", core: clientCore, busy: true, on: clientCore},
	}
}

func latenessRates() []float64 { return []float64{200, 1000, 10_000, 50_000} }

// lateness measures when requests arrive at the server, against the instants at which the
// schedule intended them: the generator's lateness, the way over loopback and the
// server's waking.
func (b *bench) lateness(ctx context.Context) error {
	for _, s := range allSurroundings() {
		if !b.asked(s.name) {
			continue
		}
		if err := b.latenessIn(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// hold is one schedule held: when requests came, and what the generator says of it.
type hold struct {
	held

	late   []float64 // microseconds, of those that came
	absent int       // intended in the window, and not come
}

func (b *bench) latenessIn(ctx context.Context, s surroundings) (err error) {
	err = b.head(fmt.Sprintf("The generator on %s, load average %s:", s.name, loadAverage()),
		"rate", "late at the server, p50, µs", "p99", "p99, least to most", "by the generator itself, p50", "p99", "not sent", "CPU", "INVALID")
	for _, rate := range latenessRates() {
		var all []hold
		for range b.Repeats {
			h, err := b.holdRate(ctx, s, rate)
			if err != nil {
				return err
			}
			all = append(all, h)
		}
		p99 := each(all, func(h hold) float64 { return quantile(h.late, 0.99) })
		err = errors.Join(err, b.row(fmt.Sprintf("%.0f/s", rate),
			fmt.Sprintf("%.0f", median(each(all, func(h hold) float64 { return quantile(h.late, 0.5) }))),
			fmt.Sprintf("%.0f", median(p99)), fmt.Sprintf("%.0f to %.0f", quantile(p99, 0), quantile(p99, 1)),
			fmt.Sprintf("%.0f", median(each(all, func(h hold) float64 { return micros(h.P50) }))),
			fmt.Sprintf("%.0f", median(each(all, func(h hold) float64 { return micros(h.P99) }))),
			fmt.Sprintf("%.2f %%", 100*median(each(all, func(h hold) float64 { return float64(h.absent) / float64(max(1, h.absent+len(h.late))) }))),
			fmt.Sprintf("%.2f", median(each(all, func(h hold) float64 { return h.CPU }))), invalid(all)))
	}
	return err
}

func invalid(all []hold) string {
	n, first := 0, ""
	for _, h := range all {
		if len(h.Doubts) > 0 {
			if n++; n == 1 {
				first = ": " + h.Doubts[0]
			}
		}
	}
	return fmt.Sprintf("%d of %d%s", n, len(all), first)
}

func (b *bench) holdRate(ctx context.Context, s surroundings, rate float64) (h hold, err error) {
	if s.busy {
		ctx, cancel := context.WithCancel(ctx)
		cmd, err := itself(ctx, s.on, roleBusy)
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			cancel()
			return h, err
		}
		defer func() {
			cancel()
			_ = cmd.Wait()
		}()
	}
	const settling = 500 * time.Millisecond
	window := b.Hold
	if _, err := b.server.behave(behaviour{Arrivals: int(rate*(settling+window).Seconds()) + 1}); err != nil {
		return h, err
	}
	if h.held, err = b.runGenerator(ctx, s.core, rate, settling, window); err != nil {
		return h, err
	}
	r, err := b.server.behave(behaviour{})
	if err != nil {
		return h, err
	}
	intended := arrival.Constant{Rate: arrival.Rate(rate)}.Cursor()
	for _, came := range r.Arrived {
		at, more := intended.Next()
		switch {
		case !more || at >= settling+window:
			return h, nil
		case at < settling:
		case came == 0:
			h.absent++
		default:
			h.late = append(h.late, micros(came-h.Started-at))
		}
	}
	return h, nil
}

// share is how much of the closed loop's rate the open loop is to hold.
const share = 0.9

// held asks for 90 % of what one processor does in a closed loop, as an open loop.
func (b *bench) held(ctx context.Context) error {
	var closed, asked, sent, late []float64
	var all []hold
	for range b.Repeats {
		most, err := b.runGenerator(ctx, clientCore, 0, settle, b.Window)
		if err != nil {
			return err
		}
		rate := share * most.PerSecond
		h, err := b.runGenerator(ctx, clientCore, rate, settle, 2*b.Window)
		if err != nil {
			return err
		}
		closed, asked = append(closed, most.PerSecond), append(asked, rate)
		sent = append(sent, h.PerSecond/rate)
		late = append(late, micros(h.P99))
		all = append(all, hold{held: h})
	}
	return errors.Join(b.head(fmt.Sprintf("%.0f %% of the closed loop's rate as an open loop, 16 B, load average %s:", 100*share, loadAverage()),
		"closed loop, requests/s", "asked of the open loop", "answered of what was asked", "least", "late by the generator itself, p99, µs", "CPU", "INVALID"),
		b.row(fmt.Sprintf("%.0f", median(closed)), fmt.Sprintf("%.0f", median(asked)), fmt.Sprintf("%.2f %%", 100*median(sent)), fmt.Sprintf("%.2f %%", 100*quantile(sent, 0)),
			fmt.Sprintf("%.0f", median(late)), fmt.Sprintf("%.2f", median(each(all, func(h hold) float64 { return h.CPU }))), invalid(all)))
}
