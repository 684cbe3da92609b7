package experiment

import (
	"fmt"
	"strings"

	"plimsoll/loadgen"
)

// UnauthorizedError is a run whose requests were refused for their credentials or
// permission: they expired, or were taken away. The trial in which that happened
// is no part of the record, so that a resumed run holds it again.
type UnauthorizedError struct {
	Trials  int    // that were held before
	Refused int64  // requests of the trial
	Words   string // of the service, or of the signer
}

// unauthorized is the error of a measurement in which that happened, else nil. It
// says nothing of the endpoint, however few requests it concerns.
func unauthorized(m loadgen.Measurement, trials int) error {
	n := m.Counts.Errors[loadgen.Unauthorized]
	if n == 0 {
		return nil
	}
	e := &UnauthorizedError{Trials: trials, Refused: n}
	for _, s := range m.Samples {
		if s.Class == loadgen.Unauthorized {
			e.Words = strings.Join(strings.Fields(strings.ToValidUTF8(s.Detail, "�")), " ")
			break
		}
	}
	return e
}

// Error says when it happened and the words of whoever refused.
func (e *UnauthorizedError) Error() string {
	when := ""
	if e.Trials > 0 {
		when = fmt.Sprintf(" after %d trials", e.Trials)
	}
	return fmt.Sprintf("%d requests were refused for their credentials or permission%s: %s", e.Refused, when, e.Words)
}
