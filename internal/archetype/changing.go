package archetype

import "math/rand/v2"

// changing are the families whose servers change during a run.
func changing() []Family {
	return []Family{
		// CPU credits: full speed until they are spent, then a part of it.
		{Name: "credits", Changes: true, over: [2]float64{2, 6}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
			when, slow := uniform(r, 0.3, 0.8), uniform(r, 0.5, 0.75)
			return warped(c, mean, func(s setting) *Warp {
				return spells([]float64{when * s.length}, []float64{1, slow})
			}), float64(c) / mean
		}},
		// A leak: service grows steadily over the run.
		{Name: "leak", Changes: true, over: [2]float64{2, 6}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c, grows := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9)), uniform(r, 0.1, 0.3)
			return warped(c, mean, func(s setting) *Warp {
				return NewWarp(func(i int) (float64, float64) { return s.length / 200, 1 / (1 + grows*min(float64(i)/200, 2)) })
			}), float64(c) / mean
		}},
		// Stolen capacity: a part of the processor is somebody else's for 20 s.
		{Name: "stolen", Changes: true, over: [2]float64{2, 6}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
			when, slow := uniform(r, 0.3, 0.6), uniform(r, 0.4, 0.75)
			return warped(c, mean, func(s setting) *Warp {
				return spells([]float64{when * s.length, 20}, []float64{1, slow, 1})
			}), float64(c) / mean
		}},
		// An autoscaler acts: as many workers again are added.
		{Name: "scaled", Changes: true, over: [2]float64{2, 6}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c, when := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9)), uniform(r, 0.3, 0.8)
			return func(s setting) Server {
				f := NewFIFO(s.seed, c, Lognormal(mean, 0.5))
				if !s.steady {
					f.AddWorkers(c, when*s.length)
				}
				return f
			}, float64(c) / mean
		}},
	}
}

// warped is c workers whose speed changes unless they are to be steady.
func warped(c int, mean float64, speed func(s setting) *Warp) builder {
	return func(s setting) Server {
		f := NewFIFO(s.seed, c, Lognormal(mean, 0.5))
		if !s.steady {
			f.Speed = speed(s)
		}
		return f
	}
}

// spells is one speed after another; the last one stays.
func spells(lengths, speeds []float64) *Warp {
	return NewWarp(func(i int) (float64, float64) {
		if i < len(lengths) {
			return lengths[i], speeds[i]
		}
		return 1e6, speeds[len(speeds)-1]
	})
}
