package wire

import (
	"context"
	"strings"
	"testing"
)

func TestPlansRefuseWhatQueryCannotWrite(t *testing.T) {
	for want, op := range map[string]Operation{
		"contains itself":     Handle("X", func(context.Context, *ring) (*nothing, error) { return nil, nil }),
		"keys are no strings": Handle("X", func(context.Context, *numbered) (*nothing, error) { return nil, nil }),
		"two fields for memb": Handle("X", func(context.Context, *twice) (*nothing, error) { return nil, nil }),
	} {
		s := toy()
		s.Operations = []Operation{op}
		if _, err := NewServer(ServerOptions{}, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

type numbered struct {
	Of map[int]string `json:"Of"`
}

type partlyOurs struct {
	Ours   string      `json:"Ours"`
	Theirs chan string `json:"-"`
}

func TestPlansLeaveOutWhatIsNoMember(t *testing.T) {
	if p := planOf(t, partlyOurs{}); len(p.fields) != 1 || p.fields[0].name != "Ours" {
		t.Errorf("fields %+v, want Ours alone", p.fields)
	}
}
