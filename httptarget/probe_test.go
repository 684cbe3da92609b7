package httptarget

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"plimsoll/loadgen"
)

func TestProbe(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		t.Run(fmt.Sprintf("net/http %v", viaNetHTTP), func(t *testing.T) {
			s := listen(t, echo)
			content := strings.Repeat("x", 5000)
			target := newTarget(t, Options{URL: s.url, Bodies: body(content), NetHTTP: viaNetHTTP})
			a, err := target.Probe(t.Context())
			if err != nil || a.Class != loadgen.OK || a.Status != 200 || string(a.Body) != content[:probeBody] || a.Received != 5000 || a.Header.Get("Content-Length") != "5000" {
				t.Errorf("Probe: got %v, status %d, %d bytes shown of %d, header %v, error %v", a.Class, a.Status, len(a.Body), a.Received, a.Header, err)
			}
			s = listen(t, always("HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Late: 1\r\nContent-Length: 0\r\n\r\n"))
			a, err = newTarget(t, Options{URL: s.url, NetHTTP: viaNetHTTP}).Probe(t.Context())
			if err != nil || a.Header.Get("X-Early") != "" || a.Header.Get("X-Late") != "1" {
				t.Errorf("Probe after early hints: got header %v, error %v, want only X-Late", a.Header, err)
			}
			a, err = target.ProbeWith(t.Context(), loadgen.Request{Content: []byte("rendered")})
			if err != nil || string(a.Body) != "rendered" {
				t.Errorf("ProbeWith: got body %q, error %v", a.Body, err)
			}
		})
	}
}

func TestProbeFailures(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		t.Run(fmt.Sprintf("net/http %v", viaNetHTTP), func(t *testing.T) {
			s := listen(t, always(reply(415, "text/csv, please")))
			a, err := newTarget(t, Options{URL: s.url, NetHTTP: viaNetHTTP}).Probe(t.Context())
			if err != nil || a.Class != loadgen.ClientError || string(a.Body) != "text/csv, please" || a.Detail != "text/csv, please" {
				t.Errorf("Probe refused: got %v with body %q, detail %q, error %v", a.Class, a.Body, a.Detail, err)
			}
			s = listen(t, always("HTTP/1.1 500 "+"\r\nContent-Length: 6000\r\n\r\n"+strings.Repeat("e", 6000)))
			a, err = newTarget(t, Options{URL: s.url, NetHTTP: viaNetHTTP}).Probe(t.Context())
			if err != nil || a.Class != loadgen.ServerError || len(a.Body) != probeBody || len(a.Detail) != maxDetail {
				t.Errorf("Probe failed: got %v with %d bytes of body, %d of detail, error %v", a.Class, len(a.Body), len(a.Detail), err)
			}
			s = listen(t, func(int, net.Conn) {})
			_, err = newTarget(t, Options{URL: s.url, NetHTTP: viaNetHTTP}).Probe(t.Context())
			wantOpenError(t, err, loadgen.Reset, s.Addr().String())
			s = listen(t, silent(t))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			if _, err = newTarget(t, Options{URL: s.url, NetHTTP: viaNetHTTP}).Probe(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Probe of a silent server: got error %v, want the context's", err)
			}
			_, err = newTarget(t, Options{URL: s.url, NetHTTP: viaNetHTTP, Timeout: 30 * time.Millisecond}).Probe(t.Context())
			wantOpenError(t, err, loadgen.Timeout, "30ms")
		})
	}
}
