package hosting

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSnapshot saves a busy hosting as JSON and restores it into a new one: everything
// is there, as large as it was to be, in service after one tick.
func TestSnapshot(t *testing.T) {
	var saved []byte
	var described object
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.must("AddTags", `{"ResourceArn":"`+irisARN+`","Tags":[{"Key":"a","Value":"1"}]}`)
		w.host(1, true)
		w.component("a", 3, 2)
		w.run(2*delay + 3*time.Second)
		described = w.describe("iris")
		w.scale(3) // under way when it is saved
		var err error
		if saved, err = json.Marshal(w.h.Snapshot()); err != nil {
			w.Fatal(err)
		}
	})
	bubble(t, func(w *world) {
		w.deploy("old", 1)
		var s Snapshot
		if err := json.Unmarshal(saved, &s); err != nil {
			w.Fatal(err)
		}
		if err := w.h.Restore(s); err != nil {
			w.Fatal(err)
		}
		w.tick()
		w.wantStatus("iris", "InService")
		w.wantCounts("iris", 3, 3)
		w.wantCounts("shared", 2, 2)
		w.wantCopies("InService", 3, 3)
		if got := w.invoke("iris", ""); got.status != 200 {
			w.Errorf("invocation after the restoration = %d, want 200", got.status)
		}
		if got := w.invoke("shared", "", "X-Amzn-SageMaker-Inference-Component", "a"); got.status != 200 {
			w.Errorf("invocation of a component after the restoration = %d, want 200", got.status)
		}
		if status, _ := w.control("DescribeEndpoint", `{"EndpointName":"old"}`); status != 400 {
			w.Error("what there was before the restoration is still there")
		}
		if got := w.must("ListTags", `{"ResourceArn":"`+irisARN+`"}`)["Tags"].([]any); len(got) != 1 {
			w.Errorf("tags = %v, want one", got)
		}
		got := w.describe("iris")
		for _, member := range []string{"CreationTime", "EndpointConfigName", "EndpointArn"} {
			if got[member] != described[member] {
				w.Errorf("%s = %v, want %v", member, got[member], described[member])
			}
		}
		again, err := json.Marshal(w.h.Snapshot())
		if err != nil {
			w.Fatal(err)
		}
		if diff := cmp.Diff(withoutTimes(t, saved), withoutTimes(t, again)); diff != "" {
			w.Errorf("snapshot of what was restored (-first +second):\n%s", diff)
		}
		if err := w.h.Restore(Snapshot{}); err != nil {
			w.Fatal(err)
		}
		if got := w.must("ListEndpoints", `{}`)["Endpoints"].([]any); len(got) != 0 {
			w.Errorf("endpoints after a reset = %v, want none", got)
		}
	})
}

// withoutTimes is a snapshot without what depends on when it was taken.
func withoutTimes(t *testing.T, snapshot []byte) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(snapshot, &o); err != nil {
		t.Fatal(err)
	}
	delete(o, "launches")
	for _, kind := range []string{"endpoints", "inference_components"} {
		for _, e := range o[kind].([]any) {
			delete(e.(object), "modified")
		}
	}
	return o
}

func TestRestoreRefuses(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		for text, want := range map[string]string{
			`{"models":[{"ModelName":"m"}]}`: "a model has no container",
			`{"models":[null]}`:              "a model has no container",
			`{"endpoint_configs":[null]}`:    "an endpoint configuration is null",
			`{"endpoints":[{"name":"e"}]}`:   `endpoint "e": has no configuration`,
			`{"inference_components":[{"name":"c","endpoint":"e","variant":"v"}]}`: `inference component "c": endpoint "e" has no variant "v"`,
		} {
			var s Snapshot
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				w.Fatal(err)
			}
			if err := w.h.Restore(s); err == nil || !strings.Contains(err.Error(), want) {
				w.Errorf("Restore(%s) = %v, want %s", text, err, want)
			}
		}
		w.wantStatus("iris", "InService") // untouched
	})
}
