package capacity

// Believed is how many open-loop trials have become evidence.
func (s *Search) Believed() int { return len(s.open) }

// BacklogOf judges a held trial's backlog by itself.
func BacklogOf(t Trial, o Observation, arrivalCV2, serviceCV2 float64) (slope float64, known, grows bool) {
	b := read(t, o).backlog(arrivalCV2, serviceCV2)
	return b.slope, b.known, b.grows
}

// Bounds for tests that go to them.
const (
	MostTrials = mostTrials
	MostHeld   = mostHeld
)

// FitLaw fits the scalability law to throughputs that are known equally well.
func FitLaw(n, x []float64) (USL, bool) {
	var points []scalePoint
	for i := range n {
		points = append(points, scalePoint{n: n[i], x: x[i]})
	}
	return fitUSL(points)
}

// LadderTo is the whole numbers of a sweep's ladder.
func LadderTo(top, most int) []int { return ladder(top, most) }

// StudentQuantile is the two-sided quantile of Student's t.
func StudentQuantile(confidence float64, free int) float64 { return studentQuantile(confidence, free) }
