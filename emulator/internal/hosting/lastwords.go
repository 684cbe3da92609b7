//go:build unix

package hosting

import (
	"bytes"
	"strings"
	"sync"
)

// lastWords keeps the end of what is written to it.
type lastWords struct {
	mu   sync.Mutex
	kept []byte
}

// mostWords is how many bytes of the last line are told.
const mostWords = 300

func (l *lastWords) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, text[max(0, len(text)-2*mostWords):]...)
	l.kept = append(l.kept[:0], l.kept[max(0, len(l.kept)-2*mostWords):]...)
	return len(text), nil
}

// String is the last line that is not empty, or its end.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := bytes.TrimSpace(l.kept)
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	return strings.ToValidUTF8(string(line[max(0, len(line)-mostWords):]), "")
}
