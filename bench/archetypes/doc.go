// Command archetypes measures the search for a peak, and the rules that other
// tools use, against the modelled servers of internal/archetype in virtual
// time, and writes what docs/benchmarks.md says of them:
//
//	go run ./bench/archetypes -write
//
// Without -write it prints the tables. -dev takes the development sets, which
// the search may be tuned on; the published figures are of the held-out ones.
package main
