package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
	"plimsoll/internal/host"
	"plimsoll/slo"
)

// eight are held-out instances of as many kinds, whose peaks are high enough for a
// search of 170 s to be precise and low enough for all of them on one core.
const eight = "mmc/9,mdc/8,batch/9,queue503/11,ps/11,token/6,usl/8,satur/11"

// subject is a server that is measured.
type subject struct {
	name      string
	objective slo.Objective
	estimate  float64         // of its peak, per second
	slope     float64         // estimate of that of the log share over the log rate
	virtual   archetype.Truth // zero for a real server
	ratio     float64         // peak over saturation where stability decides; otherwise 0
	refuses   bool            // past its peak
	real      bool
	right     func(capacity.Cause) bool // says whether a cause is right; nil where nobody knows
	start     func(ctx context.Context, seed uint64, steady bool) (*endpoint, error)
}

// subjects are those of a list of names.
func subjects(names string, example realServer, budget time.Duration, sleeper *host.Sleeper) ([]subject, error) {
	var all []subject
	for name := range strings.SplitSeq(names, ",") {
		if name == scikit {
			s, err := example.subject()
			if err != nil {
				return nil, err
			}
			all = append(all, s)
			continue
		}
		in, err := instance(name)
		if err != nil {
			return nil, err
		}
		all = append(all, modelled(in, budget, sleeper))
	}
	return all, nil
}

func instance(name string) (archetype.Instance, error) {
	family, number, _ := strings.Cut(name, "/")
	k, err := strconv.Atoi(number)
	for _, f := range archetype.Families() {
		if f.Name == family && !f.Changes && err == nil && 0 <= k && k < archetype.Each {
			return f.Instance(k), nil
		}
	}
	return archetype.Instance{}, fmt.Errorf("-servers %q: want %q, or a kind that has a peak and a number from 0 to %d, such as mmc/9", name, scikit, archetype.Each-1)
}

// longQueue is how many requests fit into the limit where a queue takes longer than a
// block to come to rest.
const longQueue = 250

// modelled is an instance played by the wall clock.
func modelled(in archetype.Instance, budget time.Duration, sleeper *host.Sleeper) subject {
	t := in.Truth()
	s := subject{
		name: in.Name(), objective: in.Objective, estimate: t.Peak, slope: steepness(t), virtual: t,
		refuses: in.Cause(capacity.CauseErrors), right: in.Cause,
	}
	if !s.refuses && t.Saturation*in.Objective.Limit.Seconds() > longQueue {
		s.ratio = t.Peak / in.Around
		s.estimate = in.Around
	}
	s.start = func(ctx context.Context, seed uint64, steady bool) (*endpoint, error) {
		model := in.Start(seed, budget)
		if steady {
			model = in.Steady(seed)
		}
		return listen(ctx, model, sleeper)
	}
	return s
}

// steepness is what theory expects of the slope: L·ρ/(1−ρ) with L = ln 100 for a queue
// that is ρ utilized at its peak, 1/q where what exceeds a rate is refused.
func steepness(t archetype.Truth) float64 {
	if t.Peak >= t.Saturation {
		return 100
	}
	return min(150, max(8, 4.6*t.Peak/(t.Saturation-t.Peak)))
}

// listen serves a model on a free port of the loopback.
func listen(ctx context.Context, model archetype.Server, sleeper *host.Sleeper) (*endpoint, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := newServer(model, sleeper.Until)
	web := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	return &endpoint{
		url: "http://" + listener.Addr().String() + "/invocations", lateness: s.lateness,
		close: func() error {
			err := web.Close()
			if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
				err = errors.Join(err, served)
			}
			s.close()
			return err
		},
	}, nil
}
