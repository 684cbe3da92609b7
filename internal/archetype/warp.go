package archetype

import "sort"

// Warp is a clock of work: the speed of a server over time, piecewise constant.
// A nil Warp is the speed 1.
type Warp struct {
	more            func(i int) (length, speed float64) // segment i
	at, work, speed []float64
}

// NewWarp makes a Warp of segments that are asked for in order.
func NewWarp(more func(i int) (length, speed float64)) *Warp { return &Warp{more: more} }

func (w *Warp) extend() {
	if len(w.at) == 0 {
		w.at, w.work = append(w.at, 0), append(w.work, 0)
	}
	length, speed := w.more(len(w.speed))
	n := len(w.speed)
	w.speed = append(w.speed, speed)
	w.at = append(w.at, w.at[n]+length)
	w.work = append(w.work, w.work[n]+length*speed)
}

// done is the work that can have been done by the time t.
func (w *Warp) done(t float64) float64 {
	if w == nil {
		return t
	}
	for len(w.at) == 0 || w.at[len(w.at)-1] <= t {
		w.extend()
	}
	i := max(0, sort.SearchFloat64s(w.at, t)-1)
	return w.work[i] + (t-w.at[i])*w.speed[i]
}

// when is the time at which so much work has been done.
func (w *Warp) when(work float64) float64 {
	if w == nil {
		return work
	}
	for len(w.work) == 0 || w.work[len(w.work)-1] <= work {
		w.extend()
	}
	i := max(0, sort.SearchFloat64s(w.work, work)-1)
	if w.speed[i] == 0 {
		return w.at[i+1]
	}
	return w.at[i] + (work-w.work[i])/w.speed[i]
}
