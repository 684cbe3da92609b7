package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// What the clients report of their response times, by each one's own format.

func milliseconds(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }

func plimsollQuantiles(_ context.Context, _ peer, _ load, out []byte) (q quantiles, err error) {
	var r struct {
		Response struct {
			P50  float64 `json:"p50"`
			P99  float64 `json:"p99"`
			P999 float64 `json:"p99.9"`
		} `json:"response_time_ms"`
		Valid  bool
		Doubts []string
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return q, fmt.Errorf("plimsoll: %w", err)
	}
	if !r.Valid {
		q.doubt = strings.Join(r.Doubts, "; ")
	}
	q.p50, q.p99, q.p999 = milliseconds(r.Response.P50), milliseconds(r.Response.P99), milliseconds(r.Response.P999)
	return q, nil
}

func vegetaQuantiles(ctx context.Context, p peer, l load, _ []byte) (q quantiles, err error) {
	file := filepath.Join(l.dir, "vegeta.bin")
	out, err := exec.CommandContext(ctx, p.program, "report", "-type", "json", file).Output()
	if err != nil {
		return q, fmt.Errorf("vegeta report: %w", err)
	}
	var r struct {
		Latencies struct {
			P50 time.Duration `json:"50th"`
			P99 time.Duration `json:"99th"`
		}
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return q, err
	}
	// The report has no 99.9th percentile; a histogram plot has nearly that.
	plot, err := exec.CommandContext(ctx, p.program, "report", "-type", "hdrplot", file).Output()
	if err != nil {
		return q, fmt.Errorf("vegeta report: %w", err)
	}
	q = quantiles{p50: r.Latencies.P50, p99: r.Latencies.P99}
	if m := regexp.MustCompile(`(?m)^([0-9.]+) +0\.999023`).FindSubmatch(plot); m != nil {
		var ms float64
		_, err = fmt.Sscan(string(m[1]), &ms)
		q.p999 = milliseconds(ms)
	}
	return q, err
}

func fortioQuantiles(_ context.Context, _ peer, l load, _ []byte) (q quantiles, err error) {
	var r struct {
		DurationHistogram struct {
			Percentiles []struct{ Percentile, Value float64 }
		}
	}
	if err := readJSON(filepath.Join(l.dir, "fortio.json"), &r); err != nil {
		return q, err
	}
	p := r.DurationHistogram.Percentiles
	if len(p) != 3 {
		return q, fmt.Errorf("fortio: %d percentiles, want the 3 that were asked for", len(p))
	}
	of := func(i int) time.Duration { return milliseconds(1000 * p[i].Value) }
	return quantiles{p50: of(0), p99: of(1), p999: of(2)}, nil
}

func k6Quantiles(_ context.Context, _ peer, l load, _ []byte) (q quantiles, err error) {
	var r struct {
		Duration struct {
			Values struct {
				Med  float64 `json:"med"`
				P99  float64 `json:"p(99)"`
				P999 float64 `json:"p(99.9)"`
			} `json:"values"`
		} `json:"http_req_duration"`
	}
	if err := readJSON(filepath.Join(l.dir, "k6.json"), &r); err != nil {
		return q, err
	}
	v := r.Duration.Values
	return quantiles{p50: milliseconds(v.Med), p99: milliseconds(v.P99), p999: milliseconds(v.P999)}, nil
}

// wrk2Quantiles reads lines as "99.000%   12.34ms".
func wrk2Quantiles(_ context.Context, _ peer, _ load, out []byte) (q quantiles, err error) {
	for name, to := range map[string]*time.Duration{`50\.000`: &q.p50, `99\.000`: &q.p99, `99\.900`: &q.p999} {
		m := regexp.MustCompile(`(?m)^ *` + name + `% +([0-9.]+[a-z]+)$`).FindSubmatch(out)
		if m == nil {
			return q, errors.New("wrk2: no latency distribution in what it printed")
		}
		if *to, err = time.ParseDuration(string(m[1])); err != nil {
			return q, err
		}
	}
	return q, nil
}

func readJSON(file string, to any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}
