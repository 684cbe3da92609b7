// Package experiment holds the use cases: finding the peak of an endpoint and
// holding one load against it, as orchestration over interfaces that it declares.
//
// What happens is told as events to an [Observer]; what comes out is a [Result],
// whose JSON form is the published one (docs/formats). The package does no I/O.
// Start with [Find].
package experiment
