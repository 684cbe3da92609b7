package arrival

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Rate is a number of requests per second.
type Rate float64

// PerMinute makes a Rate from requests per minute.
func PerMinute(n float64) Rate { return Rate(n / 60) }

// PerMinute is the rate in requests per minute.
func (r Rate) PerMinute() float64 { return float64(r) * 60 }

// Gap is the mean time between two requests. It is zero for a rate that is not positive.
func (r Rate) Gap() time.Duration {
	if r <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / float64(r))
}

// String writes the rate with its unit and four significant digits, for example 412.5/s.
func (r Rate) String() string {
	return strconv.FormatFloat(round4(float64(r)), 'f', -1, 64) + "/s"
}

func round4(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(x))))
	if scale < 1 {
		return math.Round(x)
	}
	return math.Round(x*scale) / scale
}

// ParseRate reads a rate with its unit: 100/s, 6000/min, 50/100ms. The unit is
// required, because a bare number is what people confuse with a percentage.
func ParseRate(s string) (Rate, error) {
	num, unit, found := strings.Cut(strings.TrimSpace(s), "/")
	if !found {
		return 0, fmt.Errorf("rate %q has no unit: write %s/s or %s/min", s, num, num)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n <= 0 {
		return 0, fmt.Errorf("rate %q: %q is not a number above zero", s, num)
	}
	per, err := parseUnit(strings.TrimSpace(unit))
	if err != nil {
		return 0, fmt.Errorf("rate %q: %w", s, err)
	}
	rate := Rate(n / per.Seconds())
	if math.IsInf(float64(rate), 0) || rate > maxRate {
		return 0, fmt.Errorf("rate %q is above %g/s, which no generator can hold", s, float64(maxRate))
	}
	return rate, nil
}

// maxRate is one request a nanosecond, the resolution of the schedule.
const maxRate Rate = 1e9

func parseUnit(unit string) (time.Duration, error) {
	switch unit {
	case "s", "sec", "second":
		return time.Second, nil
	case "m", "min", "minute":
		return time.Minute, nil
	case "h", "hour":
		return time.Hour, nil
	}
	per, err := time.ParseDuration(unit)
	if err != nil || per <= 0 {
		return 0, fmt.Errorf("unit %q is not s, min, h or a duration such as 100ms", unit)
	}
	return per, nil
}
