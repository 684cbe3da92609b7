package fleet

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Limits of a [Provisioning]; they keep every delay inside what a [time.Duration]
// can hold.
const (
	MaxProvisioning = 6 * time.Hour
	MaxSigma        = 2.0
)

// Provisioning is how long an instance takes from its launch until it is in service:
// lognormal, which fits times that have a floor and a long tail.
//
// The zero value is valid: instances are in service at once.
type Provisioning struct {
	// Median is the delay that half of the launches do not exceed. From 0 to
	// [MaxProvisioning].
	Median time.Duration
	// Sigma is the standard deviation of the delay's natural logarithm, from 0 to
	// [MaxSigma]. Zero means that every launch takes the median.
	Sigma float64
}

// Validate reports every field that is outside its range, joined; it changes nothing.
func (p Provisioning) Validate() error {
	var problems []error
	if p.Median < 0 || p.Median > MaxProvisioning {
		problems = append(problems, fmt.Errorf("median %v: want a time from 0s to %v", p.Median, MaxProvisioning))
	}
	if !(p.Sigma >= 0 && p.Sigma <= MaxSigma) {
		problems = append(problems, fmt.Errorf("sigma %v: want from 0 to %v", p.Sigma, MaxSigma))
	}
	return errors.Join(problems...)
}

// mostSigmas is where the normal draw is cut off: one in 10⁹ lies beyond.
const mostSigmas = 6

// Delay is the delay of the k-th launch, Median × e^(Sigma × z) with z standard
// normal. It depends on nothing but the arguments: whatever happens in between, the
// k-th launch of a seed is equally lucky, so that two policies can be compared on
// the same luck (common random numbers).
func (p Provisioning) Delay(seed, k uint64) time.Duration {
	if p.Sigma == 0 {
		return p.Median
	}
	z := rand.New(rand.NewPCG(seed, k)).NormFloat64()
	z = min(mostSigmas, max(-mostSigmas, z))
	return time.Duration(math.Round(float64(p.Median) * math.Exp(p.Sigma*z)))
}

// ParseProvisioning reads the text form: a time that every launch takes, such as
// "240s", or "median=240s,sigma=0.25". [Provisioning.String] is the inverse.
func ParseProvisioning(text string) (Provisioning, error) {
	p, err := readProvisioning(text)
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return Provisioning{}, fmt.Errorf("reading provisioning %q: %w", text, err)
	}
	return p, nil
}

// readProvisioning reads the text without judging the values.
func readProvisioning(text string) (p Provisioning, err error) {
	if !strings.Contains(text, "=") {
		if p.Median, err = time.ParseDuration(strings.TrimSpace(text)); err != nil {
			return p, errors.New("want a time such as 240s, or median=240s,sigma=0.25")
		}
		return p, nil
	}
	seen := make(map[string]bool)
	for pair := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(pair, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case seen[key]:
			return p, fmt.Errorf("%s is given twice", key)
		case key == "median":
			if p.Median, err = time.ParseDuration(value); err != nil {
				return p, fmt.Errorf("median=%s: want a time such as 240s", value)
			}
		case key == "sigma":
			if p.Sigma, err = strconv.ParseFloat(value, 64); err != nil {
				return p, fmt.Errorf("sigma=%s: want a number such as 0.25", value)
			}
		default:
			return p, fmt.Errorf("unknown key %q; the keys are median, sigma", key)
		}
		seen[key] = true
	}
	if !seen["median"] {
		return p, errors.New("median is missing: want median=240s,sigma=0.25")
	}
	return p, nil
}

// String returns the text form that [ParseProvisioning] reads back.
func (p Provisioning) String() string {
	if p.Sigma == 0 {
		return p.Median.String()
	}
	return fmt.Sprintf("median=%v,sigma=%v", p.Median, p.Sigma)
}
