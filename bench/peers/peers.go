package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// load is what a client is asked to do.
type load struct {
	url      string // of the server, with the path of an invocation
	ca       string // file with the server's certificate
	dir      string // where the client may write, its own
	body     string // file
	parallel int    // connections, and requests in flight in a closed loop
	rate     int    // per second in an open loop; 0 for a closed one
	length   time.Duration
}

// peer is one client.
type peer struct {
	name    string
	program string // file, empty where it is missing
	missing string // what would bring it
	// command is the arguments, and what the environment must have besides; it may
	// write files into the load's folder.
	command func(l load) (args, env []string, err error)
	// quantiles reads what the client reports of its response times, from its
	// standard output and its folder. Nil where it is not asked for that.
	quantiles func(ctx context.Context, p peer, l load, out []byte) (quantiles, error)
	// most is the greatest body and number of connections that it is run with; 0 is any.
	most int
}

// quantiles are a client's word on response times.
type quantiles struct {
	p50, p99, p999 time.Duration
	doubt          string // why the client itself says that they are not to be believed
}

// ours are Plimsoll's names in the tables.
const (
	plimsoll = "**plimsoll**"
	signed   = "**plimsoll, signed**"
	wrk      = "wrk"
	sdk      = "AWS SDK, InvokeEndpoint in a loop"
)

// peers are all clients, found or not, in the order of the tables.
func peers(tools string) []peer {
	all := []peer{
		{name: plimsoll, missing: "go build ./cmd/plimsoll", command: plimsollArgs, quantiles: plimsollQuantiles},
		{name: wrk, missing: "apt-get install wrk", command: wrkArgs},
		{name: "wrk2", missing: "it is neither a package of Debian nor a Go module; put wrk2 into the PATH", command: wrk2Args, quantiles: wrk2Quantiles},
		{name: "fortio", missing: fromModule, command: fortioArgs, quantiles: fortioQuantiles},
		{name: "bombardier", missing: fromModule, command: bombardierArgs},
		{name: "hey", missing: fromModule, command: heyArgs},
		{name: "vegeta", missing: fromModule, command: vegetaArgs, quantiles: vegetaQuantiles},
		{name: "k6", missing: fromModule, command: k6Args, quantiles: k6Quantiles, most: 1000},
		{name: signed, missing: "go build ./cmd/plimsoll", command: signedArgs},
		{name: sdk, missing: "go build ./bench/peers/sdkloop", command: sdkArgs},
	}
	files := map[string]string{plimsoll: "plimsoll", signed: "plimsoll", sdk: "sdkloop"}
	for i := range all {
		name := all[i].name
		if file, ok := files[name]; ok {
			name = file
		}
		all[i].program = find(name, tools)
	}
	return all
}

const fromModule = "go install -modfile=bench/peers/peers.mod tool, with GOBIN=bin/peers"

// find looks for a program where install puts it, and in the PATH.
func find(name, tools string) string {
	if path := filepath.Join(tools, name); isFile(path) {
		return path
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// install builds Plimsoll, the loop over the SDK and the peers that are Go modules,
// at the versions that peers.mod pins, into a folder. What cannot be built is missing
// from the tables, and said there.
func install(ctx context.Context, tools string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", tools+string(filepath.Separator), "./cmd/plimsoll", "./bench/peers/sdkloop")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building plimsoll (run this from the root of the module): %w", err)
	}
	get := exec.CommandContext(ctx, "go", "install", "-modfile=bench/peers/peers.mod", "tool")
	get.Env = append(os.Environ(), "GOBIN="+tools)
	get.Stderr = os.Stderr
	if err := get.Run(); err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

const requestPath = "/endpoints/demo/invocations"

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }

// warmUp is how long the peers that can are told to warm up; the costs are taken later
// in any case.
const warmUp = 500 * time.Millisecond

func plimsollArgs(l load) (args, env []string, err error) {
	args, err = plimsollLoad(l)
	return append(args, "--url", l.url), nil, err
}

// plimsollLoad makes a record's folder anew: a run is not written over another.
func plimsollLoad(l load) ([]string, error) {
	dir, err := os.MkdirTemp(l.dir, "run-")
	if err != nil {
		return nil, err
	}
	args := []string{
		"load", "--payload", l.body, "--content-type", "text/csv", "--templates", "never", "--arrivals", "constant",
		"--warm-up", warmUp.String(), "--duration", l.length.String(), "--quiet", "--output", "json",
		"--dir", filepath.Join(dir, "run"), "--ca-file", l.ca, "--max-connections", "15000", "--seed", "1",
	}
	if l.rate > 0 {
		return append(args, "--rate", strconv.Itoa(l.rate)+"/s"), nil
	}
	return append(args, "--concurrency", strconv.Itoa(l.parallel)), nil
}

// credentials are made up: the server does not look at them.
func credentials(l load) []string {
	return []string{
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_ENDPOINT_URL=" + l.url[:len(l.url)-len(requestPath)], "AWS_CA_BUNDLE=" + l.ca,
	}
}

func signedArgs(l load) (args, env []string, err error) {
	args, err = plimsollLoad(l)
	return append(args, "--endpoint", "demo"), credentials(l), err
}

func sdkArgs(l load) (args, env []string, err error) {
	return []string{"-endpoint", "demo", "-body", l.body, "-c", strconv.Itoa(l.parallel), "-t", l.length.String()}, credentials(l), nil
}

const lua = `local f = assert(io.open("%s", "rb"))
wrk.method = "POST"
wrk.body = f:read("*a")
wrk.headers["Content-Type"] = "text/csv"
`

func wrkArgs(l load) (args, env []string, err error) {
	if l.rate > 0 {
		return nil, nil, errClosedOnly
	}
	script := filepath.Join(l.dir, "post.lua")
	err = os.WriteFile(script, fmt.Appendf(nil, lua, l.body), 0o600)
	return []string{"-t1", "-c", strconv.Itoa(l.parallel), "-d", wholeSeconds(l.length), "-s", script, l.url}, nil, err
}

var errClosedOnly = errors.New("no open loop")

// wholeSeconds is for wrk, which knows no others.
func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(int((d+time.Second-1)/time.Second)) + "s"
}

func wrk2Args(l load) (args, env []string, err error) {
	if l.rate == 0 {
		return nil, nil, errOpenOnly
	}
	args, env, err = wrkArgs(load{url: l.url, dir: l.dir, body: l.body, parallel: l.parallel, length: l.length})
	return append([]string{"-R", strconv.Itoa(l.rate), "--latency"}, args...), env, err
}

var errOpenOnly = errors.New("no closed loop")

func fortioArgs(l load) (args, env []string, err error) {
	return []string{
		"load", "-c", strconv.Itoa(l.parallel), "-qps", strconv.Itoa(l.rate), "-t", l.length.String(), "-payload-file", l.body, "-content-type", "text/csv",
		"-maxpayloadsizekb", "8192", "-k", "-r", "0.0001", "-p", "50,99,99.9", "-json", filepath.Join(l.dir, "fortio.json"), "-quiet", "-log-errors=false", l.url,
	}, nil, nil
}

func bombardierArgs(l load) (args, env []string, err error) {
	if l.rate > 0 {
		return nil, nil, errClosedOnly
	}
	return []string{
		"-c", strconv.Itoa(l.parallel), "-d", seconds(l.length), "-m", "POST", "-f", l.body, "-H", "Content-Type: text/csv", "-k", "--fasthttp", "-p", "r", "-o", "json", l.url,
	}, nil, nil
}

func heyArgs(l load) (args, env []string, err error) {
	if l.rate > 0 {
		return nil, nil, errClosedOnly
	}
	return []string{"-z", seconds(l.length), "-c", strconv.Itoa(l.parallel), "-m", "POST", "-D", l.body, "-T", "text/csv", l.url}, nil, nil
}

func vegetaArgs(l load) (args, env []string, err error) {
	targets := filepath.Join(l.dir, "targets")
	err = os.WriteFile(targets, []byte("POST "+l.url+"\nContent-Type: text/csv\n@"+l.body+"\n"), 0o600)
	args = []string{"attack", "-targets", targets, "-duration", l.length.String(), "-output", filepath.Join(l.dir, "vegeta.bin"), "-root-certs", l.ca, "-http2=false"}
	if l.rate > 0 {
		return append(args, "-rate", strconv.Itoa(l.rate)+"/1s"), nil, err
	}
	parallel := strconv.Itoa(l.parallel)
	return append(args, "-rate", "0", "-workers", parallel, "-max-workers", parallel, "-connections", parallel), nil, err
}

const script = `import http from "k6/http";
const body = open(%q, "b");
export const options = {
  discardResponseBodies: true, insecureSkipTLSVerify: true, summaryTrendStats: ["med", "p(99)", "p(99.9)"],
  scenarios: { one: %s },
};
export default function () { http.post(%q, body, { headers: { "Content-Type": "text/csv" } }); }
export function handleSummary(data) { return { %q: JSON.stringify(data.metrics) }; }
`

func k6Args(l load) (args, env []string, err error) {
	scenario := fmt.Sprintf(`{ executor: "constant-vus", vus: %d, duration: %q, gracefulStop: "5s" }`, l.parallel, seconds(l.length))
	if l.rate > 0 {
		scenario = fmt.Sprintf(`{ executor: "constant-arrival-rate", rate: %d, timeUnit: "1s", duration: %q, preAllocatedVUs: %d, maxVUs: 2000 }`, l.rate, seconds(l.length), l.parallel)
	}
	file := filepath.Join(l.dir, "script.js")
	err = os.WriteFile(file, fmt.Appendf(nil, script, l.body, scenario, l.url, filepath.Join(l.dir, "k6.json")), 0o600)
	// Without the first, k6 would tell its makers of the run.
	return []string{"run", "--no-usage-report", "--quiet", "--address", "", "--log-output", "none", file}, nil, err
}
