package sagemaker

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/loadgen"

	"pgregory.net/rapid"
)

// How real servers stream: vLLM's chat completions with usage, TGI's events, LMI's lines
// of JSON, an OpenAI-like completion whose usage runs along.
const (
	vllm = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Once"},"logprobs":null}],"usage":null}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":" \"upon\" {a}"},"logprobs":null}]}

data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":7,"total_tokens":19,"completion_tokens":12}}

data: [DONE]

`
	tgi = "event: message\r\nid: 1\r\ndata:{\"index\":1,\"token\":{\"id\":4013,\"text\":\"Once\",\"special\":false},\"generated_text\":null}\r\n\r\n" +
		": keep-alive\r\n\r\ndata:{\"index\":2,\"token\":{\"id\":2501,\"text\":\" upon\"},\"generated_text\":\"Once upon\",\"details\":{\"generated_tokens\":2}}\r\n\r\n"
	lmi     = "{\"token\": {\"id\": 1, \"text\": \"Once\", \"log_prob\": -0.1}}\n{\"token\": {\"id\": 2, \"text\": \" upon\", \"log_prob\": -0.2}}\n{\"token\": {\"id\": 3, \"text\": \"\"}, \"generated_text\": \"Once upon\"}"
	running = "data: {\"usage\":{\"completion_tokens\":1}}\n\ndata: {\"usage\":{\"completion_tokens\":2}}\n\ndata: {\"usage\":null}\n\n"
)

func TestTokens(t *testing.T) {
	for _, tt := range []struct {
		name, rule, answer string
		want               int64
	}{
		{"vLLM, lines", "lines", vllm, 4},
		{"vLLM, by content", "count:choices.0.delta.content", vllm, 2},
		{"vLLM, by usage", "value:usage.completion_tokens", vllm, 12},
		{"TGI, lines", "lines", tgi, 2},
		{"TGI, by token", "count:token.text", tgi, 2},
		{"TGI, by details", "value:details.generated_tokens", tgi, 2},
		{"LMI, lines, the last one without an end", "lines", lmi, 3},
		{"LMI, by text", "count:token.text", lmi, 2},
		{"usage that runs along", "value:usage.completion_tokens", running, 2},
		{"no such path", "value:usage.output_tokens", vllm, 0},
		{"no number at the path", "value:choices.0.delta.content", vllm, 0},
		{"an index that is not there", "count:choices.1.delta", vllm, 0},
		{"no JSON", "count:a", "Once upon a time\n{\"a\"\n{\"a\":\n", 0},
		{"a line that is too long", "lines", strings.Repeat("x", mostLine+1) + "\ny\n", 1},
		{"no rule", "", vllm, 0},
		{"nothing", "lines", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule, err := ParseTokenRule(tt.rule)
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				c := counter{rule: rule}
				for range 2 { // one session reads many answers
					c.reset()
					for rest := []byte(tt.answer); len(rest) > 0; {
						n := min(len(rest), rapid.IntRange(1, max(40, len(rest)/3)).Draw(t, "piece"))
						c.feed(rest[:n])
						rest = rest[n:]
					}
					c.end()
					if c.tokens != tt.want {
						t.Fatalf("%s of %.60q: %d tokens, want %d", tt.rule, tt.answer, c.tokens, tt.want)
					}
				}
			})
		})
	}
}

func TestParseTokenRuleRefuses(t *testing.T) {
	for _, text := range []string{"line", "json:a", "count", "count:", "value:a..b", "value:.a", "lines:a"} {
		if rule, err := ParseTokenRule(text); err == nil || !strings.Contains(err.Error(), strconv.Quote(text)) {
			t.Errorf("ParseTokenRule(%q) = %+v, %v; want an error that names it", text, rule, err)
		}
	}
}

// FuzzLookup: whatever is found in valid JSON is what encoding/json has there.
func FuzzLookup(f *testing.F) {
	for line := range strings.Lines(vllm + lmi) {
		f.Add(string(dataOf([]byte(line))), "choices.0.delta.content")
		f.Add(string(dataOf([]byte(line))), "token.text")
	}
	f.Add(`{"a":[1,{"b":"\\\""},[],{}],"":{"a":2}}`, "a.1.b")
	f.Fuzz(func(t *testing.T, text, path string) {
		names := strings.Split(path, ".")
		got, found := lookup([]byte(text), names)
		if !json.Valid([]byte(text)) {
			return
		}
		want, there := reference(json.RawMessage(text), names)
		if found && !(there && same(got, want)) {
			t.Errorf("lookup(%q, %q) = %q; encoding/json has %q, %t", text, path, got, want, there)
		}
		if there && !found && !strings.ContainsAny(text, `\`) && plainNames(text) {
			t.Errorf("lookup(%q, %q) found nothing; encoding/json has %q", text, path, want)
		}
	})
}

// reference looks a path up by encoding/json, which takes the last of equal names.
func reference(text json.RawMessage, path []string) (json.RawMessage, bool) {
	for _, name := range path {
		var members map[string]json.RawMessage
		var elements []json.RawMessage
		index, err := strconv.Atoi(name)
		switch {
		case json.Unmarshal(text, &members) == nil && members != nil:
			value, there := members[name]
			if !there {
				return nil, false
			}
			text = value
		case err == nil && index >= 0 && json.Unmarshal(text, &elements) == nil && index < len(elements):
			text = elements[index]
		default:
			return nil, false
		}
	}
	return text, true
}

func same(a, b []byte) bool {
	return strings.TrimSpace(string(a)) == strings.TrimSpace(string(b))
}

// plainNames says that nothing comes twice in a text, roughly: no two quotes hold the same.
func plainNames(text string) bool {
	words := strings.Split(text, `"`)
	slices.Sort(words)
	return len(slices.Compact(words)) == len(words)
}

func TestCountingTokensDoesNotAllocate(t *testing.T) {
	rule, err := ParseTokenRule("value:usage.completion_tokens")
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{tokens: counter{rule: rule}}
	var wire []byte
	for line := range strings.Lines(vllm) {
		wire = append(wire, encode(t, part(line[:len(line)/2]), part(line[len(line)/2:]))...)
	}
	read := func() {
		s.Start(time.Time{})
		if err := s.Feed(wire, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if out := s.End(loadgen.Outcome{}); out.Stream == nil || !out.Stream.Counted || out.Stream.Tokens != 12 {
			t.Fatalf("End: %+v, want 12 tokens", out.Stream)
		}
	}
	read()
	if n := testing.AllocsPerRun(50, read); n > 0 {
		t.Errorf("%g allocations for an answer", n)
	}
}

// TestTokensOfTheLastLine: a stream that ends without a line's end has that line all the same.
func TestTokensOfTheLastLine(t *testing.T) {
	s := &stream{tokens: counter{rule: TokenRule{kind: eachLine}}}
	for range 2 {
		s.Start(time.Time{})
		if err := s.Feed(encode(t, part(lmi)), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if out := s.End(loadgen.Outcome{}); out.Stream == nil || out.Stream.Tokens != 3 {
			t.Errorf("End: %+v, want 3 tokens", out.Stream)
		}
	}
}

// TestTokensOnTheEmulator: a modelled instance streams eight lines.
func TestTokensOnTheEmulator(t *testing.T) {
	rule, err := ParseTokenRule("lines")
	if err != nil {
		t.Fatal(err)
	}
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		generator := a.generator(t, Options{Stream: true, Tokens: rule})
		defer generator.Close()
		m, err := generator.Run(t.Context(), loadgen.Load{Concurrency: 2, Measure: time.Second})
		if err != nil || m.Stream == nil || m.Stream.Tokens != 8*m.Counts.Successes || m.Counts.Successes < 100 {
			t.Fatalf("Run: %v, stream %+v of %d answers; want 8 tokens of each", err, m.Stream, m.Counts.Successes)
		}
		if got := m.Stream.PerToken.Quantile(0.5).Round(250 * time.Microsecond); got != 1250*time.Microsecond {
			t.Errorf("time for a token %v, want 10ms over 8", got)
		}
	})
}
