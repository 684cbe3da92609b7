// Package capacity searches for the peak of one endpoint: the highest rate that
// meets every objective in the long run, with an interval and a cause.
//
// A [Search] is a stepper without a clock: Next proposes a trial, Record takes
// what was observed, and Result says what is known. The same search drives live
// endpoints, simulated ones and the replay of a recorded run: the same
// observations give the same trials. It sends nothing and measures nothing
// itself, and it does not judge a recorded load by an objective; package slo
// does.
//
// The peak is that of independent arrivals (an open loop), not the throughput
// of so many callers who wait for each other; docs/methodology.md has the
// reasons, the statistics and their limits. Start with [New]; the package
// example is a whole search.
package capacity
