package diagnosis

import (
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestNetwork(t *testing.T) {
	up := Route{Address: "10.0.0.1:443", Connect: time.Millisecond, Handshake: 2 * time.Millisecond, Names: []string{"model.test"}, Issuer: "CN=test", Expires: noon.Add(90 * 24 * time.Hour)}
	down := Route{Address: "10.0.0.2:443", Problem: Problem{"connection refused", "is the server running?"}}
	downSix := Route{Address: "[fd00::1]:443", Problem: Problem{"no route to host", ""}}
	expiring, expired := up, up
	expiring.Expires, expired.Expires = noon.Add(13*24*time.Hour), noon.Add(-time.Hour)
	for _, tt := range []struct {
		name string
		way  Way
		want []string // status and name
	}{
		{"all well", Way{Engine: "http1", Lookup: 1, Routes: []Route{up}}, []string{"ok proxy", "ok name", "ok connect", "ok certificate"}},
		{"name unknown", Way{Engine: "http1", Lookup: 1, Problem: Problem{"no such host", "check the host name"}}, []string{"ok proxy", "fail name"}},
		{"one of a family does not answer", Way{Engine: "http1", Lookup: 1, Routes: []Route{up, down}}, []string{"ok proxy", "ok name", "ok connect", "fail connect", "ok certificate"}},
		{"the other family does not answer", Way{Engine: "http1", Lookup: 1, Routes: []Route{downSix, up}}, []string{"ok proxy", "ok name", "warn connect", "ok connect", "ok certificate"}},
		{"none answers", Way{Engine: "http1", Lookup: 1, Routes: []Route{downSix, down}}, []string{"ok proxy", "ok name", "fail connect", "fail connect"}},
		{"through a proxy", Way{Engine: "net/http", EngineReason: "requests to x go through the proxy p", Proxied: true, Routes: []Route{{Address: "10.0.0.9:3128"}}}, []string{"warn proxy", "ok name", "ok connect"}},
		{"by net/http", Way{Engine: "net/http", EngineReason: "asked for", Routes: []Route{up}}, []string{"warn engine", "ok name", "ok connect", "ok certificate"}},
		{"certificate about to expire", Way{Engine: "http1", Routes: []Route{up, expiring}}, []string{"ok proxy", "ok name", "ok connect", "ok connect", "warn certificate"}},
		{"certificate expired and accepted", Way{Engine: "http1", Routes: []Route{expired}}, []string{"ok proxy", "ok name", "ok connect", "warn certificate"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range Network(tt.way, noon) {
				got = append(got, string(c.Status)+" "+c.Name)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Network = %q, want %q", got, tt.want)
			}
		})
	}
	if c := Proxies(nil); c.Status != OK {
		t.Errorf("without a proxy: %+v", c)
	}
	if c := Proxies([]string{"HTTPS_PROXY"}); c.Status != Warn || c.Remedy == "" {
		t.Errorf("with a proxy: %+v, want a warning", c)
	}
}
