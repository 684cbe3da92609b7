// Package archtest holds the shape of the module as tests: which package may
// import which, what every package owes its reader, where each third-party
// module lives. It has no other code; the floors are drawn in
// docs/architecture.md.
package archtest
