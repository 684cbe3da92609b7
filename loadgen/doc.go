// Package loadgen is the load generator: it holds one load against a target and
// measures it, in an open loop (requests leave when a schedule says so) or in a
// closed loop (so many in flight).
//
// Every request is timed by two clocks: the response time runs from the instant
// at which it was intended to leave, the service time from the send. What was
// sent late or not at all is counted, failures are never in the histograms of
// successes, and nothing is retried. The package does no I/O of its own: a
// [Target] does. Start with [New] and [Generator.Run].
package loadgen
