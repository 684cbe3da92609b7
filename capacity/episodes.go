package capacity

import (
	"math"
	"slices"
)

// An endpoint that a neighbour slows for a second or two shows so many slow
// episodes, not so many slow requests: what is known of it is as uncertain as
// their number. Services are therefore looked at in pieces of time, in their order.
const (
	pieceLength = 1.0 // s, at the rate of the peak
	leastPiece  = 8   // services

	episodicWork   = 4    // times the variance of services without order, beyond which they have one
	episodicSigmas = 4.5  // by which the slowest stretch is slower than chance makes it
	episodicSlowed = 0.95 // share of the informed prior that is of a slowed endpoint
	episodicBursts = 4    // how many bursts of slow requests an episode joins, at least
	episodicBelow  = 1.3  // by which an interval reaches further down: the next episodes may come sooner
)

// episodic says that services come in slow episodes: their order explains more of
// how the work varies than chance does, or one stretch is slow beyond chance.
func (t *twin) episodic(rate float64) bool {
	return t.clustering(rate) > episodicWork || t.slowest(rate) > episodicSigmas
}

// pieces are the services in stretches of about a second.
func (t *twin) pieces(rate float64) [][]float64 {
	size := max(leastPiece, int(rate*pieceLength))
	var out [][]float64
	for _, block := range t.blocks {
		n := max(1, (len(block)+size/2)/size)
		out = slices.AppendSeq(out, slices.Chunk(block, (len(block)+n-1)/n))
	}
	return out
}

// errorOf is the relative standard error of a sum over pieces, by how it scatters
// between them and between longer stretches of them.
func errorOf(pieces [][]float64, of []float64) float64 {
	total, n := sum(of), 0.0
	for _, p := range pieces {
		n += float64(len(p))
	}
	if total == 0 {
		return 1
	}
	apart := make([]float64, len(pieces))
	for i, p := range pieces {
		apart[i] = of[i]/total - float64(len(p))/n
	}
	return batchError(apart) * float64(len(apart))
}

// clustering is how much more the work of pieces varies than that of as many
// services without order: 1 where each is independent of the one before.
func (t *twin) clustering(rate float64) float64 {
	pieces := t.pieces(rate)
	all := slices.Concat(pieces...)
	work := make([]float64, len(pieces))
	for i, p := range pieces {
		work[i] = sum(p)
	}
	alone := math.Sqrt(variance(all)/float64(len(all))) / mean(all)
	if !(alone > 0) {
		return 1
	}
	return max(1, math.Pow(errorOf(pieces, work)/alone, 2))
}

// slowest is by how many standard errors services were longer, in their logarithm,
// in the slowest stretch of one, two or four pieces than on average.
func (t *twin) slowest(rate float64) float64 {
	var logs []float64
	for _, b := range t.blocks {
		average := mean(b)
		for _, service := range b {
			logs = append(logs, math.Log(max(service, average/10)))
		}
	}
	pieces := t.pieces(rate)
	means, at := make([]float64, len(pieces)), 0
	for i, p := range pieces {
		means[i] = mean(logs[at : at+len(p)])
		at += len(p)
	}
	middle, sd := mean(logs), math.Sqrt(variance(logs))
	size, worst := float64(len(logs))/float64(len(pieces)), 0.0
	for stretch := 1.0; stretch <= 4 && len(means) >= leastBatches; stretch *= 2 {
		worst = max(worst, (slices.Max(means)-middle)*math.Sqrt(size*stretch)/sd)
		means = mergePairs(means)
	}
	return worst
}
