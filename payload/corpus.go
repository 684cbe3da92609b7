package payload

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"plimsoll/loadgen"
)

var _ loadgen.Bodies = (*Corpus)(nil)

// Body is one body of a corpus.
type Body struct {
	Name        string  // its file, with " line " and the number for JSON Lines
	Content     []byte  // what is sent, or the template's text when Templated; not to be changed
	ContentType string  // Content-Type header; empty sends none
	Accept      string  // Accept header; empty sends none
	Weight      float64 // relative frequency; only its ratio to the others' means something
	Templated   bool    // whether each request carries its own rendering
}

// Corpus is the bodies of a run and the order in which requests carry them. It
// does not change and may be used by any number of goroutines.
type Corpus struct {
	bodies    []Body
	templates []*template // of each body, nil for a fixed one
	deck      deck
	seed      uint64
	sources   []sourceBodies
}

// Empty is a corpus of one empty body, for requests that carry none, such as
// GET. The content type may be empty.
func Empty(contentType string) *Corpus {
	return &Corpus{
		bodies:    []Body{{Name: "empty", ContentType: contentType, Weight: 1}},
		templates: []*template{nil},
		deck:      deck{cards: []uint32{0}},
		sources:   []sourceBodies{{kind: "empty", bodies: 1}},
	}
}

func newCorpus(bodies []Body, templates []*template, sources []sourceBodies, seed uint64) (*Corpus, error) {
	weights := make([]float64, len(bodies))
	for i := range bodies {
		weights[i] = bodies[i].Weight
	}
	dealt, rare := newDeck(weights, seed)
	if rare != nil {
		return nil, fmt.Errorf("payload %s: %w", bodies[rare.body].Name, rare)
	}
	return &Corpus{bodies: bodies, templates: templates, deck: dealt, seed: seed, sources: sources}, nil
}

// Bodies is every body, in the order of the sources: the corpus that a target is
// built with.
func (c *Corpus) Bodies() []Body { return slices.Clone(c.bodies) }

// Body is what request k carries: the index of a body in Bodies and, when that
// body is a template, its rendering for k, in scratch's memory if it fits there.
// It depends on k, the sources and the seed alone.
//
// Any DeckSize requests in a row that begin at a multiple of DeckSize carry each
// body exactly as often as its weight asks for. Nothing is allocated unless
// scratch is too small for a rendering.
func (c *Corpus) Body(k uint64, scratch []byte) (index int, content []byte) {
	index = c.deck.at(k)
	if t := c.templates[index]; t != nil {
		content = t.render(scratch, c.seed, k)
	}
	return index, content
}

// Summary describes a corpus for the record of a run.
type Summary struct {
	Bodies    int             `json:"bodies"`
	Bytes     int64           `json:"bytes"`       // of all contents, templates unrendered
	SHA256    string          `json:"sha256"`      // of everything that decides what is sent but the seed; docs/formats/payloads.md
	Templated int             `json:"templated"`   // bodies that are templates
	Braces    int             `json:"braces_kept"` // bodies that hold {{ but are no templates
	DeckSize  int             `json:"deck_size"`   // requests after which the mix is exact
	Seed      uint64          `json:"seed"`
	Sources   []SourceSummary `json:"sources"`
}

// SourceSummary is the part of one source.
type SourceSummary struct {
	Path   string  `json:"path"`   // as given; - is standard input
	Kind   string  `json:"kind"`   // file, jsonl, directory, pattern, stdin or empty
	Bodies int     `json:"bodies"` // bodies that came from it
	Bytes  int64   `json:"bytes"`  // of their contents
	Share  float64 `json:"share"`  // requests that carry one of them, of all requests, over whole deals
}

// Describe summarizes the corpus. It reads every body once, to hash it.
func (c *Corpus) Describe() Summary {
	cards := make([]int, len(c.bodies))
	for _, body := range c.deck.cards {
		cards[body]++
	}
	sum := Summary{Bodies: len(c.bodies), SHA256: c.digest(cards), DeckSize: len(c.deck.cards), Seed: c.seed}
	first := 0
	for _, source := range c.sources {
		part := SourceSummary{Path: source.path, Kind: source.kind, Bodies: source.bodies}
		dealt := 0
		for i := first; i < first+source.bodies; i++ {
			part.Bytes += int64(len(c.bodies[i].Content))
			dealt += cards[i]
		}
		part.Share = float64(dealt) / float64(len(c.deck.cards))
		sum.Bytes += part.Bytes
		sum.Sources = append(sum.Sources, part)
		first += source.bodies
	}
	for i := range c.bodies {
		switch {
		case c.bodies[i].Templated:
			sum.Templated++
		case bytes.Contains(c.bodies[i].Content, []byte("{{")):
			sum.Braces++
		}
	}
	return sum
}

// digest hashes the bodies in order, each as its content type, accept and content
// with their lengths before them, its number of cards, and whether it is a
// template. Names are left out, so that moved files keep their digest.
func (c *Corpus) digest(cards []int) string {
	hash := sha256.New()
	number := func(n uint64) { hash.Write(binary.BigEndian.AppendUint64(nil, n)) } // a hash never fails to write
	for i, body := range c.bodies {
		for _, field := range [][]byte{[]byte(body.ContentType), []byte(body.Accept), body.Content} {
			number(uint64(len(field)))
			hash.Write(field)
		}
		number(uint64(cards[i]))
		templated := uint64(0)
		if body.Templated {
			templated = 1
		}
		number(templated)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
