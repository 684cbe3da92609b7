package emulator

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plimsoll/fleet"
)

// FuzzState takes any state over: it is refused, or all of it goes on for a while and can
// be taken over again.
func FuzzState(f *testing.F) {
	for _, seed := range []string{"grown", "components"} {
		text, err := os.ReadFile(filepath.Join("testdata", "states", seed+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	start := time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		var before state
		if json.Unmarshal(text, &before) != nil {
			return
		}
		e, err := New(Options{Model: fleet.Model{Service: time.Millisecond, Workers: 1}, Start: start, InstanceQuota: 50})
		if err != nil {
			t.Fatal(err)
		}
		take := func(s state) (*parts, error) {
			p, err := e.build()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.hosting.Close() })
			return p, p.restore(s)
		}
		p, err := take(before)
		if err != nil {
			return
		}
		e.parts.Store(p)
		if err := e.Advance(20 * time.Minute); err != nil {
			t.Errorf("going on: %v", err)
		}
		after := state{SchemaVersion: stateVersion, Hosting: p.hosting.Snapshot(), CloudWatch: p.cloudwatch.Snapshot(), AutoScaling: p.autoscaling.Snapshot()}
		kept, err := json.Marshal(after)
		if err != nil {
			t.Fatalf("it cannot be kept: %v", err)
		}
		if _, err := take(after); err != nil {
			t.Errorf("what was kept is refused: %v\n%s", err, kept)
		}
	})
}
