// Package archetype models the kinds of server that the search for a peak is
// held to, in virtual time: each [Family] draws [Instance] values with random
// parameters, whose true peaks are stored with the recipe by which they are
// computed again.
//
// A [Client] holds a [capacity.Trial] against a [Server] as the generator does
// in real time, and is seeded throughout, so that a run is a function of its
// seed. It is for tests and for bench/archetypes; it does not model what a
// network or a kernel adds. Start with [Families].
package archetype
