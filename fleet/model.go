// Package fleet models the instances behind an inference endpoint as a queueing
// system in plain arithmetic: a model says how long one request takes and how
// many are served at once, an instance says when each arrival starts and ends.
//
// The same arithmetic serves two bodies: simulations, which run it in virtual
// time, and the emulator, which runs it against real requests. It therefore has
// no clock, starts no goroutine and does no I/O; instants come in as offsets
// from an origin of the caller's choosing, chance as a seeded generator.
//
// It is not a predictor: nothing here is fitted to a measured server, and a
// model stands for one instance, not for how a fleet grows or shrinks.
//
// Start at [ParseModel] (or [Model]), then [NewInstance] and [Instance.Offer].
// The package example runs a burst through a two-worker instance.
package fleet

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Unbounded as [Model.Queue] lets any number of requests wait.
const Unbounded = -1

// Limits of a [Model]; they keep every derived instant far inside what a
// [time.Duration] can hold.
const (
	MaxService = 10 * time.Minute
	MaxCV      = 10.0
	MaxWorkers = 1 << 20
)

// Distribution is the shape of the service time around its mean.
type Distribution int

// The distributions of a service time.
const (
	// Lognormal has the mean [Model.Service] and the spread [Model.CV]; with a
	// CV of 0 every service time is exactly the mean.
	Lognormal Distribution = iota
	// Exponential has the mean [Model.Service] and, by its nature, a coefficient
	// of variation of 1: [Model.CV] must be left at 0 or say 1.
	Exponential
)

// Model describes one instance: Workers identical servers fed by one first-come,
// first-served queue (G/G/c/(c+Queue) in Kendall's notation).
//
// The zero value is not valid: it has neither a service time nor a worker.
type Model struct {
	// Service is the mean time one request occupies a worker when it is the only
	// one in service. Above 0, at most [MaxService].
	Service time.Duration
	// CV is the coefficient of variation of the service time, standard deviation
	// divided by mean, from 0 to [MaxCV]. Zero means a constant service time.
	CV float64
	// Dist is the shape of the service time; the zero value is [Lognormal].
	Dist Distribution
	// Workers is how many requests are in service at once, from 1 to [MaxWorkers].
	Workers int
	// Queue is how many requests may wait beyond those in service. Zero means
	// none: an arrival that finds every worker busy is rejected. [Unbounded]
	// means any number.
	Queue int
	// Contention is σ of the Universal Scalability Law, from 0 (none) to 1: the
	// share of a request that must wait for the others in service.
	Contention float64
	// Coherency is κ of the Universal Scalability Law, from 0 (none) to 1: the
	// cost of each pair in service agreeing with one another. Above 0, throughput
	// falls again once enough requests are in service.
	Coherency float64
}

// Validate reports every field that is outside its range, joined; it changes
// nothing.
func (m Model) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(format, args...))
	}
	if m.Service <= 0 || m.Service > MaxService {
		wrong("service %v: want a mean service time above 0s and at most %v", m.Service, MaxService)
	}
	if !within(m.CV, 0, MaxCV) {
		wrong("cv %v: want a coefficient of variation from 0 to %v", m.CV, MaxCV)
	}
	switch m.Dist {
	case Lognormal:
	case Exponential:
		if m.CV != 0 && m.CV != 1 {
			wrong("cv %v: an exponential service time has cv 1; leave cv out or drop dist", m.CV)
		}
	default:
		wrong("dist %d: want Lognormal or Exponential", m.Dist)
	}
	if m.Workers < 1 || m.Workers > MaxWorkers {
		wrong("workers %d: want from 1 to %d", m.Workers, MaxWorkers)
	}
	if m.Queue < Unbounded {
		wrong("queue %d: want 0 or more waiting places, or %d for any number", m.Queue, Unbounded)
	}
	if !within(m.Contention, 0, 1) {
		wrong("contention %v: want from 0 to 1", m.Contention)
	}
	if !within(m.Coherency, 0, 1) {
		wrong("coherency %v: want from 0 to 1", m.Coherency)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if full := m.Service.Seconds() * m.stretch(m.Workers); full > MaxService.Seconds() {
		wrong("contention %v and coherency %v stretch the service time to %.0f s among %d workers: want at most %v",
			m.Contention, m.Coherency, full, m.Workers, MaxService)
	}
	return errors.Join(problems...)
}

// Saturation returns the rate, in requests per second, at which a valid model
// completes work while every worker is busy:
//
//	Workers / (Service × stretch(Workers)),  stretch(n) = 1 + σ(n−1) + κn(n−1)
//
// A stream that arrives faster for ever builds a queue without end or is rejected
// in part; one that arrives slower does not. It depends on the mean alone, not on
// the distribution. With a positive κ fewer requests in service may complete more
// than this for a while, which lasts only until chance fills the workers: it is
// not a rate that can be held. The result of an invalid model means nothing.
//
// Source of the law: N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007,
// eq. 6.1, C(N) = N / (1 + σ(N−1) + κN(N−1)).
func (m Model) Saturation() float64 {
	return float64(m.Workers) / (m.Service.Seconds() * m.stretch(m.Workers))
}

// stretch is the factor by which n requests in service at once lengthen each.
func (m Model) stretch(n int) float64 {
	others := float64(n - 1)
	return 1 + m.Contention*others + m.Coherency*float64(n)*others
}

// within reports whether low <= x <= high; NaN is within nothing.
func within(x, low, high float64) bool {
	return !math.IsNaN(x) && low <= x && x <= high
}
