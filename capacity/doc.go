// Package capacity searches for the peak of one endpoint: the highest rate that
// meets every objective in the long run, with an interval and a cause.
//
// A [Search] is a stepper without a clock: Next proposes a trial, Record takes
// what was observed, and Result says what is known. The same search drives live
// endpoints, simulated ones and the replay of a recorded run. Start with [New].
package capacity
