package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
)

// The cores, where there are two at least.
const (
	serverCore    = "0"
	generatorCore = "1"
)

// keepApart moves this process to the generator's core; false if that cannot be.
func keepApart(ctx context.Context) bool {
	if runtime.NumCPU() < 2 {
		return false
	}
	err := exec.CommandContext(ctx, "taskset", "-a", "-p", "-c", generatorCore, strconv.Itoa(os.Getpid())).Run()
	if err == nil {
		runtime.GOMAXPROCS(1)
	}
	return err == nil
}

// child is a server in a process of its own.
type child struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Scanner
	url   string // of its endpoint
}

// startChild starts this program in another role and waits until it serves.
func startChild(ctx context.Context, apart bool, role string, args ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if apart {
		args = append([]string{"-c", serverCore, program}, args...)
		program = "taskset"
	}
	c := &child{cmd: exec.CommandContext(ctx, program, args...)}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	c.cmd.Stderr = os.Stderr
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	address := regexp.MustCompile(`http://[0-9.:]+[0-9]`)
	for c.lines = bufio.NewScanner(output); c.lines.Scan(); {
		if found := address.FindString(c.lines.Text()); found != "" {
			c.url = found + "/endpoints/" + endpoint + "/invocations"
			return c, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("the %s ended before it served", role), c.lines.Err(), c.stop())
}

// ask asks a child how it is.
func (c *child) ask(what string) (u usage, err error) {
	if _, err := io.WriteString(c.input, what+"\n"); err != nil {
		return u, fmt.Errorf("asking the server: %w", err)
	}
	for c.lines.Scan() {
		if err := json.Unmarshal(c.lines.Bytes(), &u); err == nil {
			return u, nil
		} // else a line for people
	}
	return u, errors.Join(errors.New("the server ended"), c.lines.Err())
}

// stop ends a child and waits for it. How it ends makes no difference.
func (c *child) stop() error {
	err := c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	return err
}
