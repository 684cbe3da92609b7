package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profile shows where the processor time of a closed loop of 16 B at full speed goes, by
// Go's own profiler over a minute.
func (b *bench) profile(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, "cpu.prof")
	h, err := b.runGenerator(ctx, clientCore, 0, settle, time.Minute, "-profile", file)
	if err != nil {
		return err
	}
	err = b.say(fmt.Sprintf("\n16 B, 64 connections, %.0f requests/s, %.2f processors, load average %s:\n", h.PerSecond, h.CPU, loadAverage()))
	for _, order := range []string{"-flat", "-cum"} {
		top := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", order, "-nodecount", "40", program, file)
		top.Stdout, top.Stderr = b.out, os.Stderr
		err = errors.Join(err, top.Run())
	}
	return err
}
