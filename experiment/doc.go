// Package experiment holds the use cases: finding the peak of an endpoint, holding
// one load against it, changing its scaling so that it can be given back, and proving
// that it scales, as orchestration over interfaces that it declares.
//
// What happens is told as events to an [Observer]; what comes out is a [Result],
// whose JSON form is the published one (docs/formats). The package does no I/O.
// Start with [Find]; for changes with [Plane], for a proof with [DesignVerify].
package experiment
