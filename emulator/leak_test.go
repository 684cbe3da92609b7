package emulator_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
)

// TestAbandonedRequestsLeaveNothing has two hundred clients of each kind go away before
// they have had their answer: what served them ends, and the instance works on.
func TestAbandonedRequestsLeaveNothing(t *testing.T) {
	options := emulator.Options{
		Model: fleet.Model{Service: 10 * time.Second, Workers: 2000}, Speed: 1, Seed: 1, NoAuth: true,
		Endpoints: []emulator.Endpoint{{Name: "iris"}},
	}
	inWorld(t, options, func(w *world) {
		synctest.Wait()
		before := goroutines()
		for _, kind := range []struct{ name, path, faults string }{
			{"invocations", "invocations", `{}`},
			{"streams", "invocations-response-stream", `{}`},
			{"hanging invocations", "invocations", `{"hang_share": 1}`},
			{"hanging streams", "invocations-response-stream", `{"hang_share": 1}`},
		} {
			w.faults(kind.faults)
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() { w.abandon(kind.path, 2*time.Second) })
			}
			all.Wait()
			w.client.CloseIdleConnections()
			time.Sleep(time.Minute)
			synctest.Wait()
			if left := goroutines() - before; left > 0 {
				t.Errorf("%d goroutines are left of two hundred abandoned %s", left, kind.name)
			}
		}
		w.faults(`{}`)
		if status := w.abandon("invocations", time.Minute); status != http.StatusOK {
			t.Errorf("then an invocation is answered %d, want 200", status)
		}
	})
}

// goroutines counts them while the world is stopped: runtime.NumGoroutine may miss by the 32
// dead ones that the runtime is moving between its lists.
func goroutines() int {
	count, _ := runtime.GoroutineProfile(make([]runtime.StackRecord, 4096))
	return count
}

// abandon invokes the endpoint, reads for a time at most and goes; it returns the status.
func (w *world) abandon(path string, after time.Duration) (status int) {
	ctx, cancel := context.WithTimeout(w.Context(), after)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://emulator/endpoints/iris/"+path, strings.NewReader("{}"))
	if err != nil {
		w.Error(err)
		return 0
	}
	response, err := w.client.Do(request)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}
