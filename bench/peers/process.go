package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The processors: the server has one, the client another.
const (
	serverCore = "0"
	clientCore = "1"
	anyCore    = ""
)

// pinned is a command on one processor, or on any.
func pinned(ctx context.Context, core, program string, args ...string) *exec.Cmd {
	if core == anyCore {
		return exec.CommandContext(ctx, program, args...)
	}
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", core, program}, args...)...)
}

// itself is this program in another role.
func itself(ctx context.Context, core, role string, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := pinned(ctx, core, program, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// child is the server in a process of its own.
type child struct {
	greeting

	cmd    *exec.Cmd
	orders *json.Encoder
	told   *json.Decoder
	input  io.Closer
}

func startServer(ctx context.Context, core string) (*child, error) {
	cmd, err := itself(ctx, core, roleServer)
	if err != nil {
		return nil, err
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, orders: json.NewEncoder(input), told: json.NewDecoder(output), input: input}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := c.told.Decode(&c.greeting); err != nil {
		return nil, errors.Join(fmt.Errorf("the server does not start: %w", err), c.stop())
	}
	return c, nil
}

// behave tells the server how to go on, and gives what it saw until now.
func (c *child) behave(b behaviour) (r record, err error) {
	if err := c.orders.Encode(b); err != nil {
		return r, fmt.Errorf("telling the server: %w", err)
	}
	if err := c.told.Decode(&r); err != nil {
		return r, fmt.Errorf("asking the server: %w", err)
	}
	return r, nil
}

// stop ends the server and waits for it. How it ends makes no difference.
func (c *child) stop() error {
	err := c.input.Close()
	_ = c.cmd.Wait()
	return err
}

// raiseFiles lets this process and its children open as many files as the machine allows.
// Go does so for itself alone, and a client in C would have too few for 10 000 connections.
func raiseFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("the limit of open files: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raising the limit of open files: %w", err)
	}
	return nil
}

// tick is the unit of /proc/PID/stat: USER_HZ, which is 100 wherever Go runs on Linux.
const tick = 10 * time.Millisecond

// processorTime is what a process has used, user and system, by the kernel.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // the name may hold blanks
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	var sum time.Duration
	for _, field := range fields[11:13] { // utime and stime (proc(5), fields 14 and 15)
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// peakMemory is the most that a process has had in memory so far, in bytes.
func peakMemory(pid int) (int64, error) { return statusBytes(pid, "VmHWM:") }

// memory is what a process has in memory now, in bytes.
func memory(pid int) (int64, error) { return statusBytes(pid, "VmRSS:") }

func statusBytes(pid int, name string) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, name); found {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status: no %s", pid, name)
}

// loadAverage is how many processes wanted a processor in the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
