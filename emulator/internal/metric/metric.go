// Package metric is the datum that the emulator's services exchange: what SageMaker
// hosting publishes and CloudWatch keeps.
//
// It is values only. Start at [Datum]; [Samples] collects single measurements into
// the values-and-counts form that PutMetricData uses too.
package metric

import (
	"math"
	"slices"
	"time"
)

// The namespaces in which SageMaker publishes.
const (
	SageMaker          = "AWS/SageMaker"
	SageMakerInstances = "/aws/sagemaker/Endpoints"
)

// Dimension is one name and value by which metrics are told apart.
type Dimension struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// Datum is what was measured of one metric in one period.
type Datum struct {
	Namespace  string
	Name       string
	Dimensions []Dimension
	Unit       string
	At         time.Time // start of the period, model time
	Resolution time.Duration
	Samples    Samples
}

// Samples are values with how often each was measured, by ascending value. Counts
// are not whole when requests are weighted.
type Samples []Sample

// Sample is one value.
type Sample struct {
	Value float64 `json:"value"`
	Count float64 `json:"count"`
}

// Single is one measurement.
func Single(value float64) Samples { return Samples{{Value: value, Count: 1}} }

// Count is how many measurements there are. It and the other statistics are 0 without
// samples.
func (s Samples) Count() float64 {
	total := 0.0
	for _, v := range s {
		total += v.Count
	}
	return total
}

// Sum is the sum over all measurements.
func (s Samples) Sum() float64 {
	total := 0.0
	for _, v := range s {
		total += v.Value * v.Count
	}
	return total
}

// Min is the smallest value.
func (s Samples) Min() float64 {
	if len(s) == 0 {
		return 0
	}
	return s[0].Value
}

// Max is the largest value.
func (s Samples) Max() float64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].Value
}

// Percentile is the smallest value that at least p percent of the measurements do
// not exceed (nearest rank); p is from 0 to 100.
func (s Samples) Percentile(p float64) float64 {
	rank := p / 100 * s.Count()
	seen := 0.0
	for _, v := range s {
		if seen += v.Count; seen >= rank-1e-9 {
			return v.Value
		}
	}
	return s.Max()
}

// Merge joins two sets of samples.
func (s Samples) Merge(other Samples) Samples {
	out := make(Samples, 0, len(s)+len(other))
	out = append(append(out, s...), other...)
	slices.SortFunc(out, func(a, b Sample) int {
		switch {
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		}
		return 0
	})
	merged := out[:0]
	for _, v := range out {
		if n := len(merged); n > 0 && merged[n-1].Value == v.Value {
			merged[n-1].Count += v.Count
			continue
		}
		merged = append(merged, v)
	}
	return merged
}

// Bucket rounds a positive value to three significant digits, so that a period of
// any length needs a bounded number of samples.
func Bucket(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, math.Floor(math.Log10(v))-2)
	return math.Round(v/scale) * scale
}
