package main

import (
	"errors"
	"fmt"
	"math"
)

// point is what a block contributes to the fit.
type point struct {
	rate       float64 // per second
	total, bad float64 // requests
}

// crossing is where the share of bad requests passes the budget.
type crossing struct {
	rate  float64 // per second
	se    float64 // relative
	slope float64 // of the log share over the log rate
	used  int     // blocks
}

// local is by how many times the expected share of a block may differ from the budget.
const local = 2.5

// fewest blocks from which a line and its error can be told.
const fewest = 5

var (
	errFew  = fmt.Errorf("fewer than %d blocks", fewest)
	errNone = errors.New("not one request was bad")
)

// cross fits the blocks near the budget.
func cross(points []point, budget float64) (crossing, error) {
	used := keep(points, func(p point) bool { return p.bad <= 0.2*p.total })
	l, err := fit(used)
	if err != nil {
		return crossing{}, err
	}
	for range 5 {
		near := keep(points, func(p point) bool {
			times := l.share(p.rate) / budget
			return times <= local && times >= 1/local
		})
		better, err := fit(near)
		if err != nil {
			break // too few are near: the wider line must do
		}
		used, l = near, better
	}
	c := crossing{rate: l.at(budget), slope: l.slope, used: len(used)}
	if !within(used, c.rate) {
		return c, fmt.Errorf("the peak, about %.4g/s, is outside the rates that were held", c.rate)
	}
	c.se, err = jackknife(used, func(rest []point) (float64, error) {
		l, err := fit(rest)
		return l.at(budget), err
	})
	return c, err
}

// crossSteep is cross where the slope is known and all blocks are used: where bad
// requests come in clusters that one block in ten meets, blocks of near rates cannot tell
// how steep the line is, and near the crossing it hardly matters.
func crossSteep(points []point, budget, slope float64) (crossing, error) {
	if len(points) < fewest {
		return crossing{}, errFew
	}
	rate, err := levelled(points, slope).crossed(budget)
	if err != nil {
		return crossing{}, err
	}
	c := crossing{rate: rate, slope: slope, used: len(points)}
	c.se, err = jackknife(points, func(rest []point) (float64, error) { return levelled(rest, slope).crossed(budget) })
	return c, err
}

// levelled is the line with a slope whose expected bad requests are those of all points.
func levelled(points []point, slope float64) line {
	l := line{middle: points[0].rate, slope: slope}
	var expected, bad float64
	for _, p := range points {
		expected, bad = expected+p.total*l.share(p.rate), bad+p.bad
	}
	l.level = math.Log(bad / expected)
	return l
}

// crossed is the rate at which a share is bad.
func (l line) crossed(share float64) (float64, error) {
	if !(l.level > math.Inf(-1)) {
		return 0, errNone
	}
	return l.at(share), nil
}

// jackknife is the standard error of the log rate that is found from points (Efron and
// Stein, 1981).
func jackknife(points []point, find func([]point) (float64, error)) (float64, error) {
	var logs []float64
	for i := range points {
		rate, err := find(append(append([]point{}, points[:i]...), points[i+1:]...))
		if err != nil {
			return 0, err
		}
		logs = append(logs, math.Log(rate))
	}
	n := float64(len(logs))
	_, sd := moments(logs)
	return sd * (n - 1) / math.Sqrt(n), nil
}

func keep(points []point, good func(point) bool) (out []point) {
	for _, p := range points {
		if good(p) {
			out = append(out, p)
		}
	}
	return out
}

func within(points []point, rate float64) bool {
	below, above := false, false
	for _, p := range points {
		below = below || p.rate <= rate
		above = above || p.rate >= rate
	}
	return below && above
}

// line is ln share = level + slope·ln(rate/middle).
type line struct{ middle, level, slope float64 }

func (l line) share(rate float64) float64 {
	return math.Exp(l.level + l.slope*math.Log(rate/l.middle))
}

func (l line) at(share float64) float64 {
	return l.middle * math.Exp((math.Log(share)-l.level)/l.slope)
}

// fit is Newton's method on the likelihood of Poisson counts, which is concave. Its
// steps are bounded, for the first ones may lead far away.
func fit(points []point) (line, error) {
	if len(points) < fewest-1 { // one less for the jackknife
		return line{}, errFew
	}
	var total, bad, logs float64
	for _, p := range points {
		total, bad, logs = total+p.total, bad+p.bad, logs+math.Log(p.rate)*p.total
	}
	if bad == 0 {
		return line{}, errNone
	}
	l := line{middle: math.Exp(logs / total), level: math.Log(bad / total)}
	for range 200 {
		var u, v, a, b, c float64 // score (u, v), information (a b; b c)
		for _, p := range points {
			x := math.Log(p.rate / l.middle)
			mean := p.total * l.share(p.rate)
			u, v = u+p.bad-mean, v+x*(p.bad-mean)
			a, b, c = a+mean, b+x*mean, c+x*x*mean
		}
		det := a*c - b*b
		if !(det > 1e-10*a*a) {
			return line{}, errors.New("the blocks have one rate, or too few bad requests")
		}
		level, slope := (c*u-b*v)/det, (a*v-b*u)/det
		l.level += min(1, max(-1, level))
		l.slope += min(20, max(-20, slope))
		if math.Abs(level) < 1e-9 && math.Abs(slope) < 1e-7 {
			break
		}
	}
	if !(l.slope > 0) {
		return line{}, errors.New("the share of bad requests does not rise with the rate")
	}
	return l, nil
}

// moments are the mean and the standard deviation of a sample.
func moments(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / max(1, float64(len(x)-1)))
}
