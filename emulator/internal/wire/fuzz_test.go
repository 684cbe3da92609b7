package wire

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// fuzzed sends one body and checks that the answer has the protocol's shape, and that
// nothing broke inside.
func fuzzed(t *testing.T, r *http.Request, body []byte, shape func(t *testing.T, body []byte) (failed bool)) {
	t.Helper()
	s := toyServer(t, ServerOptions{Broken: func(_, op string, err error) {
		t.Errorf("%s broke: %v", op, err)
	}})
	r.Body = bodyWith(string(body))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	failed := shape(t, w.Body.Bytes())
	if w.Code != 200 && w.Code != 400 || failed != (w.Code == 400) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, ``, `null`, `{"Name":"a","Height":1e300,"Rows":[{"Labels":[{"Key":"k"}]}],"Spot":{"X":1}}`,
		`{"Planted":1732460645.5,"Cut":"2024-11-24T15:04:05Z"}`, `{"Seed":"AP8K","Dry":null,"Numbers":[-0,1e-400]}`,
		`{"Name":"\ud800\u0000"}`, `[[[[`, `{"Rows":[{},{}`, `{"Planted":-6e10}`, `{"Planted":253402300799.999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fuzzed(t, jsonRequest("Echo", nothing{}), body, func(t *testing.T, body []byte) bool {
			var members map[string]any
			if err := json.Unmarshal(body, &members); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			kind, failed := members["__type"].(string)
			if failed && kind != "com.example.orchard#SerializationException" {
				t.Errorf("unexpected error %s", body)
			}
			return failed
		})
	})
}

func FuzzCBOR(f *testing.F) {
	for _, seed := range []string{
		"", "\xa0", "\xf6", "\xbf\x67Seasons\x9f\x61a\xff\x65Count\x02\xff", "\xa1gPlanted\xc1\xfb\x41\xd9\xd0\xd0\x19\x40\x00\x00",
		"\xa1dRows\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1gNumbers\x83\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00\xf9\x7e\x00\x01",
		"\xa1dSeed\x5f\x41\x00\xff", "\xa1dName\x7f\x61\xff\xff", strings.Repeat("\xc1", 50), "\xa1cCut\xc1\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xa1gPlanted\xc2\x41\x01", "\xa1fHeight\x20",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fuzzed(t, cborRequest("Echo", nothing{}), body, func(t *testing.T, body []byte) bool {
			var members map[string]any
			if err := cbor.Unmarshal(body, &members); err != nil {
				t.Fatalf("%x: %v", body, err)
			}
			kind, failed := members["__type"].(string)
			if failed && kind != "com.example.orchard#SerializationException" {
				t.Errorf("unexpected error %s", kind)
			}
			return failed
		})
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "Name=a&Height=1.5&Dry=true", "Rows.member.1.Labels.member.2.Key=k&Rows.member.10.Name=x", "Seasons=&Seasons.member.3=c",
		"Seasons.member.1000000000=z&Seasons.member.1.x=y", "Planted=2024-11-24T15:04:05.123456Z", "Spot.X=%31&Spot=", "Name=%e4%b8%96+%26&=&&a",
		"Rows.member.1=&Rows.member.01.Name=a&Rows.member.1.Name=b", "Seed=AP8K&Small=255", "Action=Fell", "Name=%00%ff",
		"Yields.entry.1.key=k&Yields.entry.1.value=1&Yields.entry.2.value=2&Yields=",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = append([]byte("Action=Echo&Version=2010-08-01&"), body...)
		fuzzed(t, formRequest(""), body, func(t *testing.T, body []byte) bool {
			var answer struct {
				XMLName xml.Name
				Code    string `xml:"Error>Code"`
			}
			if err := xml.Unmarshal(body, &answer); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			failed := answer.XMLName.Local == "ErrorResponse"
			if failed && answer.Code != "MalformedInput" {
				t.Errorf("unexpected error %s", body)
			}
			return failed
		})
	})
}

// FuzzHead asks anything of anything: whatever a head says, there is an answer.
func FuzzHead(f *testing.F) {
	f.Add("POST", "/", "", "Orchard_20100801.Echo", "application/x-amz-json-1.1", "gzip", "{}")
	f.Add("POST", "/p/service/Orchard_20100801/operation/Echo", "", "", "application/cbor", "", "\xa0")
	f.Add("GET", "/", "Action=Echo&Version=2010-08-01&Name=a", "", "", "", "")
	f.Add("POST", "/", "Action=Mow", "Orchard.", "application/x-www-form-urlencoded;", "GZIP", "Version=2010-08-01")
	f.Fuzz(func(t *testing.T, method, path, query, target, kind, encoding, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		for name, value := range map[string]string{"X-Amz-Target": target, "Content-Type": kind, "Content-Encoding": encoding} {
			r.Header.Set(name, value)
		}
		s := toyServer(t, ServerOptions{Broken: func(_, op string, err error) { t.Errorf("%s broke: %v", op, err) }})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 400 && w.Code != 404 || w.Header().Get("x-amzn-RequestId") == "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		w = httptest.NewRecorder()
		s.Fail(w, r, Errorf(403, "AccessDeniedException", "%s", body))
		if w.Code != 403 {
			t.Errorf("Fail: %d", w.Code)
		}
	})
}
