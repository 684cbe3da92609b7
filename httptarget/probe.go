package httptarget

import (
	"context"
	"fmt"
	"net/http"

	"plimsoll/loadgen"
)

// probeBody is how much of an answer's body a probe shows.
const probeBody = 4 << 10

// Answer is what a probe got, with the target's own secrets blanked.
type Answer struct {
	Class    loadgen.Class
	Status   int         // HTTP status, 0 when there was no answer
	Header   http.Header // nil when there was no answer
	Body     []byte      // the first 4 KiB
	Received int64       // bytes of the whole body
	Detail   string      // of a failure: the server's words or the error, at most 512 bytes
}

// Probe sends the first body once, on a session of its own, and returns the
// answer with its words. Without a complete answer the error is a
// *loadgen.OpenError, or ctx's when that ended first; an answer with an unwelcome
// status is no error, and shows in Class.
func (t *Target) Probe(ctx context.Context) (Answer, error) {
	return t.ProbeWith(ctx, loadgen.Request{})
}

// ProbeWith is Probe with a request of the caller's, for a corpus of templates.
func (t *Target) ProbeWith(ctx context.Context, req loadgen.Request) (Answer, error) {
	probe := t.probeFast
	if t.net != nil {
		probe = t.probeNet
	}
	answer, err := probe(ctx, req)
	if err != nil {
		return Answer{}, err
	}
	switch answer.Class {
	case loadgen.OK, loadgen.Throttled, loadgen.ModelError, loadgen.Redirect, loadgen.ClientError, loadgen.ServerError,
		loadgen.Unauthorized, loadgen.StreamFailed, loadgen.BodyFailed:
		return answer, nil
	default:
	}
	if ctx.Err() != nil {
		return answer, fmt.Errorf("probing %s: %w", t.dialer.address(), ctx.Err())
	}
	return answer, &loadgen.OpenError{Class: answer.Class, Err: fmt.Errorf("probing %s: %s", t.dialer.address(), answer.Detail)}
}

func (t *Target) probeFast(ctx context.Context, req loadgen.Request) (Answer, error) {
	s, err := t.openFast(ctx)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = s.Close() }()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	s.in.full, s.in.keep, s.in.keepAll = http.Header{}, make([]byte, 0, probeBody), true
	out, _ := s.once(req)
	a := answerFrom(out, s.in.keep)
	if out.Status != 0 {
		a.Header = s.in.full
	}
	t.scrubAnswer(&a, s.stamp)
	return a, nil
}

func (t *Target) probeNet(ctx context.Context, req loadgen.Request) (Answer, error) {
	s, err := t.net.open(ctx, t)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = s.Close() }()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	s.answer.keep, s.answer.keepAll = make([]byte, 0, probeBody), true
	out := s.Do(req)
	a := answerFrom(out, s.answer.keep)
	if out.Status != 0 {
		a.Header = s.full
	}
	t.scrubAnswer(&a, s.stamp)
	return a, nil
}

func answerFrom(out loadgen.Outcome, body []byte) Answer {
	return Answer{Class: out.Class, Status: out.Status, Body: body, Received: out.Received, Detail: string(out.Detail)}
}

// scrubAnswer blanks the target's secrets where the server sent them back.
func (t *Target) scrubAnswer(a *Answer, stamp Stamp) {
	t.scrub(a.Body, stamp)
	for _, values := range a.Header {
		for i, value := range values {
			p := []byte(value)
			t.scrub(p, stamp)
			values[i] = string(p)
		}
	}
}
