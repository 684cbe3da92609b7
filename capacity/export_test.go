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
