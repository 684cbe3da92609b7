package capacity

import (
	"math"
	"slices"
	"time"
)

func clamp(x, low, high float64) float64 { return max(low, min(x, high)) }

func seconds(x float64) time.Duration {
	return time.Duration(clamp(x, 0, 1e8) * float64(time.Second))
}

// round4 keeps four significant digits, so that a proposed rate reads well and
// does not depend on the last bits of an exponential.
func round4(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(x)))
	return math.Round(x*scale) / scale
}

func mean(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// variance is the unbiased one; 0 for fewer than two values.
func variance(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m, sum := mean(xs), 0.0
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	return sum / float64(len(xs)-1)
}

// leastBatches is how many batches a standard error needs before it is believed.
const leastBatches = 6

// batchError is the standard error of the mean of a correlated series by batch
// means: neighbours are merged pairwise and the largest standard error of the
// last three levels with at least leastBatches batches counts, because merging
// uncovers correlation that single bins hide. The finest levels do not count
// beside coarser ones: where answers come in lumps, bins vary far more than their
// mean does. It is NaN-free and 0 for constant series; fewer than leastBatches
// values give the plain standard error.
func batchError(xs []float64) float64 {
	worst := math.Sqrt(variance(xs) / math.Max(1, float64(len(xs))))
	for level := slices.Clone(xs); len(level) >= leastBatches; level = mergePairs(level) {
		se := math.Sqrt(variance(level) / float64(len(level)))
		if len(level) < 8*leastBatches {
			worst = max(worst, se)
		} else {
			worst = se
		}
	}
	return worst
}

func mergePairs(xs []float64) []float64 {
	merged := make([]float64, len(xs)/2)
	for i := range merged {
		merged[i] = (xs[2*i] + xs[2*i+1]) / 2
	}
	return merged
}

// wilson is the score interval of a share k/n at z standard deviations:
//
//	(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)
//
// E. B. Wilson, J. Amer. Statist. Assoc. 22 (1927) 209. For n = 0 it is [0, 1].
func wilson(k, n, z float64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	p := clamp(k/n, 0, 1)
	centre := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	return max(0, (centre-half)/scale), min(1, (centre+half)/scale)
}

// fitLine is the least-squares slope of ys over xs; 0 when xs do not vary.
func fitLine(xs, ys []float64) (slope float64) {
	mx, my := mean(xs), mean(ys)
	var sxy, sxx float64
	for i := range xs {
		sxy += (xs[i] - mx) * (ys[i] - my)
		sxx += (xs[i] - mx) * (xs[i] - mx)
	}
	if sxx == 0 {
		return 0
	}
	return sxy / sxx
}

// normalQuantile is the two-sided z of a confidence: 1.96 for 0.95.
func normalQuantile(confidence float64) float64 {
	return math.Sqrt2 * math.Erfinv(confidence)
}
