package proof

import (
	"encoding/json"
	"math"
	"time"
)

// Span is a time.Duration that is written in seconds.
type Span time.Duration

// Seconds is its length.
func (s Span) Seconds() float64 { return time.Duration(s).Seconds() }

// String is as that of a time.Duration.
func (s Span) String() string { return time.Duration(s).String() }

// MarshalJSON writes seconds, to the millisecond.
func (s Span) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(s.Seconds()*1e3) / 1e3)
}

// UnmarshalJSON reads seconds.
func (s *Span) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	*s = Span(math.Round(seconds * 1e9))
	return nil
}
