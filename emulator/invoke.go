package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// account stands where AWS writes the caller's account number.
const account = "000000000000"

// answer is the body of every 200: a prediction that is well-formed as JSON, CSV and
// plain text alike, since the content type is the caller's choice.
const answer = "0\n"

// invokeEndpoint serves the path of the SageMaker runtime.
func (h *Handler) invokeEndpoint(w http.ResponseWriter, r *http.Request) {
	h.count(func(c *Counts) { c.Received++ })
	if name := r.PathValue("name"); name != h.name {
		h.count(func(c *Counts) { c.Invalid++ })
		refuse(w, http.StatusBadRequest, "ValidationError", fmt.Sprintf("Endpoint %s of account %s not found.", name, account))
		return
	}
	switch h.serve(w, r, true) {
	case answered:
		w.Header().Set("X-Amzn-Invoked-Production-Variant", "AllTraffic")
		respond(w, r)
	case rejected:
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", "The endpoint has no capacity for the request: its queue is full.")
	case throttled:
		// The service's throttle has no message, literally; clients print "None".
		w.Header().Set("X-Amzn-Errortype", "ThrottlingException")
		writeJSON(w, http.StatusBadRequest, `{"message":null}`)
	case tooLong:
		// Seen without an error type, so that clients name it "413"
		// (github.com/aws/sagemaker-python-sdk/issues/171).
		writeJSON(w, http.StatusRequestEntityTooLarge, fmt.Sprintf(`{"message":"HTTP content length exceeded %d bytes."}`, h.maxBody))
	case broken:
		refuse(w, http.StatusBadRequest, "ValidationError", "The body of the request broke off.")
	case abandoned:
		panic(http.ErrAbortHandler) // returning would send an empty 200
	}
}

// invokeContainer serves the path of a model container, whose errors are its own
// business: plain text.
func (h *Handler) invokeContainer(w http.ResponseWriter, r *http.Request) {
	h.count(func(c *Counts) { c.Received++ })
	switch h.serve(w, r, false) {
	case answered:
		respond(w, r)
	case rejected:
		http.Error(w, "the queue is full", http.StatusServiceUnavailable)
	case tooLong:
		http.Error(w, fmt.Sprintf("the body is longer than %d bytes", h.maxBody), http.StatusRequestEntityTooLarge)
	case broken:
		http.Error(w, "the body broke off", http.StatusBadRequest)
	case throttled, abandoned:
		panic(http.ErrAbortHandler) // returning would send an empty 200
	}
}

// outcome is what became of an invocation, already counted and not yet answered.
type outcome int

const (
	answered outcome = iota
	rejected
	throttled
	tooLong
	broken
	abandoned
)

// serve reads the body, which the model does not look at, takes the request through
// the instance and returns when it is finished or refused.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, mayThrottle bool) outcome {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, h.maxBody)); err != nil {
		h.count(func(c *Counts) { c.Invalid++ })
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return tooLong
		}
		return broken
	}
	until, refused := h.admit(mayThrottle)
	if refused != answered {
		return refused
	}
	return h.finish(r.Context(), until)
}

// admit offers the request to the throttle and the instance; it returns when the
// instance will be done with it, or the reason why it is refused.
func (h *Handler) admit(mayThrottle bool) (time.Time, outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := time.Since(h.start) // under the lock, since an instance takes arrivals in order
	if mayThrottle && !h.throttle.take(at) {
		h.counts.Throttled++
		return time.Time{}, throttled
	}
	admission := h.instance.Offer(at)
	if admission.Rejected {
		h.counts.Rejected++
		return time.Time{}, rejected
	}
	return h.start.Add(admission.Finish), answered
}

// finish waits for the instance. A client that leaves frees its handler, not its
// worker: the model goes on with the request, as model servers do.
func (h *Handler) finish(ctx context.Context, until time.Time) outcome {
	h.sleep(ctx, until)
	if ctx.Err() != nil {
		h.count(func(c *Counts) { c.Abandoned++ })
		return abandoned
	}
	h.count(func(c *Counts) { c.Answered++ })
	return answered
}

func (h *Handler) count(change func(*Counts)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.counts)
}

// respond writes the prediction in the type that the caller accepts. One that asks
// for a range of types, or does not ask, gets JSON.
func respond(w http.ResponseWriter, r *http.Request) {
	accept := r.Header.Get("Accept")
	if accept == "" || strings.ContainsAny(accept, "*,;") {
		accept = "application/json"
	}
	w.Header().Set("Content-Type", accept)
	_, _ = io.WriteString(w, answer) // fails only when the client has left
}

// refuse writes an error as the service's REST-JSON protocol does: its name in a
// header, its words in the body.
func refuse(w http.ResponseWriter, status int, name, message string) {
	quoted, err := json.Marshal(message)
	if err != nil { // no string fails to be JSON
		panic(err)
	}
	w.Header().Set("X-Amzn-Errortype", name)
	writeJSON(w, status, `{"Message":`+string(quoted)+`}`)
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // fails only when the client has left
}
