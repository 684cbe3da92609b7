package proof

import (
	"time"

	"plimsoll/scaling"
)

// Series is what was observed as it went on: what a picture of a programme is drawn from.
type Series struct {
	Slices   []Slice      `json:"slices"`
	Capacity []Capacity   `json:"capacity"` // each look that found something else than the one before, and the last
	Poll     Span         `json:"poll_seconds"`
	Metric   []Datapoint  `json:"metric"` // that the policy follows
	Period   Span         `json:"metric_period_seconds"`
	Alarms   []Transition `json:"alarms"`
	// PerInstance is the rate at which one instance is at the policy's target; 0: not known,
	// because the target is not one of a rate.
	PerInstance scaling.PerSecond `json:"per_instance_per_second,omitzero"`
	Speed       float64           `json:"speed"` // seconds of the services in a real one
}

// Datapoint is one period of a metric.
type Datapoint struct {
	At    time.Time `json:"at"`    // when the period begins
	Value *float64  `json:"value"` // nil: there is none
}

// SeriesOf keeps of what was observed what a picture needs.
func SeriesOf(o Observed) Series {
	s := Series{
		Slices: append([]Slice{}, o.Slices...), Capacity: changes(o.Capacity), Poll: Span(o.Poll), Metric: make([]Datapoint, 0, len(o.Metric)),
		Period: Span(o.Period), Alarms: append([]Transition{}, o.Alarms...), Speed: o.Speed,
	}
	for _, p := range o.Metric {
		d := Datapoint{At: p.At}
		if !p.Missing {
			d.Value = new(p.Value)
		}
		s.Metric = append(s.Metric, d)
	}
	s.PerInstance = o.Programme.Load.PerInstance
	if s.PerInstance == 0 && o.Policy.Metric == scaling.InvocationsPerInstance {
		s.PerInstance = scaling.PerSecond(o.Policy.Target / 60)
	}
	return s
}

// changes leaves out the looks that found what the one before them had found, except
// the last, which says how long that lasted.
func changes(looks []Capacity) []Capacity {
	out := make([]Capacity, 0, len(looks))
	for i, look := range looks {
		last := i+1 == len(looks)
		if i == 0 || last || look.Status != looks[i-1].Status || look.Current != looks[i-1].Current || look.Desired != looks[i-1].Desired {
			out = append(out, look)
		}
	}
	return out
}

// Offered is the rate of a slice, requests a second as a clock at the client counts them:
// where the services' time is sped up, a second of theirs has fewer requests.
func (s Series) Offered(slice Slice) scaling.PerSecond {
	if slice.Length <= 0 {
		return 0
	}
	return scaling.PerSecond(float64(slice.Offered) / slice.Length.Seconds() * s.speed())
}

// speed takes what nobody said for real time.
func (s Series) speed() float64 {
	if s.Speed > 0 {
		return s.Speed
	}
	return 1
}
