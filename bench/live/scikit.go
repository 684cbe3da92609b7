package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"plimsoll/slo"
)

// scikit is the name of the real server among the subjects.
const scikit = "scikit"

// realServer is how the example is started, from the root of the module.
type realServer struct {
	port  int
	cores string
	rate  float64 // about its peak, per second
	slo   string
}

func (r realServer) subject() (subject, error) {
	o, err := slo.Parse(r.slo)
	if err != nil {
		return subject{}, fmt.Errorf("-slo: %w", err)
	}
	return subject{
		name: scikit, objective: o, estimate: r.rate, slope: 60, real: true,
		start: func(ctx context.Context, _ uint64, _ bool) (*endpoint, error) { return r.start(ctx) },
	}, nil
}

// start waits until the example says that it is ready.
func (r realServer) start(ctx context.Context) (*endpoint, error) {
	cmd := exec.Command("examples/scikit/serve", "--port", strconv.Itoa(r.port), "--workers", "1", "--cores", r.cores) //nolint:noctx // it is stopped by a signal
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the example, which wants the root of the module: %w", err)
	}
	stop := func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			return err
		}
		return nil
	}
	line, err := bufio.NewReader(out).ReadString('\n') // the example gives up by itself after a minute
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ready || ctx.Err() != nil {
		return nil, errors.Join(fmt.Errorf("the example is not ready: it says %q", line), ctx.Err(), stop())
	}
	return &endpoint{url: url, close: stop}, nil
}
