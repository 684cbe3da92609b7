// Command live holds the search for a peak to servers that answer over HTTP in real
// time: modelled ones of internal/archetype, played by the wall clock, and the
// scikit-learn example.
//
//	go run ./bench/live -part truth -minutes 60 -out truth.jsonl    # all servers at once
//	go run ./bench/live -part runs -times 5 -budget 170s -parallel 8 -out runs.jsonl
//	go run ./bench/live -part table truth.jsonl runs.jsonl
//
// # The live truth
//
// A server's peak is the highest rate of independent arrivals that is stable and misses
// the objective with no more than its budget q. Blocks of Poisson arrivals, held by the
// same generator and target as plimsoll load, visit five rates around the estimate in
// shuffled rounds: those at which q/2, q/√2, q, √2·q and 2·q of the requests should be
// bad, which is late, failed or refused. After each round the estimate is fitted anew.
// With k of n requests bad in a block at the rate λ,
//
//	E[k] = n·exp(a + s·ln λ)        the peak is where that is n·q
//
// is fitted by quasi-likelihood with the variance of a Poisson count times a constant
// (McCullagh and Nelder, Generalized Linear Models, 9.2): bad requests come in
// clusters, and a block may have none, of which there is no logarithm. The fit is local:
// to blocks whose rates it expects to lie within 2.5 times of q. The standard error is
// the jackknife's over blocks, so what the clusters add is in it. Where the clusters are
// so large and rare that near blocks do not tell s, it is what theory expects of the
// model, L·ρ/(1−ρ), and all blocks are used. Blocks whose
// generator, server or machine was late are kept in the file, and left out.
//
// That does not do where a queue takes longer than a block to come to rest, which is so
// where more than 250 requests fit into the limit: there, stability decides. Blocks of
// a closed loop that never lets such a server idle measure its saturation, whose
// standard error is that of the blocks' mean. The peak is as far below it as the model's
// own long run in virtual time says, a percent or two. For a real server, of which no
// such figure is known, the first way is gone, and each round has a closed loop for
// the saturation.
//
// Every record is a line of JSON that is written when it is known, so a run that is
// stopped has lost nothing.
package main
