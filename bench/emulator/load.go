package main

import (
	"context"
	"fmt"
	"net/url"
	"runtime"
	"time"

	"plimsoll/httptarget"
	"plimsoll/internal/host"
	"plimsoll/loadgen"
)

const (
	endpoint = "demo"
	payload  = "5.1,3.5,1.4,0.2\n"
)

// one is a corpus of one body.
type one struct{}

func (one) Body(uint64, []byte) (index int, content []byte) { return 0, nil }

// driver loads a child.
type driver struct {
	*loadgen.Generator

	late    *late
	sleeper *host.Sleeper
}

func (d driver) close() {
	d.Close()
	d.sleeper.Close()
}

// options are those of a target that sends the one body to a child, signed or not.
func options(c *child, sign bool) (httptarget.Options, error) {
	o := httptarget.Options{URL: c.url, Bodies: []httptarget.Body{{Content: []byte(payload), ContentType: "text/csv", Accept: "text/csv"}}}
	if !sign {
		return o, nil
	}
	address, err := url.Parse(c.url)
	if err == nil {
		o.Header = signed(address, []byte(payload), time.Now())
	}
	return o, err
}

// drive makes a generator for a child.
func drive(ctx context.Context, c *child, sign bool, sessions int) (driver, error) {
	o, err := options(c, sign)
	if err != nil {
		return driver{}, err
	}
	target, err := httptarget.New(o)
	if err != nil {
		return driver{}, err
	}
	return generate(ctx, target, sessions)
}

// driveLate makes one that notes how late answers are.
func driveLate(ctx context.Context, c *child, service time.Duration, sessions int) (driver, error) {
	o, err := options(c, false)
	if err != nil {
		return driver{}, err
	}
	target, err := httptarget.New(o)
	if err != nil {
		return driver{}, err
	}
	noted := &late{Target: target, service: service}
	d, err := generate(ctx, noted, sessions)
	d.late = noted
	return d, err
}

func generate(ctx context.Context, target loadgen.Target, sessions int) (driver, error) {
	d := driver{sleeper: &host.Sleeper{}}
	var err error
	d.Generator, err = loadgen.New(ctx, loadgen.Options{
		Target: target, Bodies: one{}, MaxSessions: sessions, Sleep: d.sleeper.Until, CPU: host.CPU, Procs: runtime.GOMAXPROCS(0),
	})
	return d, err
}

// cost is a load that was held, and what it took of the server.
type cost struct {
	loadgen.Measurement

	server time.Duration // processor time for each request
	client time.Duration
}

// hold holds a closed loop and asks the child before and after.
func (d driver) hold(ctx context.Context, c *child, concurrency int, window time.Duration) (cost, error) {
	before, err := c.ask(askCPU)
	if err != nil {
		return cost{}, err
	}
	own := host.CPU()
	m, err := d.Run(ctx, loadgen.Load{Concurrency: concurrency, Measure: window})
	if err != nil {
		return cost{}, err
	}
	d.Pause()
	own = host.CPU() - own
	after, err := c.ask(askCPU)
	if err != nil {
		return cost{}, err
	}
	sent := m.Counts.Requests // of this window: requests are numbered over all loads of a generator
	if failed := m.Counts.Failed(); failed > 0 || sent == 0 {
		return cost{}, fmt.Errorf("%d of %d requests failed: %+v", failed, sent, m.Samples)
	}
	n := time.Duration(sent)
	return cost{Measurement: m, server: (after.CPU - before.CPU) / n, client: own / n}, nil
}
