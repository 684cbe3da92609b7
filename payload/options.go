package payload

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"strings"
)

// DefaultMaxBody is the limit of one body when Options.MaxBody is zero, in bytes.
// It is what AWS's "Model Hosting FAQs" give as the limit of a real-time
// invocation, 25 MB. Older copies of that page and the API model say 6 MB, and
// a serverless endpoint takes 4 MB, so the limit can be set.
const DefaultMaxBody = 25 << 20

// DefaultMaxTotal is the limit of all bodies together when Options.MaxTotal is
// zero, in bytes. The bodies stay in memory for the whole run.
const DefaultMaxTotal = 1 << 30

// greatestLimit is the greatest limit that can be set, in bytes (1 TiB).
const greatestLimit = 1 << 40

// Options says what to load. The zero value of every field but Sources is a
// sensible default.
type Options struct {
	// Sources are read in order; at least one. See [Empty] for requests without
	// a body.
	Sources []Source
	// ContentType is the content type of bodies for which neither their source
	// nor their line gives one. Empty guesses by the file's extension.
	ContentType string
	// Accept is the Accept header of bodies for which neither their source nor
	// their line gives one. Empty sends none.
	Accept string
	// MaxBody is the greatest size of one body, rendered if it is a template, in
	// bytes. Zero is DefaultMaxBody.
	MaxBody int64
	// MaxTotal is the greatest memory of all bodies together in bytes, counting
	// 256 bytes for each body on top of its content. Zero is DefaultMaxTotal.
	MaxTotal int64
	// AllowEmpty accepts bodies of 0 bytes, which are an error otherwise because
	// they mostly come from an export that failed.
	AllowEmpty bool
	// Templates says which bodies are templates. Zero is TemplatesAuto.
	Templates Templates
	// Seed decides the order of the bodies and what templates render. The same
	// seed gives the same requests.
	Seed uint64
	// Stdin is what the source "-" reads. It is needed only for that source.
	Stdin io.Reader
}

// Templates says which bodies are taken for templates. A body that is not UTF-8
// never is one.
type Templates uint8

// The ways to treat templates.
const (
	TemplatesAuto   Templates = iota // bodies that call a known function are templates
	TemplatesAlways                  // every body with {{ is a template; an unknown function is an error
	TemplatesNever                   // {{ means nothing
)

// String is the word that ParseTemplates reads.
func (t Templates) String() string {
	switch t {
	case TemplatesAuto:
		return "auto"
	case TemplatesAlways:
		return "always"
	case TemplatesNever:
		return "never"
	default:
		return fmt.Sprintf("templates(%d)", uint8(t))
	}
}

// ParseTemplates reads auto, always or never.
func ParseTemplates(word string) (Templates, error) {
	for _, t := range []Templates{TemplatesAuto, TemplatesAlways, TemplatesNever} {
		if word == t.String() {
			return t, nil
		}
	}
	return 0, fmt.Errorf("templates %q: give auto, always or never", word)
}

// Validate reports every problem that shows without reading a source.
func (o Options) Validate() error {
	var problems []error
	if len(o.Sources) == 0 {
		problems = append(problems, errors.New("payload: no source is given; give a file, a directory, @pattern or - for standard input"))
	}
	stdin := 0
	for _, source := range o.Sources {
		if source.Path == stdinPath {
			stdin++
		}
		problems = append(problems, source.Validate())
	}
	if stdin > 1 {
		problems = append(problems, fmt.Errorf("payload -: standard input is given %d times but can be read once; give it once, or save it to a file", stdin))
	}
	if stdin > 0 && o.Stdin == nil {
		problems = append(problems, errors.New("payload -: there is no standard input here; give a file"))
	}
	if o.MaxBody < 0 || o.MaxBody > greatestLimit {
		problems = append(problems, fmt.Errorf("payload: the limit of one body is %d bytes; give --max-body from 1 byte to 1 TiB", o.MaxBody))
	}
	if o.MaxTotal < 0 || o.MaxTotal > greatestLimit {
		problems = append(problems, fmt.Errorf("payload: the limit of all bodies is %d bytes; give one from 1 byte to 1 TiB", o.MaxTotal))
	}
	if o.Templates > TemplatesNever {
		problems = append(problems, fmt.Errorf("payload: %v is no way to treat templates; give auto, always or never", o.Templates))
	}
	if err := checkHeaders(o.ContentType, o.Accept); err != nil {
		problems = append(problems, fmt.Errorf("payload: %w", err))
	}
	return errors.Join(problems...)
}

// checkHeaders reports a content type or Accept value that cannot be sent. Empty
// ones are fine: they mean that none is given.
func checkHeaders(contentType, accept string) error {
	if contentType != "" {
		media, _, err := mime.ParseMediaType(contentType)
		if err != nil || !strings.Contains(media, "/") || !printable(contentType) {
			return fmt.Errorf("content type %q is not of the form type/subtype; give one such as application/json", contentType)
		}
	}
	if !printable(accept) {
		return fmt.Errorf("accept %q has characters that a header cannot hold; give media types such as application/json", accept)
	}
	return nil
}

// printable keeps line breaks, which would start another header, out of headers.
func printable(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

// checkWeight reports a weight that no mix can be made of.
func checkWeight(weight float64) error {
	if weight > 0 && !math.IsInf(weight, 0) {
		return nil
	}
	return fmt.Errorf("weight %v is not a positive number; give one above 0, or leave the source or line out", weight)
}
