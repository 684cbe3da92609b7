package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"plimsoll/emulator"
)

// signed are the headers that sign a POST of a body to an address, by AWS Signature
// Version 4 ("Create a signed AWS API request", IAM User Guide). They are good for five
// minutes, so that signing costs the generator nothing.
func signed(address *url.URL, body []byte, at time.Time) http.Header {
	const names = "host;x-amz-date"
	date := at.UTC().Format("20060102T150405Z")
	scope := strings.Join([]string{date[:8], emulator.DefaultRegion, "sagemaker", "aws4_request"}, "/")
	canonical := strings.Join([]string{
		http.MethodPost, address.EscapedPath(), "", "host:" + address.Host, "x-amz-date:" + date, "", names, hash(body),
	}, "\n")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + emulator.DefaultSecretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return http.Header{
		"X-Amz-Date": {date},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=" + emulator.DefaultAccessKey + "/" + scope +
			", SignedHeaders=" + names + ", Signature=" + hex.EncodeToString(mac(key, toSign))},
	}
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
