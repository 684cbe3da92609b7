package cloudwatch

import (
	"math"
	"regexp"
	"slices"
	"strconv"

	"plimsoll/emulator/internal/metric"
)

// summary is what is known of some measurements. Values are the single ones; without
// them, as of a statistic set or an old datapoint, there is no percentile.
type summary struct {
	count, sum, low, high float64
	values                metric.Samples
}

// summarize keeps every value, as far as their number allows.
func summarize(values metric.Samples) summary {
	return summary{count: values.Count(), sum: values.Sum(), low: values.Min(), high: values.Max(), values: thin(slices.Clone(values))}
}

// known is a statistic set. One whose values are all equal has its distribution:
// CloudWatch answers percentiles of such sets, and of no others.
func known(count, sum, low, high float64) summary {
	s := summary{count: count, sum: sum, low: low, high: high}
	if low == high {
		s.values = metric.Samples{{Value: low, Count: count}}
	}
	return s
}

// join is the summary of both.
func (s summary) join(other summary) summary { return sumUp([]summary{s, other}, true) }

// sumUp is the summary of all; with their values, if all have them and they are wanted.
func sumUp(in []summary, values bool) summary {
	out := summary{low: math.Inf(1), high: math.Inf(-1)}
	size := 0
	for _, s := range in {
		out.count += s.count
		out.sum += s.sum
		out.low = min(out.low, s.low)
		out.high = max(out.high, s.high)
		size += len(s.values)
		values = values && s.values != nil
	}
	if !values {
		return out
	}
	all := make(metric.Samples, 0, size)
	for _, s := range in {
		all = append(all, s.values...)
	}
	out.values = thin(all.Merge(nil))
	return out
}

// thin bounds the values of a datapoint by joining neighbours, which keeps count and
// sum and moves a percentile by at most the distance between two neighbours.
func thin(values metric.Samples) metric.Samples {
	for len(values) > maxDistinct {
		half := values[:0]
		for i := 0; i < len(values); i += 2 {
			v := values[i]
			if i+1 < len(values) {
				next := values[i+1]
				total := v.Count + next.Count
				v = metric.Sample{Value: (v.Value*v.Count + next.Value*next.Count) / total, Count: total}
			}
			half = append(half, v)
		}
		values = half
	}
	return values
}

// statistic is how a period is turned into one number.
type statistic struct {
	name       string  // as it was asked for
	percentile float64 // if isRank
	isRank     bool
}

// parseStatistic knows CloudWatch's five statistics, and percentiles from p0 to p100
// with up to two decimals.
func parseStatistic(name string) (statistic, bool) {
	switch name {
	case "SampleCount", "Average", "Sum", "Minimum", "Maximum":
		return statistic{name: name}, true
	}
	ok, err := regexp.MatchString(`^p(\d{1,2}(\.\d{1,2})?|100(\.0{1,2})?)$`, name)
	if err != nil || !ok {
		return statistic{}, false
	}
	p, err := strconv.ParseFloat(name[1:], 64)
	return statistic{name: name, percentile: p, isRank: true}, err == nil
}

// of is the statistic of a period that has measurements. There is no percentile of
// values that are not known, nor, as in CloudWatch, of negative ones.
func (st statistic) of(s summary) (float64, bool) {
	if s.count <= 0 {
		return 0, false
	}
	switch {
	case st.isRank:
		if s.values == nil || s.low < 0 {
			return 0, false
		}
		return s.values.Percentile(st.percentile), true
	case st.name == "SampleCount":
		return s.count, true
	case st.name == "Average":
		return s.sum / s.count, true
	case st.name == "Minimum":
		return s.low, true
	case st.name == "Maximum":
		return s.high, true
	}
	return s.sum, true
}

// window is the periods of one length from an instant to another, in Unix seconds.
// The last one may be cut short.
type window struct{ from, to, period int64 }

// windowOf rounds both ends as CloudWatch does, down; the periods begin at the first.
func windowOf(start, end, period int64) window {
	return window{from: roundDown(start, period), to: roundDown(end, period), period: period}
}

// start is the beginning of the period that an instant lies in.
func (w window) start(at int64) int64 { return at - (at-w.from)%w.period }

// validPeriod says whether CloudWatch can sum up by a period of some seconds.
func validPeriod(seconds int64) bool {
	switch seconds {
	case 1, 5, 10, 20, 30:
		return true
	}
	return seconds > 0 && seconds%60 == 0
}

// roundDown gives an instant the precision that CloudWatch reads it with: the minute,
// or the period where it is shorter.
func roundDown(unix, period int64) int64 {
	step := min(period, 60)
	return unix - ((unix%step)+step)%step
}
