package sagemaker

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// answering is a Control whose every call a function answers, over loopback.
func answering(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string)) *Control {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer(w, r, string(body))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	c, err := Connect(t.Context(), ControlOptions{Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
