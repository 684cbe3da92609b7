package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

// The only credentials that the account of the scripts knows.
const (
	scriptAccessKey = "AKIASCRIPTEXAMPLE"
	scriptSecretKey = "s3cr3t/Key+OfTheScripts"
	scriptToken     = "IQoJb3JpZ2luX2VjEMv//t0kenOfTheScripts+/=="
)

// account NAME: serves SageMaker's runtime, which checks signatures with the SDK's
// own signer, and puts its URL in $NAME. The endpoints:
//
//	iris      answers; 4 at a time, 5 ms each
//	chat      streams three parts
//	denied    denies access
//	expiring  finds the token expired after ten answers
//
// Others do not exist. With "emulated" after the name it is package emulator, where
// there is iris alone, and no session token is known.
func serveAccount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: account NAME [emulated]")
	}
	if len(args) > 1 {
		serveEmulated(ts, args[0])
		return
	}
	workers := make(chan struct{}, 4)
	var expiring atomic.Int64
	refuse := func(w http.ResponseWriter, status int, name, words string) {
		w.Header().Set("X-Amzn-RequestId", "1")
		w.Header().Set("X-Amzn-ErrorType", name+":http://internal.amazon.com/coral/com.amazon.coral.service/")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"message":%q}`, words)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !signedWell(r, body) {
			refuse(w, http.StatusForbidden, "InvalidSignatureException", "The request signature we calculated does not match. You sent "+
				r.Header.Get("Authorization")+" and "+r.Header.Get("X-Amz-Security-Token"))
			return
		}
		parts := strings.Split(r.URL.Path, "/")
		if len(parts) != 4 || parts[1] != "endpoints" {
			refuse(w, http.StatusNotFound, "UnknownOperationException", "")
			return
		}
		switch name := parts[2]; {
		case name == "denied":
			refuse(w, http.StatusForbidden, "AccessDeniedException", "User: arn:aws:iam::210987654321:user/me is not authorized to perform: sagemaker:InvokeEndpoint")
		case name == "expiring" && expiring.Add(1) > 10:
			refuse(w, http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired: "+r.Header.Get("X-Amz-Security-Token"))
		case name == "chat" && parts[3] == "invocations-response-stream":
			streamParts(w)
		case name == "iris" || name == "expiring":
			workers <- struct{}{}
			time.Sleep(5 * time.Millisecond)
			<-workers
			_, _ = io.WriteString(w, r.Header.Get("X-Amzn-SageMaker-Target-Variant"))
		default:
			refuse(w, http.StatusBadRequest, "ValidationError", "Endpoint "+name+" of account 210987654321 not found.")
		}
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

func serveEmulated(ts *testscript.TestScript, name string) {
	model, err := fleet.ParseModel("service=5ms,workers=4")
	ts.Check(err)
	emulated, err := emulator.New(emulator.Options{
		Endpoints: []emulator.Endpoint{{Name: "iris", Variant: "Green"}}, Model: model, Seed: 1, Speed: emulator.MaxSpeed,
		AccessKey: scriptAccessKey, SecretKey: scriptSecretKey, Region: "eu-central-1", Account: "210987654321",
	})
	ts.Check(err)
	server := httptest.NewServer(emulated)
	ts.Defer(func() {
		server.Close()
		ts.Check(emulated.Close())
	})
	ts.Setenv(name, server.URL)
}

func streamParts(w http.ResponseWriter) {
	for _, text := range []string{"Once ", "upon ", "a time"} {
		m := eventstream.Message{Payload: []byte(text)}
		m.Headers.Set(":message-type", eventstream.StringValue("event"))
		m.Headers.Set(":event-type", eventstream.StringValue("PayloadPart"))
		var b bytes.Buffer
		_ = eventstream.NewEncoder().Encode(&b, m)
		_, _ = w.Write(b.Bytes())
		_ = http.NewResponseController(w).Flush()
	}
}

// signedWell asks the SDK's signer for the signature of what arrived.
func signedWell(r *http.Request, body []byte) bool {
	given := r.Header.Get("Authorization")
	_, rest, _ := strings.Cut(given, "SignedHeaders=")
	names, _, _ := strings.Cut(rest, ",")
	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}}
	for name := range strings.SplitSeq(names, ";") {
		if name == "content-length" {
			again.ContentLength = r.ContentLength
		} else if name != "host" {
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return false
	}
	sum := sha256.Sum256(body)
	c := aws.Credentials{AccessKeyID: scriptAccessKey, SecretAccessKey: scriptSecretKey, SessionToken: scriptToken}
	err = v4.NewSigner().SignHTTP(r.Context(), c, again, hex.EncodeToString(sum[:]), "sagemaker", "eu-central-1", at)
	return err == nil && again.Header.Get("Authorization") == given
}

// hides: neither the last output nor any file save those of ~/.aws has anything of the credentials, or the account.
func hides(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: hides")
	}
	look := func(where, text string) {
		for _, secret := range []string{scriptAccessKey, scriptSecretKey, "OfTheScripts", scriptToken, "IQoJb3JpZ2luX2Vj", "210987654321"} {
			if strings.Contains(text, secret) {
				ts.Fatalf("%s shows %q", where, secret)
			}
		}
	}
	look("standard output", ts.ReadFile("stdout"))
	look("standard error", ts.ReadFile("stderr"))
	seen := 0
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".aws": // where they belong
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		seen++
		text, err := os.ReadFile(path)
		look(path, string(text))
		return err
	}))
	if seen == 0 {
		ts.Fatalf("no file was looked into")
	}
}
