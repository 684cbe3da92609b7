package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll/arrival"
	"plimsoll/internal/host"
	"plimsoll/loadgen"
)

// bench prints a table for each question.
type bench struct {
	plan

	apart bool
	out   io.Writer
}

func (b bench) row(cells ...string) error {
	_, err := fmt.Fprintln(b.out, "| "+strings.Join(cells, " | ")+" |")
	return err
}

func (b bench) head(title string, cells ...string) error {
	if _, err := fmt.Fprintf(b.out, "\n%s\n\n", title); err != nil {
		return err
	}
	rule := slices.Repeat([]string{"---"}, len(cells))
	return errors.Join(b.row(cells...), b.row(rule...))
}

// emulate starts an emulator with a model behind it.
func (b bench) emulate(ctx context.Context, model string, more ...string) (*child, error) {
	args := append([]string{"emulate", "--listen", "127.0.0.1:0", "--endpoint", endpoint, "--model", model, "--seed", "1"}, more...)
	return startChild(ctx, b.apart, roleEmulator, args...)
}

// idle is an instance that has no work; what it is asked is answered at once.
const idle = "service=1us,workers=1000"

// contender is a server whose cost is measured.
type contender struct {
	name   string
	sign   bool
	child  *child
	driver driver
	costs  []cost
}

// cost measures what an invocation of an instance without work costs, beside that of a
// bare server. The servers take turns, so that what else the machine does meets all.
func (b bench) cost(ctx context.Context) (err error) {
	all := []*contender{{name: "net/http alone"}, {name: "emulator, auth off"}, {name: "emulator, auth on", sign: true}}
	defer func() {
		for _, c := range all {
			if c.child != nil {
				err = errors.Join(err, c.child.stop())
			}
		}
	}()
	for i, start := range []func() (*child, error){
		func() (*child, error) { return startChild(ctx, b.apart, roleBare) },
		func() (*child, error) { return b.emulate(ctx, idle, "--auth", "off") },
		func() (*child, error) { return b.emulate(ctx, idle) },
	} {
		c := all[i]
		if c.child, err = start(); err != nil {
			return err
		}
		if c.driver, err = drive(ctx, c.child, c.sign, b.Connections); err != nil {
			return err
		}
		defer c.driver.close()
	}
	for repeat := range b.Repeats + 1 {
		for _, c := range all {
			held, err := c.driver.hold(ctx, c.child, b.Connections, b.Window)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if repeat > 0 { // the first warms up
				c.costs = append(c.costs, held)
			}
		}
	}
	err = b.head(fmt.Sprintf("An invocation without work, %d connections, %d times %v:", b.Connections, b.Repeats, b.Window),
		"server", "CPU, µs/request", "least to most", "one core carries, requests/s", "by the wall clock", "generator's CPU, µs/request")
	for _, c := range all {
		err = errors.Join(err, b.row(c.cells()...))
	}
	return err
}

// cells are its row of the table.
func (c *contender) cells() []string {
	server := sorted(c.costs, func(c cost) float64 { return micros(c.server) })
	return []string{
		c.name, fmt.Sprintf("%.1f", median(server)), fmt.Sprintf("%.1f to %.1f", server[0], server[len(server)-1]),
		fmt.Sprintf("%.0f", 1e6/median(server)),
		fmt.Sprintf("%.0f", median(sorted(c.costs, func(c cost) float64 { return c.AchievedPerSecond() }))),
		fmt.Sprintf("%.1f", median(sorted(c.costs, func(c cost) float64 { return micros(c.client) }))),
	}
}

// sleeping is how long the many sleep.
const sleeping = 10 * time.Second

// crowd has many requests sleep in instances at once. They arrive evenly: as many as
// are wanted in the time that each takes (Little's law).
func (b bench) crowd(ctx context.Context) (err error) {
	const spare = 500
	if files := host.OpenFiles(); files > 0 && files < uint64(b.Concurrent+2*spare) {
		return fmt.Errorf("concurrent %d: a process may open %d files here; raise the limit (ulimit -n) or ask for fewer", b.Concurrent, files)
	}
	c, err := b.emulate(ctx, fmt.Sprintf("service=%v,workers=%d", sleeping, 2*b.Concurrent), "--auth", "off")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	d, err := driveLate(ctx, c, sleeping, b.Concurrent+spare)
	if err != nil {
		return err
	}
	defer d.close()
	rate := arrival.Rate(float64(b.Concurrent) / sleeping.Seconds())
	load := loadgen.Load{Schedule: arrival.Constant{Rate: rate}, Settle: sleeping * 3 / 2, Measure: sleeping, Patience: 2 * sleeping}
	begin := time.Now()
	sampling, stop := context.WithCancel(ctx)
	defer stop()
	sampled := make(chan []float64)
	go func() { sampled <- d.inFlight(sampling, begin.Add(load.Settle), begin.Add(load.Settle+load.Measure)) }()
	m, err := d.Run(ctx, load)
	stop()
	inFlight := <-sampled
	if err != nil {
		return err
	}
	u, err := c.ask(askMemory)
	if err != nil {
		return err
	}
	over := d.late.take()
	if len(inFlight) == 0 || len(over) == 0 {
		return errors.New("the load ended before it was measured")
	}
	slices.Sort(inFlight)
	return errors.Join(b.head(fmt.Sprintf("%d requests a second, each sleeping %v in an instance, for %v:", int(rate), sleeping, load.Measure),
		"in flight, least to most", "answered", "failed or unanswered", "p50 over the model, ms", "p99", "heap, MB", "heap for each, kB"),
		b.row(fmt.Sprintf("%.0f to %.0f", inFlight[0], inFlight[len(inFlight)-1]),
			fmt.Sprint(m.Counts.Successes), fmt.Sprint(m.Counts.Failed()+m.Counts.Unanswered),
			fmt.Sprintf("%.2f", quantile(over, 0.5)), fmt.Sprintf("%.2f", quantile(over, 0.99)),
			fmt.Sprintf("%.0f", megabytes(u.Heap)), fmt.Sprintf("%.1f", 1000*megabytes(u.Heap)/float64(b.Concurrent))))
}

// inFlight samples how many requests are in flight between two instants.
func (d driver) inFlight(ctx context.Context, from, to time.Time) (samples []float64) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return samples
		case now := <-ticker.C:
			if m, ok := d.Snapshot(); ok && now.After(from) && now.Before(to) {
				samples = append(samples, float64(m.Client.InFlight))
			}
		}
	}
}

// memory watches the heap over many signed invocations.
func (b bench) memory(ctx context.Context) (err error) {
	c, err := b.emulate(ctx, idle)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := b.head("Memory over many signed invocations:", "invocations", "heap after a collection, MB", "from the system, MB", "CPU, µs/request"); err != nil {
		return err
	}
	const rows = 10
	var sent int64
	var used time.Duration
	for begin := time.Now(); ; {
		u, err := c.ask(askMemory)
		if err != nil {
			return err
		}
		each := "-"
		if sent > 0 {
			each = fmt.Sprintf("%.1f", micros(u.CPU-used)/float64(sent))
		} else {
			used = u.CPU
		}
		if err := b.row(fmt.Sprint(sent), fmt.Sprintf("%.2f", megabytes(u.Heap)), fmt.Sprintf("%.1f", megabytes(u.Held)), each); err != nil {
			return err
		}
		if sent >= b.Invocations || time.Since(begin) > b.AtMost {
			return nil
		}
		for until := min(b.Invocations, sent+b.Invocations/rows); sent < until; {
			n, err := b.send(ctx, c)
			if err != nil {
				return err
			}
			sent += n
		}
	}
}

// send loads a child for a window with requests that are signed anew.
func (b bench) send(ctx context.Context, c *child) (int64, error) {
	d, err := drive(ctx, c, true, b.Connections)
	if err != nil {
		return 0, err
	}
	defer d.close()
	held, err := d.hold(ctx, c, b.Connections, b.Window)
	return held.Counts.Requests, err
}

// offered is the rate at which overshoot is measured: low enough that the server's core
// is mostly idle.
const offered = 200

// overshoot measures how much later than the model says answers arrive, the way over
// loopback and the generator's own waking included.
func (b bench) overshoot(ctx context.Context) error {
	err := b.head(fmt.Sprintf("How late modelled answers are, Poisson arrivals at %d/s, %d times %v:", offered, b.Repeats, b.Window),
		"service time", "p50 over it, ms", "p99 over it, ms", "p99, least to most")
	for _, service := range []time.Duration{time.Microsecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		err = errors.Join(err, b.overshootOf(ctx, service))
	}
	return err
}

func (b bench) overshootOf(ctx context.Context, service time.Duration) (err error) {
	c, err := b.emulate(ctx, fmt.Sprintf("service=%v,workers=1000", service), "--auth", "off")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	d, err := driveLate(ctx, c, service, 1000)
	if err != nil {
		return err
	}
	defer d.close()
	var half, most []float64
	for repeat := range b.Repeats {
		m, err := d.Run(ctx, loadgen.Load{
			Schedule: arrival.Poisson{Rate: offered, Seed: uint64(repeat)}, Settle: time.Second + service, Measure: b.Window, Patience: 2 * time.Second,
		})
		if err != nil {
			return err
		}
		if n := m.Counts.Failed() + m.Counts.Unanswered; n > 0 {
			return fmt.Errorf("service %v: %d of %d requests failed: %+v", service, n, m.Counts.Requests, m.Samples)
		}
		if over := d.late.take(); len(over) > 0 {
			half, most = append(half, quantile(over, 0.5)), append(most, quantile(over, 0.99))
		}
	}
	slices.Sort(half)
	slices.Sort(most)
	name := service.String()
	if service < time.Millisecond {
		name += " (not slept: the round trip alone)"
	}
	return b.row(name, fmt.Sprintf("%.2f", median(half)), fmt.Sprintf("%.2f", median(most)), fmt.Sprintf("%.2f to %.2f", most[0], most[len(most)-1]))
}

func sorted(costs []cost, of func(cost) float64) []float64 {
	values := make([]float64, 0, len(costs))
	for _, c := range costs {
		values = append(values, of(c))
	}
	slices.Sort(values)
	return values
}

// median is that of sorted values.
func median(values []float64) float64 { return values[len(values)/2] }

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
func megabytes(bytes uint64) float64 { return float64(bytes) / 1e6 }
