package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func at(seconds, ms int64) Time { return Time{time.Unix(seconds, ms*1e6).UTC()} }

func TestAnOperationIsTheSameInEveryProtocol(t *testing.T) {
	full := garden{
		common: common{Note: "<&> ünïcode\t\"", Page: new(int32(-3))},
		Name:   "a b+c%", Height: new(0.1), Count: -1 << 40, Small: 255, Dry: new(false),
		Season: "SPRING", Seasons: []season{"A", "B", ""}, Numbers: []float64{1, -2.5, 1e21, 5e-324},
		Seed: []byte{0, 255, 10}, Planted: at(1732460645, 123), Cut: new(at(0, 0)),
		Spot:   &spot{X: 1},
		Rows:   []row{{}, {Name: "x", Labels: []label{{Key: "k"}, {Key: "l", Value: "v"}}, Spots: []*spot{{Y: 2}}}},
		Yields: map[string]float64{"p99.9": 0.5, "<&> ü": -2, "": 1},
	}
	s := toyServer(t, ServerOptions{})
	for _, p := range tongues() {
		t.Run(p.name, func(t *testing.T) {
			in := full
			if p.name == "query" {
				in.Rows = in.Rows[1:] // AWS Query cannot write an empty structure
			}
			answer := ask(t, s, p.request("Echo", in))
			body := bodyOf(t, answer)
			if answer.StatusCode != http.StatusOK || answer.Header.Get("x-amzn-RequestId") != "req-1" {
				t.Fatalf("Echo: %d, id %q: %s", answer.StatusCode, answer.Header.Get("x-amzn-RequestId"), body)
			}
			var got garden
			if err := p.read(body, "Echo", &got); err != nil {
				t.Fatalf("reading %s: %v", body, err)
			}
			if diff := cmp.Diff(in, got, cmp.AllowUnexported(garden{}), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Errorf("Echo(-sent +got):\n%s\n%s", diff, body)
			}
		})
	}
}

func TestEveryInputIsEchoedInEveryProtocol(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	text := rapid.StringMatching(`[ -~é世]{0,12}`)
	some := rapid.StringMatching(`[a-z&=+.%]{1,6}`)
	float := rapid.Float64Range(-1e300, 1e300)
	gardens := rapid.Custom(func(t *rapid.T) garden {
		g := garden{
			common: common{Note: text.Draw(t, "note")},
			Name:   text.Draw(t, "name"),
			Count:  rapid.Int().Draw(t, "count"),
			Small:  rapid.Uint8().Draw(t, "small"),
		}
		if rapid.Bool().Draw(t, "numbers?") {
			g.Numbers = rapid.SliceOfN(float, 1, 12).Draw(t, "numbers") // twelve: 10 sorts before 2
			g.Height = new(float.Draw(t, "height"))
		}
		if rapid.Bool().Draw(t, "yields?") {
			g.Yields = rapid.MapOfN(some, float, 1, 12).Draw(t, "yields")
		}
		if rapid.Bool().Draw(t, "rest?") {
			g.Planted = at(rapid.Int64Range(1, 4e9).Draw(t, "planted"), rapid.Int64Range(0, 999).Draw(t, "ms"))
			g.Spot = &spot{X: float.Draw(t, "x"), Y: float.Draw(t, "y")}
			g.Rows = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
				return row{Name: some.Draw(t, "row"), Labels: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) label {
					return label{Key: some.Draw(t, "key"), Value: some.Draw(t, "value")}
				}), 1, 3).Draw(t, "labels")}
			}), 1, 12).Draw(t, "rows")
		}
		return g
	})
	rapid.Check(t, func(t *rapid.T) {
		in := gardens.Draw(t, "garden")
		for _, p := range tongues() {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, p.request("Echo", in))
			var got garden
			if err := p.read(w.Body.Bytes(), "Echo", &got); err != nil || w.Code != 200 {
				t.Fatalf("%s: %d %v: %s", p.name, w.Code, err, w.Body)
			}
			if diff := cmp.Diff(in, got, cmp.AllowUnexported(garden{}), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Fatalf("%s (-sent +got):\n%s", p.name, diff)
			}
		}
	})
}

func TestWhatGoesOverTheWire(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	for _, c := range []struct {
		name        string
		request     *http.Request
		status      int
		contentType string
		header      string // one that must be there, as "Name: value"
		body        string
	}{
		{
			"json", jsonRequest("Echo", garden{Name: "n<", Planted: at(1732460645, 500)}), 200,
			"application/x-amz-json-1.0", "", `{"Name":"n<","Planted":1732460645.5}`,
		},
		{"json without output", jsonRequest("Fell", nothing{}), 200, "application/x-amz-json-1.0", "Content-Length: 2", `{}`},
		{
			"cbor", cborRequest("Echo", garden{Count: 7, Planted: at(1732460645, 0)}), 200, "application/cbor",
			"Smithy-Protocol: rpc-v2-cbor", "\xa2eCount\x07gPlanted\xc1\xfbA\xd9\xd0\xd0\x19@\x00\x00",
		},
		{"cbor without output", cborRequest("Fell", nothing{}), 200, "application/cbor", "Smithy-Protocol: rpc-v2-cbor", "\xa0"},
		{
			"query", queryRequest("Echo", garden{Name: "n<", Planted: at(1732460645, 500)}), 200, "text/xml", "",
			`<EchoResponse xmlns="http://orchard.example.com/doc/2010-08-01/"><EchoResult><Name>n&lt;</Name>` +
				`<Planted>2024-11-24T15:04:05.5Z</Planted></EchoResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></EchoResponse>` + "\n",
		},
		{
			"query, a map", formRequest("Action=Echo&Version=2010-08-01&Yields.entry.1.key=p99&Yields.entry.1.value=2&Yields.entry.2.key=p50&Yields.entry.2.value=1"),
			200, "text/xml", "",
			`<EchoResponse xmlns="http://orchard.example.com/doc/2010-08-01/"><EchoResult><Yields><entry><key>p50</key><value>1</value></entry>` +
				`<entry><key>p99</key><value>2</value></entry></Yields></EchoResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></EchoResponse>` + "\n",
		},
		{
			"query without output", queryRequest("Fell", nothing{}), 200, "text/xml", "",
			`<FellResponse xmlns="http://orchard.example.com/doc/2010-08-01/"><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></FellResponse>` + "\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := ask(t, s, c.request)
			body := string(bodyOf(t, answer))
			if answer.StatusCode != c.status || answer.Header.Get("Content-Type") != c.contentType || body != c.body {
				t.Errorf("got %d %s %q,\nwant %d %s %q", answer.StatusCode, answer.Header.Get("Content-Type"), body, c.status, c.contentType, c.body)
			}
			if name, value, ok := strings.Cut(c.header, ": "); ok && answer.Header.Get(name) != value {
				t.Errorf("header %s: got %q, want %q", name, answer.Header.Get(name), value)
			}
		})
	}
}

// The Go SDK sends maps and arrays of indefinite length; this is the body that
// cloudwatch v1.75 sent for DescribeAlarms with two names, under the toy's names.
func TestIndefiniteLengthIsRead(t *testing.T) {
	body := "\xbf\x67Seasons\x9f\x61a\x61b\xff\x65Count\x02\x67Planted\xc1\x1a\x67\x43\x40\x65\xff"
	r := httptest.NewRequest(http.MethodPost, "/service/Orchard_20100801/operation/Echo", strings.NewReader(body))
	var got garden
	if err := cbor.Unmarshal(bodyOf(t, ask(t, toyServer(t, ServerOptions{}), r)), &got); err != nil {
		t.Fatal(err)
	}
	want := garden{Seasons: []season{"a", "b"}, Count: 2, Planted: at(0x67434065, 0)}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(garden{}), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheRequestSaysWhichAWSJSONItSpeaks(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	for sent, want := range map[string]string{
		"application/x-amz-json-1.0": "application/x-amz-json-1.0",
		"application/x-amz-json-1.1": "application/x-amz-json-1.1",
		"application/json":           "application/x-amz-json-1.0",
		"":                           "application/x-amz-json-1.0",
	} {
		r := jsonRequest("Fell", nothing{})
		r.Header.Set("Content-Type", sent)
		if got := ask(t, s, r).Header.Get("Content-Type"); got != want {
			t.Errorf("Content-Type %q is answered %q, want %q", sent, got, want)
		}
	}
}

func TestFailuresHaveEachProtocolsShape(t *testing.T) {
	var broken []string
	s := toyServer(t, ServerOptions{Broken: func(service, op string, err error) {
		broken = append(broken, service+"."+op+": "+err.Error())
	}})
	const internal = "The request processing has failed because of an unknown error, exception or failure."
	for _, c := range []struct {
		kind             string
		status           int
		shape, query     string
		side             string
		message          any // of JSON and CBOR; absent if missing{}
		json, queryError string
	}{
		{
			"missing", 400, "ValidationException", "ValidationError", "Sender",
			"1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null", "", "",
		},
		{"value", 400, "InvalidParameterValueException", "InvalidParameterValue", "Sender", `a <b> & "c"`, "", ""},
		{"server", 503, "ServiceUnavailable", "ServiceUnavailable", "Receiver", "later", "", ""},
		{"null", 400, "ThrottlingException", "Throttling", "Sender", nil, "", ""},
		{"nan", 500, "InternalFailure", "InternalFailure", "Receiver", internal, "", ""},
		{"", 500, "InternalFailure", "InternalFailure", "Receiver", internal, "", ""},
	} {
		for _, p := range tongues() {
			t.Run(c.kind+"/"+p.name, func(t *testing.T) {
				r := p.request("Wish", wish{Kind: c.kind})
				r.Header.Set("X-Amzn-Query-Mode", "true")
				answer := ask(t, s, r)
				body := bodyOf(t, answer)
				if answer.StatusCode != c.status {
					t.Errorf("status %d, want %d: %s", answer.StatusCode, c.status, body)
				}
				wantError := c.query + ";" + c.side
				if p.name == "query" {
					wantError = ""
					checkXMLError(t, body, c.side, c.query, c.message)
				} else {
					members := map[string]any{}
					if err := p.read(body, "", &members); err != nil {
						t.Fatal(err)
					}
					want := map[string]any{"__type": "com.example.orchard#" + c.shape, "message": c.message}
					if diff := cmp.Diff(want, members); diff != "" {
						t.Errorf("body (-want +got):\n%s", diff)
					}
				}
				if got := answer.Header.Get("x-amzn-query-error"); got != wantError {
					t.Errorf("x-amzn-query-error %q, want %q", got, wantError)
				}
				if got := answer.Header.Get("x-amzn-ErrorType"); p.name == "awsJson" && got != c.shape {
					t.Errorf("x-amzn-ErrorType %q, want %q", got, c.shape)
				}
			})
		}
	}
	if len(broken) != 6 { // "nan" and "" in three protocols
		t.Errorf("Broken was told %d times, want 6: %q", len(broken), broken)
	}
	for _, told := range broken {
		if !strings.HasPrefix(told, "Orchard.Wish: ") {
			t.Errorf("Broken was told %q", told)
		}
	}
}

func checkXMLError(t *testing.T, body []byte, side, code string, message any) {
	t.Helper()
	var got struct {
		XMLName   xml.Name
		Type      string  `xml:"Error>Type"`
		Code      string  `xml:"Error>Code"`
		Message   *string `xml:"Error>Message"`
		RequestID string  `xml:"RequestId"`
	}
	if err := xml.Unmarshal(body, &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if got.XMLName.Local != "ErrorResponse" || got.Type != side || got.Code != code || got.RequestID != "req-1" {
		t.Errorf("got %s, want %s %s", body, side, code)
	}
	want, _ := message.(string)
	if (message == nil) != (got.Message == nil) || got.Message != nil && *got.Message != want {
		t.Errorf("message in %s, want %v", body, message)
	}
}

func TestFailuresWithoutQueryModeDoNotNameIt(t *testing.T) {
	answer := ask(t, toyServer(t, ServerOptions{}), cborRequest("Wish", wish{Kind: "value"}))
	if got, there := answer.Header["X-Amzn-Query-Error"]; there {
		t.Errorf("x-amzn-query-error %q was not asked for", got)
	}
}

func TestFurtherMembersOfErrors(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	got := string(bodyOf(t, ask(t, s, jsonRequest("Wish", wish{Kind: "fields"}))))
	if want := `{"Message":"m","OriginalStatusCode":500,"__type":"com.example.orchard#ModelError"}`; got != want {
		t.Errorf("awsJson: got %s, want %s", got, want)
	}
	got = string(bodyOf(t, ask(t, s, queryRequest("Wish", wish{Kind: "fields"}))))
	if want := "<Code>ModelError</Code><Message>m</Message><OriginalStatusCode>500</OriginalStatusCode></Error>"; !strings.Contains(got, want) {
		t.Errorf("query: got %s, want %s in it", got, want)
	}
	got = string(bodyOf(t, ask(t, s, jsonRequest("Wish", wish{Kind: "two messages"}))))
	if want := `{"Message":"this","__type":"com.example.orchard#ModelError"}`; got != want {
		t.Errorf("awsJson: got %s, want %s", got, want)
	}
	if answer := ask(t, s, jsonRequest("Wish", wish{Kind: "unwritable"})); answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("an error that cannot be written: status %d, want 500", answer.StatusCode)
	}
}

func TestFailSpeaksTheRequestsProtocol(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	denied := Errorf(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
	invoke := httptest.NewRequest(http.MethodPost, "/endpoints/e/invocations", strings.NewReader("x"))
	for _, c := range []struct {
		name    string
		request *http.Request
		error   *Error
		kind    string
		body    string
	}{
		{"rest", invoke, denied, "application/json", `{"message":"Missing Authentication Token"}`},
		{
			"rest with a null message", invoke, &Error{Status: 403, Code: "ThrottlingException", NoMessage: true},
			"application/json", `{"message":null}`,
		},
		{
			"json", jsonRequest("Echo", nothing{}), denied, "application/x-amz-json-1.0",
			`{"__type":"com.example.orchard#MissingAuthenticationTokenException","message":"Missing Authentication Token"}`,
		},
		{
			"query", queryRequest("Echo", nothing{}), denied, "text/xml",
			`<ErrorResponse xmlns="http://orchard.example.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>` +
				`<Message>Missing Authentication Token</Message></Error><RequestId>given</RequestId></ErrorResponse>` + "\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			w.Header().Set("x-amzn-RequestId", "given")
			s.Fail(w, c.request, c.error)
			if w.Code != 403 || w.Header().Get("Content-Type") != c.kind || w.Body.String() != c.body || w.Header().Get("x-amzn-RequestId") != "given" {
				t.Errorf("got %d %v %s,\nwant 403 %s %s", w.Code, w.Header(), w.Body, c.kind, c.body)
			}
		})
	}
}

func TestUnknownOperations(t *testing.T) {
	var told []string
	s := toyServer(t, ServerOptions{Unknown: func(service, op string) { told = append(told, service+"|"+op) }})
	elsewhere := jsonRequest("Echo", nothing{})
	elsewhere.Header.Set("X-Amz-Target", "Meadow.Mow")
	noDot := jsonRequest("Echo", nothing{})
	noDot.Header.Set("X-Amz-Target", "Mow")
	for _, c := range []struct {
		name         string
		request      *http.Request
		status       int
		body, unseen string
	}{
		{"json", jsonRequest("Mow", nothing{}), 400, `{"__type":"com.example.orchard#UnknownOperationException"}`, "Orchard|Mow"},
		{"json, other service", elsewhere, 400, `{"__type":"UnknownOperationException"}`, "|Mow"},
		{"json, no service", noDot, 400, `{"__type":"UnknownOperationException"}`, "|Mow"},
		{"cbor", cborRequest("Mow", nothing{}), 400, "\xa1f__typex-com.example.orchard#UnknownOperationException", "Orchard|Mow"},
		{"query", queryRequest("Mow", nothing{}), 400, "<Code>InvalidAction</Code><Message>Could not find operation Mow for version 2010-08-01</Message>", "Orchard|Mow"},
		{"query, other version", formRequest("Action=Echo&Version=2011-01-01"), 400, "<Code>InvalidAction</Code><Message>Could not find operation Echo for version 2011-01-01</Message>", ""},
		{"query, no version", formRequest("Action=Echo"), 400, "for version NO_VERSION_SPECIFIED</Message>", ""},
		{"query, no action", formRequest("Version=2010-08-01"), 400, "<Code>MissingAction</Code>", ""},
		{"nothing known", httptest.NewRequest(http.MethodGet, "/else", nil), 404, "<UnknownOperationException/>\n", "|GET /else"},
		{"a GET of an operation", httptest.NewRequest(http.MethodGet, "/service/Orchard_20100801/operation/Echo", nil), 404, "<UnknownOperationException/>\n", "|GET /service/Orchard_20100801/operation/Echo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			told = nil
			answer := ask(t, s, c.request)
			body := string(bodyOf(t, answer))
			if answer.StatusCode != c.status || !strings.Contains(body, c.body) {
				t.Errorf("got %d %q, want %d with %q", answer.StatusCode, body, c.status, c.body)
			}
			if got := strings.Join(told, ","); got != c.unseen {
				t.Errorf("Unknown was told %q, want %q", got, c.unseen)
			}
		})
	}
}

func TestProtocolIsToldFromTheHead(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	presigned := httptest.NewRequest(http.MethodGet, "/?Action=Echo&Version=2010-08-01", nil)
	for _, c := range []struct {
		name    string
		request *http.Request
		want    Protocol
		service string
	}{
		{"json", jsonRequest("Echo", nothing{}), JSON, "Orchard"},
		{"cbor", cborRequest("Echo", nothing{}), CBOR, "Orchard"},
		{"query", queryRequest("Echo", nothing{}), Query, "Orchard"},
		{"query in the URL", presigned, Query, "Orchard"},
		{"invocation", httptest.NewRequest(http.MethodPost, "/endpoints/e/invocations", nil), REST, ""},
		{"short path", httptest.NewRequest(http.MethodPost, "/operation/Echo", nil), REST, ""},
		{"cbor, other service", httptest.NewRequest(http.MethodPost, "/service/Meadow/operation/Mow", nil), CBOR, ""},
	} {
		protocol, service := s.Protocol(c.request, nil)
		name := ""
		if service != nil {
			name = service.Name
		}
		if protocol != c.want || name != c.service {
			t.Errorf("%s: got %v of %q, want %v of %q", c.name, protocol, name, c.want, c.service)
		}
	}
}

func TestAServiceSpeaksOnlyItsProtocols(t *testing.T) {
	plain := toy()
	plain.Query, plain.Namespace, plain.RPC = "", "", false
	s, err := NewServer(ServerOptions{}, plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		request *http.Request
		status  int
	}{
		{"json", jsonRequest("Echo", nothing{}), 200},
		{"cbor", cborRequest("Echo", nothing{}), 400},
		{"query", queryRequest("Echo", nothing{}), 404},
	} {
		if got := ask(t, s, c.request).StatusCode; got != c.status {
			t.Errorf("%s: status %d, want %d", c.name, got, c.status)
		}
	}
}

func TestBeforeCanRefuse(t *testing.T) {
	var seen string
	s := toyServer(t, ServerOptions{Before: func(_ context.Context, service *Service, op string) error {
		seen = service.Signing + "." + op
		return Errorf(400, "ThrottlingException", "Rate exceeded")
	}})
	answer := ask(t, s, queryRequest("Echo", nothing{}))
	if body := string(bodyOf(t, answer)); !strings.Contains(body, "<Code>Throttling</Code><Message>Rate exceeded</Message>") || seen != "orchard.Echo" {
		t.Errorf("got %s, Before saw %q", body, seen)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := toyServer(t, ServerOptions{MaxBody: 1000})
	fits, tooLong := garden{Name: strings.Repeat("x", 900)}, garden{Name: strings.Repeat("x", 1000)}
	for _, c := range []struct {
		name   string
		in     garden
		squash bool
		status int
	}{
		{"fits", fits, false, 200},
		{"too long", tooLong, false, 413},
		{"fits, compressed", fits, true, 200},
		{"expands to too much", tooLong, true, 413},
	} {
		for _, p := range tongues() {
			t.Run(c.name+"/"+p.name, func(t *testing.T) {
				r := p.request("Echo", c.in)
				if c.squash {
					compress(t, r)
				}
				answer := ask(t, s, r)
				if body := string(bodyOf(t, answer)); answer.StatusCode != c.status ||
					c.status == 413 && p.name != "cbor" && !strings.Contains(body, "RequestEntityTooLargeException") {
					t.Errorf("got %d %s, want %d", answer.StatusCode, body, c.status)
				}
			})
		}
	}
	r := jsonRequest("Echo", fits)
	r.Header.Set("Content-Encoding", "gzip")
	if got := ask(t, s, r).StatusCode; got != 400 {
		t.Errorf("a body that is not gzip: %d, want 400", got)
	}
	r = jsonRequest("Echo", fits)
	r.Header.Set("Content-Encoding", "br")
	if body := string(bodyOf(t, ask(t, s, r))); !strings.Contains(body, "MalformedHttpRequestException") || !strings.Contains(body, "br") {
		t.Errorf("an unknown encoding: %s", body)
	}
	r = jsonRequest("Echo", nothing{})
	r.Body = brokenBody{}
	if body := string(bodyOf(t, ask(t, s, r))); !strings.Contains(body, "RequestAbortedException") {
		t.Errorf("a body that breaks off: %s", body)
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("reset by peer") }
func (brokenBody) Close() error             { return nil }

func compress(t *testing.T, r *http.Request) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, r.Body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(&b)
	r.Header.Set("Content-Encoding", "gzip")
}

func TestRequestIDsAreUUIDs(t *testing.T) {
	s, err := NewServer(ServerOptions{}, toy())
	if err != nil {
		t.Fatal(err)
	}
	one := ask(t, s, jsonRequest("Fell", nothing{})).Header.Get("x-amzn-RequestId")
	two := ask(t, s, jsonRequest("Fell", nothing{})).Header.Get("x-amzn-RequestId")
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !form.MatchString(one) || !form.MatchString(two) || one == two {
		t.Errorf("ids %q and %q: want two random UUIDs", one, two)
	}
}

func TestNewServerNamesWhatIsWrong(t *testing.T) {
	type recursive struct {
		Next []*struct{ Deep *map[int]string }
	}
	echo := toy().Operations[0]
	sick := Service{Name: "Sick", Target: "Sick", JSON: "2.0", Query: "2010", Operations: []Operation{echo, echo, {Name: "Bare"}}}
	unwritable := toy()
	unwritable.Operations = append(unwritable.Operations, Handle("Loop", func(context.Context, *recursive) (*nothing, error) { return nil, nil }))
	for _, c := range []struct {
		name     string
		opts     ServerOptions
		services []Service
		want     []string
	}{
		{"sick", ServerOptions{MaxBody: -1}, []Service{sick}, []string{
			"max body -1", `JSON "2.0"`, `Query "2010" and Namespace ""`, `operation "Echo": is there twice`, `operation "Bare"`,
		}},
		{"two", ServerOptions{}, []Service{toy(), toy()}, []string{`another one has Target "Orchard_20100801"`}},
		{"unwritable", ServerOptions{}, []Service{unwritable}, []string{"operation Loop", "map[int]string"}},
	} {
		_, err := NewServer(c.opts, c.services...)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nwant %q in it", c.name, err, want)
			}
		}
	}
}

type ring struct {
	Next *ring `json:"Next"`
}

type twice struct {
	common
	Note string `json:"Note"`
}

func TestErrorReadsAsCodeAndMessage(t *testing.T) {
	if got := Errorf(500, "A", "b %d", 1); got.Error() != "A: b 1" || !got.Server {
		t.Errorf("got %v, server %v", got, got.Server)
	}
	if got := Errorf(499, "A", ""); got.Error() != "A" || got.Server {
		t.Errorf("got %v, server %v", got, got.Server)
	}
	if _, err := json.Marshal(at(0, 0)); err != nil {
		t.Error(err)
	}
}
