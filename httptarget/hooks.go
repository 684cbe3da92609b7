package httptarget

import (
	"net/http"
	"time"

	"plimsoll/loadgen"
)

// Stamper adds headers to requests as they leave, for what is known only then: a
// date, a signature. The target asks for nothing else of it.
type Stamper interface {
	// Prepare is told once of the request of each body, in order, as it will be
	// sent but for Content-Length, with its fixed content. It must not change or
	// keep the request.
	Prepare(body int, req *http.Request, content []byte) error
	// Session makes the stamp of one session, after every Prepare.
	Session() Stamp
}

// Stamp is what adds the headers of one session. One goroutine at a time uses it.
type Stamp interface {
	// Append appends header lines, each "Name: value" with CR LF, to the head of
	// the request that leaves now. Its error, a *loadgen.OpenError where it has a
	// class, fails the request before anything of it was sent.
	Append(head []byte, req loadgen.Request, now time.Time) ([]byte, error)
	// Scrub overwrites in text from the server whatever the stamp keeps secret.
	// The text may have been cut off anywhere.
	Scrub(text []byte)
}

// Follower reads the bodies of good answers as they arrive, for one session. One
// goroutine at a time uses it.
type Follower interface {
	// Start is told when a request leaves; its answer is the next.
	Start(sent time.Time)
	// Feed is given the next bytes of the body of a 2xx answer, which arrived just
	// now. They are valid during the call. Its error ends the exchange: the answer
	// is malformed.
	Feed(piece []byte, at time.Time) error
	// End is told that a 2xx answer is complete. It gives the outcome back with
	// what it has seen, and with another class and detail where that was a failure.
	End(out loadgen.Outcome) loadgen.Outcome
}

// hooks makes what one session needs of them.
func (t *Target) hooks() (stamp Stamp, follow Follower) {
	if t.stamper != nil {
		stamp = t.stamper.Session()
	}
	if t.follow != nil {
		follow = t.follow()
	}
	return stamp, follow
}

// feedTo gives a piece of a good answer's body, which has just arrived, to the
// follower.
func (a *answer) feedTo(follow Follower, p []byte) error {
	if a.status/100 != 2 || len(p) == 0 {
		return nil
	}
	if err := follow.Feed(p, time.Now()); err != nil {
		return malformed(err.Error())
	}
	return nil
}

// finish fills in the class of a complete answer and, for a failure, its detail,
// which is in scratch's memory. It returns that for the next time.
func finish(out *loadgen.Outcome, a *answer, t *Target, follow Follower, scratch []byte) []byte {
	out.Class = classOfAnswer(a, t.invocationPath)
	if out.Class == loadgen.OK {
		if follow != nil {
			*out = follow.End(*out)
		}
		if out.Class == loadgen.OK {
			return scratch
		}
		scratch = append(scratch[:0], out.Detail[:min(len(out.Detail), maxDetail)]...)
	} else {
		scratch = appendDetail(scratch[:0], a)
	}
	out.Detail = scratch
	return scratch
}

// scrub blanks the target's secrets and the stamp's.
func (t *Target) scrub(text []byte, stamp Stamp) {
	Scrub(text, t.secrets)
	if stamp != nil {
		stamp.Scrub(text)
	}
}
