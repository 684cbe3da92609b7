package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"plimsoll/arrival"
	"plimsoll/emulator"
	"plimsoll/fleet"
	"plimsoll/internal/host"
	"plimsoll/loadgen"
)

// How late sleeps end, measured where they end: inside the emulator's process, from the
// instant that the model gives until its handler goes on. No network is in it.

// lateness is of many sleeps, in milliseconds.
type lateness struct {
	N             int
	P50, P99, Max float64
}

// noted is a sleep that notes how late it ends.
type noted struct {
	sleeper host.Sleeper

	mu   sync.Mutex
	late []time.Duration
}

func (n *noted) sleep(ctx context.Context, until time.Time) {
	n.sleeper.Wait(ctx, until)
	late := time.Since(until)
	n.mu.Lock()
	n.late = append(n.late, late)
	n.mu.Unlock()
}

// take is what was noted since the last call.
func (n *noted) take() lateness {
	n.mu.Lock()
	late := n.late
	n.late = nil
	n.mu.Unlock()
	if len(late) == 0 {
		return lateness{}
	}
	slices.Sort(late)
	at := func(q float64) float64 { return late[int(q*float64(len(late)-1))].Seconds() * 1000 }
	return lateness{N: len(late), P50: at(0.5), P99: at(0.99), Max: at(1)}
}

// serveNoted serves the model of the first argument and notes its sleeps, while as many
// others as the second says sleep for a second each, again and again.
func serveNoted(args []string) error {
	if len(args) != 2 {
		return errors.New("want a model and a number of others")
	}
	model, err := fleet.ParseModel(args[0])
	if err != nil {
		return err
	}
	var others int
	if _, err := fmt.Sscan(args[1], &others); err != nil {
		return err
	}
	n := &noted{}
	defer n.sleeper.Close()
	e, err := emulator.New(emulator.Options{Model: model, Endpoints: []emulator.Endpoint{{Name: endpoint}}, Speed: 1, NoAuth: true, Sleep: n.sleep})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is not waited for
	if err != nil {
		return errors.Join(err, e.Close())
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: e}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	for k := range others {
		go sleepOn(&n.sleeper, time.Duration(k)*time.Second/time.Duration(others))
	}
	if _, err := fmt.Printf("serving at http://%s\n", listener.Addr()); err != nil {
		return errors.Join(err, server.Close(), e.Close())
	}
	select {
	case err = <-ended:
	case <-answerParent(n):
		err = server.Close()
	}
	return errors.Join(err, e.Close())
}

// sleepOn sleeps for a second each, as long as the process lives.
func sleepOn(s *host.Sleeper, phase time.Duration) {
	for until := time.Now().Add(phase); ; until = until.Add(time.Second) {
		s.Wait(context.Background(), until)
	}
}

// together notes how late many sleeps are that end at one instant.
func (n *noted) together(many int) {
	var all sync.WaitGroup
	until := time.Now().Add(500 * time.Millisecond)
	for range many {
		all.Go(func() { n.sleep(context.Background(), until) })
	}
	all.Wait()
}

// asleep measures sleeps in the emulator's process.
func (b bench) asleep(ctx context.Context) error {
	err := b.head(fmt.Sprintf("How late sleeps end inside the emulator, Poisson arrivals, %d times %v each:", b.Repeats, b.Window),
		"service time", "asleep at once, on average", "sleeps that end, /s", "p50, ms", "p99, ms", "max, ms", "p99, least to most", "server's core busy")
	for _, service := range []time.Duration{5 * time.Millisecond, 10 * time.Millisecond, 40 * time.Millisecond} {
		for _, row := range []struct{ asleep, others int }{{1, 0}, {16, 0}, {16, 984}} {
			err = errors.Join(err, b.asleepOf(ctx, service, row.asleep, row.others))
		}
	}
	return errors.Join(err, b.endTogether(ctx))
}

func (b bench) asleepOf(ctx context.Context, service time.Duration, asleep, others int) (err error) {
	c, err := startChild(ctx, b.apart, roleNoted, fmt.Sprintf("service=%v,workers=100000", service), fmt.Sprint(others))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	d, err := drive(ctx, c, false, 50*asleep+100)
	if err != nil {
		return err
	}
	defer d.close()
	rate := float64(asleep) / service.Seconds() // Little's law
	var half, most, worst, busy []float64
	for repeat := range b.Repeats + 1 {
		before, err := c.ask(askCPU)
		if err != nil {
			return err
		}
		m, err := d.Run(ctx, loadgen.Load{Schedule: arrival.Poisson{Rate: arrival.Rate(rate), Seed: uint64(repeat)}, Measure: b.Window, Patience: time.Second})
		if err != nil {
			return err
		}
		if n := m.Counts.Failed() + m.Counts.Unanswered; n > 0 {
			return fmt.Errorf("service %v, %d asleep: %d of %d requests failed: %+v", service, asleep, n, m.Counts.Requests, m.Samples)
		}
		u, err := c.ask(askLate)
		if err != nil {
			return err
		}
		if repeat == 0 { // it warms up
			continue
		}
		half, most, worst = append(half, u.Late.P50), append(most, u.Late.P99), append(worst, u.Late.Max)
		busy = append(busy, (u.CPU-before.CPU).Seconds()/b.Window.Seconds())
	}
	for _, values := range [][]float64{half, most, worst, busy} {
		slices.Sort(values)
	}
	return b.row(service.String(), fmt.Sprint(asleep+others), fmt.Sprintf("%.0f", rate+float64(others)), fmt.Sprintf("%.3f", median(half)), fmt.Sprintf("%.3f", median(most)),
		fmt.Sprintf("%.2f", worst[len(worst)-1]), fmt.Sprintf("%.3f to %.3f", most[0], most[len(most)-1]), fmt.Sprintf("%.0f %%", 100*median(busy)))
}

// endTogether measures sleeps that all end at one instant, the worst that can be.
func (b bench) endTogether(ctx context.Context) (err error) {
	c, err := startChild(ctx, b.apart, roleNoted, idle, "0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := b.head(fmt.Sprintf("Sleeps that end at one instant, %d times:", b.Repeats), "sleeps", "p50, ms", "p99, ms", "max, ms"); err != nil {
		return err
	}
	for _, many := range []int{16, 1000, 10_000} {
		var half, most, worst []float64
		for range b.Repeats {
			u, err := c.ask(fmt.Sprintf("%s %d", askTogether, many))
			if err != nil {
				return err
			}
			half, most, worst = append(half, u.Late.P50), append(most, u.Late.P99), append(worst, u.Late.Max)
		}
		for _, values := range [][]float64{half, most, worst} {
			slices.Sort(values)
		}
		if err := b.row(fmt.Sprint(many), fmt.Sprintf("%.3f", median(half)), fmt.Sprintf("%.3f", median(most)), fmt.Sprintf("%.2f", worst[len(worst)-1])); err != nil {
			return err
		}
	}
	return nil
}
