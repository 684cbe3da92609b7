package hosting

import (
	"errors"
	"io"
	"net/http"
	"time"

	"plimsoll/emulator/internal/eventstream"
)

// longestPart is the most that one event of a streamed answer carries.
const longestPart = 32 << 10

// stream passes a container's answer on as it arrives, each piece an event. Until the
// first piece has come, what goes wrong is answered as for InvokeEndpoint; after that,
// by an exception in the stream.
func (i *invocation) stream(answer Answer) {
	part := make([]byte, longestPart)
	out := eventstream.NewWriter(i.w)
	for begun := false; ; begun = true {
		n, err := answer.Body.Read(part)
		if i.r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client has left
		}
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended && !begun && n == 0 {
			i.explain(err, time.Since(i.asked))
			return
		}
		if !begun {
			i.accept(answer)
		}
		if n > 0 {
			i.event(out, eventstream.Event("PayloadPart", "application/octet-stream", part[:n]))
		}
		switch {
		case ended:
			i.note(succeeded, time.Since(i.asked))
			return
		case err != nil:
			i.note(brokenModel, time.Since(i.asked))
			i.event(out, i.exception(err))
			return
		}
	}
}

// event writes one; when that fails the client has left.
func (i *invocation) event(out *eventstream.Writer, m eventstream.Message) {
	if err := out.Write(m); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// exception is the event that ends a stream which broke off.
func (i *invocation) exception(err error) eventstream.Message {
	code := "StreamBroken"
	words := "The connection to the container primary was reset or closed while it streamed its response. "
	if errors.Is(err, errTimeout) {
		code = "ModelInvocationTimeExceeded"
		words = "The container primary did not finish its response within the timeout. "
	}
	return eventstream.Exception("ModelStreamError", "application/json", marshal(struct{ Message, ErrorCode string }{words + i.see(), code}))
}
