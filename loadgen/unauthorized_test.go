package loadgen

import (
	"strings"
	"testing"
	"time"
)

// TestRefusedCredentialsAreADoubt: one expired token must not become somebody's peak.
func TestRefusedCredentialsAreADoubt(t *testing.T) {
	m := Unmeasured(Load{Concurrency: 1, Measure: time.Second})
	m.Counts.Requests, m.Counts.Successes, m.Counts.Errors[Unauthorized] = 1000, 999, 1
	if doubts := m.Doubts(Limits{}); len(doubts) != 1 || !strings.Contains(doubts[0], "1 requests were refused for their credentials") {
		t.Errorf("Doubts: got %q, want the refused request", doubts)
	}
}
