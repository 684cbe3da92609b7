// Package proof says whether a scaling policy does what it is for. [Design] makes the
// load programme that asks it (step 5 of AWS's guide: increasing and decreasing
// traffic), [Predict] says what AWS should make of it ([Foretell] with alarms and
// activities), and [Judge] turns what was observed into a timeline of scaling events,
// sixteen checks and one verdict.
//
// All times are those of the services: on an emulator they pass faster than real ones.
// The package is arithmetic on values: who sends the load and who asks AWS is
// package experiment.
package proof
