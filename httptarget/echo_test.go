package httptarget

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"plimsoll/loadgen"
)

// TestServerRepeatsTheRequest: a server that tells the request in its errors,
// in whatever form, brings no secret of it into details and answers.
func TestServerRepeatsTheRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("X-Api-Key"))
		w.WriteHeader(http.StatusInternalServerError)
		var told string
		switch r.Header.Get("X-Form") {
		case "json":
			text, _ := json.Marshal(map[string]any{"h": r.Header, "q": r.URL.Query()})
			told = string(text)
		case "html":
			told = html.EscapeString(fmt.Sprint(r.Header, r.URL.Query()))
		case "parts":
			for _, c := range r.Cookies() {
				told += c.Value + " "
			}
			told += r.URL.Query().Encode()
		default:
			told = r.RequestURI + fmt.Sprint(r.Header)
		}
		_, _ = w.Write([]byte(told))
	}))
	defer server.Close()
	for _, form := range []string{"json", "html", "parts", "raw"} {
		for _, viaNetHTTP := range []bool{false, true} {
			o := Options{
				URL: server.URL + "/?model=iris&sig=Zm9v%2BYmFy%3D&apikey=hidden%26query&code=hiddencode", NetHTTP: viaNetHTTP,
				Header: http.Header{"X-Api-Key": {`hidden<"key">`}, "Cookie": {"sid=hiddensid; theme=hiddentheme"}, "X-Form": {form}, "X-Visible": {"visible"}},
			}
			out := openSession(t, o).Do(loadgen.Request{})
			a, err := newTarget(t, o).Probe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, shown := range []string{string(out.Detail), fmt.Sprintf("%s %v %s", a.Body, a.Header, a.Detail)} {
				for _, secret := range []string{"hidden", "Zm9v"} {
					if strings.Contains(shown, secret) {
						t.Errorf("%s, net/http %v: shows %s: %s", form, viaNetHTTP, secret, shown)
					}
				}
			}
			if form != "parts" && !strings.Contains(string(a.Body), "visible") {
				t.Errorf("%s: body %q, want all but the secrets", form, a.Body)
			}
		}
	}
}

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Api-Key": true, "Cookie": true, "apikey": true, "sig": true, "X-Amz-Signature": true, "my_sig": true, "code": true, "db_pwd": true,
		"Authorization": true, "design": false, "X-Trace": false, "model": false, "zipcode": false, "signal": false,
	} {
		if got := SecretName(name); got != want {
			t.Errorf("SecretName(%q) = %v, want %v", name, got, want)
		}
	}
}
