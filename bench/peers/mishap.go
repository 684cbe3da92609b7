package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mishaps are what went wrong with clients, by their names: the first of each, and how
// often. One client that dies costs its own row and nothing else.
type mishaps map[string]*mishap

type mishap struct {
	times int
	first error
}

func (m mishaps) add(name string, err error) {
	if m[name] == nil {
		m[name] = &mishap{first: err}
	}
	m[name].times++
}

// of is the remark in the row of a client.
func (m mishaps) of(name string) string {
	if m[name] == nil {
		return "-"
	}
	words := strings.Join(strings.Fields(strings.ReplaceAll(m[name].first.Error(), "|", "/")), " ")
	return fmt.Sprintf("failed %d times: %s", m[name].times, words)
}

// survive keeps a client's failure for its row, and sees to a server that is there for the
// next one. It fails when the benchmark itself cannot go on.
func (b *bench) survive(ctx context.Context, all mishaps, name string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, dead := b.server.behave(behaviour{}); dead != nil {
		err = errors.Join(err, fmt.Errorf("and the server ended: %w", dead))
		_ = b.server.stop() // it has ended
		server, failed := startServer(ctx, serverCore)
		if failed != nil {
			return errors.Join(err, failed)
		}
		b.server = server
		if failed := b.writeAuthority(); failed != nil {
			return failed
		}
	}
	all.add(name, err)
	return nil
}

// writeAuthority writes the server's certificate where clients read it.
func (b *bench) writeAuthority() error {
	return os.WriteFile(filepath.Join(b.dir, "ca.pem"), []byte(b.server.CA), 0o600)
}

// lastWords keeps the end of what a client says on its standard error.
type lastWords struct{ text []byte }

const wordsKept = 300

// Write keeps the end.
func (w *lastWords) Write(p []byte) (int, error) {
	w.text = append(w.text, p...)
	if over := len(w.text) - wordsKept; over > 0 {
		w.text = append(w.text[:0], w.text[over:]...)
	}
	return len(p), nil
}

// said adds a client's last words to what became of it.
func (w *lastWords) said(err error) error {
	if text := strings.TrimSpace(string(w.text)); err != nil && text != "" {
		return fmt.Errorf("%w; it said: %s", err, text)
	}
	return err
}
