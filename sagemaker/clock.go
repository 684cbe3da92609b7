package sagemaker

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// modelTimeHeader is how package emulator tells its own time, which may pass faster.
const modelTimeHeader = "X-Plimsoll-Model-Time"

// fastest is more than any emulator's clock runs.
const fastest = 100

// serviceClock carries requests and reads the services' time off the answers. On AWS
// itself that is real time: this machine's clock, put right where the Date of the answers
// says that it is wrong.
type serviceClock struct {
	next http.RoundTripper

	mu          sync.Mutex
	first, last reading // of model time; zero on AWS
	ahead       time.Duration
	dated       bool // an answer had a date, and ahead is what it told
}

// tolerated is how far this machine's clock may be off before it is put right: a Date is
// whole seconds, and an answer takes a time.
const tolerated = 3 * time.Second

// reading is model time with the real instant at which it was told.
type reading struct{ model, real time.Time }

// RoundTrip carries one request. Its body is given as a copy: the SDK closes its own as
// soon as the answer begins, and net/http, when it looks for the body's end only then,
// takes that for a failure and breaks the answer off.
func (c *serviceClock) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := withBody(r)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	answer, err := c.next.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	c.compare(answer.Header.Get("Date"), began, time.Now())
	c.read(answer.Header.Get(modelTimeHeader), time.Now())
	return answer, nil
}

// read takes model time from an answer that came at an instant.
func (c *serviceClock) read(told string, at time.Time) {
	model, err := time.Parse(time.RFC3339Nano, told)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = reading{model: model, real: at}
	if c.first.model.IsZero() {
		c.first = c.last
	}
}

// compare notes how far a service's clock is ahead, from the Date of an answer: whole
// seconds, cut off, of some instant between the two that are given.
func (c *serviceClock) compare(date string, sent, received time.Time) {
	told, err := http.ParseTime(date)
	if err != nil {
		return
	}
	middle := sent.Add(received.Sub(sent) / 2)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.dated = told.Add(time.Second/2).Sub(middle), true
}

// skew is how far the services' clocks are ahead of this one, if an answer has told.
func (c *serviceClock) skew() (ahead time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead, c.dated
}

// speed is how many seconds of the services pass in a real one, as far as two answers
// tell: 1 until then.
func (c *serviceClock) speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	here, there := c.last.real.Sub(c.first.real), c.last.model.Sub(c.first.model)
	if here <= 0 || there <= 0 {
		return 1
	}
	return min(max(1, float64(there)/float64(here)), fastest)
}

func (c *serviceClock) now() time.Time {
	speed := c.speed()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.last.model.IsZero():
		return c.last.model.Add(time.Duration(float64(time.Since(c.last.real)) * speed))
	case c.ahead.Abs() > tolerated:
		return time.Now().Add(c.ahead)
	}
	return time.Now()
}

// here is how long a time of the services takes here.
func (c *serviceClock) here(d time.Duration) time.Duration {
	return max(10*time.Millisecond, time.Duration(float64(d)/c.speed()))
}

// withBody is a request with a copy of its body, which is short for control planes.
func withBody(r *http.Request) (*http.Request, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	sent := r.WithContext(r.Context())
	sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	sent.Body, err = sent.GetBody()
	return sent, err
}
