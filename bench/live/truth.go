package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"plimsoll/internal/host"
)

// truthPlan is how long and how the live truths are measured.
type truthPlan struct {
	length   time.Duration // in all
	parallel int           // servers at once
	settle   time.Duration // before each block
	measure  time.Duration // each block
	seed     uint64
}

// measureTruths measures every server, some at a time; each has its part of the length.
func measureTruths(ctx context.Context, all []subject, p truthPlan, sleeper *host.Sleeper, out *records, progress io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	turns := (len(all) + p.parallel - 1) / p.parallel
	each := p.length / time.Duration(turns)
	for len(all) > 0 {
		n := min(p.parallel, len(all))
		var group sync.WaitGroup
		for i, s := range all[:n] {
			group.Go(func() {
				// Started apart, so that not all of them connect and settle at once.
				if err := wait(ctx, time.Duration(i)*p.settle/time.Duration(n)); err != nil {
					return
				}
				if err := measureTruth(ctx, s, p, each, sleeper, out, progress); err != nil {
					stop(fmt.Errorf("%s: %w", s.name, err))
				}
			})
		}
		group.Wait()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		all = all[n:]
	}
	return nil
}

// measureTruth holds rounds of blocks until its time is over.
func measureTruth(ctx context.Context, s subject, p truthPlan, length time.Duration, sleeper *host.Sleeper, out *records, progress io.Writer) (err error) {
	end := time.Now().Add(length)
	h, err := newHolder(ctx, s, p.seed, sleeper)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.warm(ctx, p); err != nil {
		return err
	}
	var have []block
	chance := rand.New(rand.NewPCG(p.seed, 3))
	last := time.Duration(0) // that a block has taken
	for seed := p.seed << 20; ; {
		rates := ladder(s, have, chance)
		for _, rate := range rates {
			if time.Now().Add(max(last, p.settle+p.measure)).After(end) {
				return nil
			}
			began := time.Now()
			seed++
			b, err := h.hold(ctx, rate, parallelFor(rate), seed, p.settle, p.measure)
			if err != nil {
				return err
			}
			last = time.Since(began)
			if err := out.write(record{Block: &b}); err != nil {
				return err
			}
			_, _ = fmt.Fprintln(progress, describe(b))
			have = append(have, b)
		}
	}
}

// saturating is how many requests in flight never let a server idle.
const saturating = 64

// parallelFor is of a closed loop where there is no rate.
func parallelFor(rate float64) int {
	if rate > 0 {
		return 0
	}
	return saturating
}

// ladder is a round of rates in random order; 0 is a closed loop.
func ladder(s subject, have []block, chance *rand.Rand) []float64 {
	if s.ratio > 0 {
		return []float64{0}
	}
	peak, slope := s.estimate, s.slope
	if c, err := s.cross(have); err == nil {
		// Bounded, for the first rounds know little.
		peak = min(1.1*peak, max(0.9*peak, c.rate))
		slope = min(3*slope, max(slope/3, c.slope))
	}
	var rates []float64
	for _, times := range []float64{0.5, math.Sqrt(0.5), 1, math.Sqrt2, 2} {
		rates = append(rates, peak*math.Pow(times, 1/slope))
	}
	if s.real {
		rates = append(rates, 0)
	}
	chance.Shuffle(len(rates), func(i, j int) { rates[i], rates[j] = rates[j], rates[i] })
	return rates
}

// cross is where the server's blocks pass its budget; with the slope of a modelled one
// where they do not tell it, or the line that fits is far from most of them.
func (s subject) cross(have []block) (crossing, error) {
	all := points(have)
	c, err := cross(all, s.objective.Budget())
	if !s.real && (err != nil || 2*c.used < len(all)) {
		return crossSteep(all, s.objective.Budget(), s.slope)
	}
	return c, err
}

// points are the blocks of the open loop that may be believed.
func points(have []block) (out []point) {
	for _, b := range have {
		if b.Kind == openLoop && len(b.Doubts) == 0 {
			out = append(out, point{rate: b.Rate, total: float64(b.Requests), bad: float64(b.Bad)})
		}
	}
	return out
}

// warm connects, and empties the bucket of a server that refuses: it is full at first,
// and in the long run, at the peak, it is not.
func (h *holder) warm(ctx context.Context, p truthPlan) error {
	rate, length := h.subject.estimate, p.settle
	if h.subject.refuses {
		rate, length = 1.25*rate, max(length, 5*p.settle)
	}
	_, err := h.hold(ctx, rate, 0, p.seed, 0, length)
	return err
}

func describe(b block) string {
	text := fmt.Sprintf("%s %-11s %s %8.2f/s bad %6.3f %% of %6d p99 %7.2f ms completed %8.2f/s", b.Started.UTC().Format(time.TimeOnly), b.Server, b.Kind, b.Rate,
		100*float64(b.Bad)/float64(max(1, b.Requests)), b.Requests, b.P99, float64(b.Completed)/b.Seconds)
	text += fmt.Sprintf(" sends late %.3f/%.2f ms", b.Client.P50, b.Client.P99)
	if b.Answers != nil {
		text += fmt.Sprintf(" answers late %.3f/%.2f ms", b.Answers.P50, b.Answers.P99)
	}
	text += fmt.Sprintf(" cpu %.2f machine %.2f", b.CPU, b.Machine)
	return strings.Join(append([]string{text}, b.Doubts...), "; DOUBT: ")
}

// wait is a sleep that the context ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
