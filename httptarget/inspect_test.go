package httptarget

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestInspectShowsTheCertificate of a server that is trusted, and why one is not.
func TestInspectShowsTheCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, tt := range []struct {
		name   string
		change func(*Options)
		remedy string // empty: it is connected to
	}{
		{"trusted", func(o *Options) { o.CAPEM = trusted }, ""},
		{"not trusted", func(*Options) {}, "--ca-file"},
		{"accepted", func(o *Options) { o.Insecure = true }, ""},
		{"another name", func(o *Options) { o.CAPEM, o.ServerName = trusted, "other.test" }, "a name that the certificate has"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{URL: server.URL}
			tt.change(&o)
			target, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			in := target.Inspect(t.Context())
			if in.Err != nil || len(in.Routes) != 1 {
				t.Fatalf("Inspect = %+v, want one address", in)
			}
			r := in.Routes[0]
			if tt.remedy != "" {
				if r.Err == nil || !strings.Contains(r.Remedy, tt.remedy) {
					t.Errorf("Inspect = %v with remedy %q, want one with %q", r.Err, r.Remedy, tt.remedy)
				}
				return
			}
			if r.Err != nil || r.Certificate == nil || !slices.Contains(r.Certificate.Names, "example.com") || !r.Certificate.Expires.Equal(server.Certificate().NotAfter) {
				t.Errorf("Inspect = %+v with certificate %+v, want example.com's", r, r.Certificate)
			}
			if r.Connect <= 0 || r.Handshake <= 0 {
				t.Errorf("Inspect took %v and %v, want some time", r.Connect, r.Handshake)
			}
		})
	}
}

// TestInspectTriesEveryAddress, also after one that answers, and names those that do not.
func TestInspectTriesEveryAddress(t *testing.T) {
	d, _, _ := resolving(t, []string{"10.0.0.1", "10.0.0.2", "fd00::1"}, map[string]bool{"10.0.0.2": true})
	target := &Target{dialer: d}
	in := target.Inspect(t.Context())
	var got []string
	for _, r := range in.Routes {
		word := "up"
		if r.Err != nil {
			word = "down"
		}
		got = append(got, r.Address+" "+word)
	}
	if want := []string{"10.0.0.1:80 down", "10.0.0.2:80 up", "[fd00::1]:80 down"}; in.Err != nil || !slices.Equal(got, want) {
		t.Errorf("Inspect = %q, %v; want %q", got, in.Err, want)
	}
	if d.addrs != nil {
		t.Errorf("Inspect left addresses %v behind", d.addrs)
	}
	d.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "model.test", IsNotFound: true}
	}
	if in := target.Inspect(t.Context()); in.Err == nil || in.Remedy != "check the host name" {
		t.Errorf("Inspect of a name that does not exist = %v with remedy %q, want advice on the name", in.Err, in.Remedy)
	}
}
