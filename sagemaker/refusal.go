package sagemaker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"plimsoll/httptarget"
	"plimsoll/loadgen"
)

// Explain says on one line why SageMaker refused a request: the name of the error,
// the service's words and, where there is one, a remedy.
func Explain(a httptarget.Answer) string {
	var body struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // Message, too: names are matched in any case
		// Of a ModelError.
		OriginalMessage string `json:"OriginalMessage"`
	}
	_ = json.Unmarshal(bytes.TrimSpace(a.Body), &body) // what is no JSON is shown as it is
	name := errorName(a.Header.Get("X-Amzn-Errortype"))
	for _, other := range []string{body.Type, body.Code} {
		if name == "" {
			name = errorName(other)
		}
	}
	words := body.Message
	switch {
	case a.Class == loadgen.StreamFailed:
		words = a.Detail
	case words == "" && body.OriginalMessage != "":
		words = body.OriginalMessage
	case words == "":
		words = string(a.Body)
	}
	words = strings.Join(strings.Fields(strings.ToValidUTF8(words, "�")), " ")
	const most = 400
	if runes := []rune(words); len(runes) > most {
		words = string(runes[:most]) + "…"
	}
	if words == "" {
		words = "no words"
	}
	if name == "" {
		name = fmt.Sprintf("HTTP status %d (%s)", a.Status, a.Class)
	}
	return name + ": " + words + remedy(a.Class, name, words)
}

// errorName is an error type without the namespace in front and the address behind.
func errorName(text string) string {
	text, _, _ = strings.Cut(text, ":")
	return strings.TrimSpace(text[strings.LastIndexByte(text, '#')+1:])
}

// remedy is what to do about a refusal; empty where the words say it all.
func remedy(class loadgen.Class, name, words string) string {
	switch {
	case strings.HasPrefix(name, "AccessDenied"):
		return "; the credentials need sagemaker:InvokeEndpoint (with --stream: sagemaker:InvokeEndpointWithResponseStream) on this endpoint"
	case strings.HasPrefix(name, "ExpiredToken"):
		return "; sign in again (aws sso login), or renew the session's credentials"
	case strings.HasPrefix(name, "InvalidSignature"), strings.HasPrefix(name, "SignatureDoesNotMatch"), strings.HasPrefix(name, "RequestExpired"):
		return "; check the secret key, and whether this machine's clock is right"
	case strings.HasPrefix(name, "UnrecognizedClient"), strings.HasPrefix(name, "InvalidClientTokenId"), strings.HasPrefix(name, "InvalidAccessKeyId"):
		return "; check the access key and whether it belongs to this region's partition"
	case strings.Contains(words, "not found"):
		return "; check --endpoint, --variant and --region (aws sagemaker list-endpoints)"
	case class == loadgen.Throttled:
		return "; SageMaker throttles already: wait, or look at who else invokes the endpoint"
	}
	return ""
}
