// Package payload makes the request bodies of a run: it loads them from files,
// directories, JSON Lines and standard input, and decides which one each request
// carries.
//
// The choice is a pure function of the request's number. Bodies are dealt from a
// shuffled deck in which each has as many cards as its weight asks for, so every
// deal has the exact mix and trials of different length can be compared.
// Templates such as {{uuid}} are cut up when they are loaded and rendered for
// each request without allocating.
//
// The package sends nothing and knows no protocol beyond the two headers that
// describe a body. Bodies are held in memory and never read again during a run.
// The sources and the template language are written down in
// docs/formats/payloads.md. Start with [Load]; see the Example.
package payload
