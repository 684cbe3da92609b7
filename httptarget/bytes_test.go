package httptarget

import (
	"bytes"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNameBytes compares with the list of RFC 9110, 5.6.2.
func TestNameBytes(t *testing.T) {
	const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		if got, want := validNameByte(byte(c)), c < 128 && strings.IndexByte(token, byte(c)) >= 0; got != want {
			t.Errorf("validNameByte(%q): got %v, want %v", rune(c), got, want)
		}
	}
}

// TestValidValue compares eight bytes at a time with one at a time.
func TestValidValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := bytes.Repeat([]byte(rapid.SampledFrom([]string{"a", "\x80", "~", " ", "\xff"}).Draw(t, "fill")), rapid.IntRange(0, 30).Draw(t, "length"))
		for range rapid.IntRange(0, 3).Draw(t, "odd bytes") {
			if len(p) > 0 {
				p[rapid.IntRange(0, len(p)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
		}
		want := true
		for _, c := range p {
			want = want && validValueByte(c)
		}
		if got := validValue(p); got != want {
			t.Fatalf("validValue(%q): got %v, want %v", p, got, want)
		}
	})
}

func TestParseNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[0-9]{0,21}`), rapid.StringMatching(`[0-9a-fA-F]{0,17}`), rapid.StringMatching(`[-+ 0-9x_]{0,5}`),
			rapid.SampledFrom([]string{strconv.Itoa(math.MaxInt64), "9223372036854775808", "7fffffffffffffff", "8000000000000000"}),
		).Draw(t, "text")
		want, err := strconv.ParseUint(text, 10, 63)
		if got, ok := parseDecimal([]byte(text)); ok != (err == nil) || ok && uint64(got) != want {
			t.Fatalf("parseDecimal(%q): got %d, %v; want %d, %v", text, got, ok, want, err == nil)
		}
		want, err = strconv.ParseUint(text, 16, 63)
		if got, ok := parseHex([]byte(text)); ok != (err == nil && len(text) <= 16) || ok && uint64(got) != want {
			t.Fatalf("parseHex(%q): got %d, %v; want %d, %v", text, got, ok, want, err == nil)
		}
	})
}

func TestEqualFold(t *testing.T) {
	for _, name := range []string{"Content-Length", "CONTENT-LENGTH", "content-length", "Content_Length", "content-lengt", "\u212aontent-length"} {
		if got, want := equalFold([]byte(name), "content-length"), http.CanonicalHeaderKey(name) == "Content-Length"; got != want {
			t.Errorf("equalFold(%q, content-length): got %v, want %v", name, got, want)
		}
	}
}
