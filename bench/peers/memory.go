package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// many is how many requests the memory is watched over.
const many = 10_000_000

// constant watches the memory of `plimsoll load` over many requests.
func (b *bench) constant(ctx context.Context) error {
	l := b.load(b.dir, 16, false)
	l.parallel, l.length = 64, time.Hour // it is ended before
	args, _, err := plimsollArgs(l)
	if err != nil {
		return err
	}
	cmd := pinned(ctx, clientCore, b.program(plimsoll), args...)
	cmd.Dir = b.dir
	if _, err := b.server.behave(behaviour{}); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if err := b.head("Memory over "+fmt.Sprint(many)+" requests, 64 connections:", "requests", "memory, MB", "most until then, MB"); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	for sent, next := int64(0), int64(0); sent < many; {
		time.Sleep(100 * time.Millisecond)
		r, err := b.server.behave(behaviour{})
		if err := errors.Join(err, context.Cause(ctx)); err != nil {
			return err
		}
		if sent += r.Requests; sent < next {
			continue
		}
		next += many / 10
		now, err := memory(pid)
		if err != nil {
			return err
		}
		most, err := peakMemory(pid)
		if err != nil {
			return err
		}
		if err := b.row(fmt.Sprint(sent), fmt.Sprintf("%.1f", float64(now)/1e6), fmt.Sprintf("%.1f", float64(most)/1e6)); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) program(name string) string {
	for _, p := range b.peers {
		if p.name == name {
			return p.program
		}
	}
	return name
}
