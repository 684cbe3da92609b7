package wire

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// A form is the parameters of an AWS Query request, by key. What belongs to one
// member lies together, so a request is read without building a tree of it, and an
// index in a key, however large, is only compared.
type form []parameter

type parameter struct{ key, value string }

// maxParameters is far above what PutMetricData can have in a body of 4 MiB.
const maxParameters = 200_000

// parseForm reads an encoded form; of parameters with one key, the first counts.
func parseForm(encoded ...string) (form, error) {
	var all form
	for _, text := range encoded {
		for pair := range strings.SplitSeq(text, "&") {
			if pair == "" {
				continue
			}
			key, value, _ := strings.Cut(pair, "=")
			key, keyErr := url.QueryUnescape(key)
			value, valueErr := url.QueryUnescape(value)
			if keyErr != nil || valueErr != nil {
				return nil, serialization("The query string has an invalid escape in %q.", shorten(pair))
			}
			if len(all) == maxParameters {
				return nil, serialization("The request has more than %d parameters.", maxParameters)
			}
			all = append(all, parameter{key, value})
		}
	}
	slices.SortStableFunc(all, func(a, b parameter) int { return strings.Compare(a.key, b.key) })
	return all, nil
}

func shorten(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// get is the value of a key.
func (f form) get(key string) string { return f.member(0, key).value }

// part is what a form has of one member: a value of its own, and what lies below it.
type part struct {
	path  string // key up to here
	given bool   // there is a value
	value string
	below form
}

func (p part) missing() bool { return !p.given && len(p.below) == 0 }

// member finds a member among parameters whose keys have a common prefix of skip bytes.
func (f form) member(skip int, name string) part {
	at := func(least string) int {
		return sort.Search(len(f), func(i int) bool { return f[i].key[skip:] >= least })
	}
	var found part
	if i := at(name); i < len(f) && f[i].key[skip:] == name {
		found = part{path: f[i].key, given: true, value: f[i].value}
	}
	from := at(name + ".")
	if to := at(name + "/"); from < to { // '/' comes after '.'
		found.below = f[from:to]
		found.path = f[from].key[:skip+len(name)]
	}
	return found
}

// elements splits the parameters of a list by the number at skip, in the numbers' order.
func (f form) elements(skip int) ([]part, error) {
	type indexed struct {
		index int
		part
	}
	var all []indexed
	for len(f) > 0 {
		if len(all) == maxStructures {
			return nil, tooMany()
		}
		digits, _, _ := strings.Cut(f[0].key[skip:], ".")
		index, err := strconv.Atoi(digits)
		if err != nil || index < 1 {
			return nil, serialization("The index in %q is not a number from 1 on.", shorten(f[0].key))
		}
		e := indexed{index: index, part: part{path: f[0].key[:skip+len(digits)]}}
		own, end := 0, 0
		for end < len(f) {
			d, _, nested := strings.Cut(f[end].key[skip:], ".")
			if d != digits {
				break
			}
			if !nested {
				own++
			}
			end++
		}
		if own > 0 {
			e.given, e.value = true, f[0].value
		}
		e.below = f[own:end]
		f = f[end:]
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b indexed) int { return cmp.Compare(a.index, b.index) })
	parts := make([]part, len(all))
	for i, e := range all {
		parts[i] = e.part
	}
	return parts, nil
}

// formReader fills structs from a form.
type formReader struct{ structures int }

func (r *formReader) fill(p *plan, into reflect.Value, f form, skip int) error {
	if r.structures++; r.structures > maxStructures {
		return tooMany()
	}
	for _, m := range p.fields {
		found := f.member(skip, m.name)
		if found.missing() {
			continue
		}
		if err := r.set(m.plan, into.FieldByIndex(m.index), found); err != nil {
			return err
		}
	}
	return nil
}

func (r *formReader) set(p *plan, into reflect.Value, from part) error {
	switch p.kind {
	case pointerKind:
		target := reflect.New(p.elem.of)
		if err := r.set(p.elem, target.Elem(), from); err != nil {
			return err
		}
		into.Set(target)
		return nil
	case structKind:
		return r.fill(p, into, from.below, len(from.path)+1)
	case listKind:
		return r.list(p, into, from)
	case mapKind:
		return r.entries(p, into, from)
	default:
		if !from.given {
			return wrongKind(from.path, structToken, nameOf(p.of))
		}
		if !setScalar(p, into, from.value) {
			return wrongKind(from.path, stringToken, nameOf(p.of))
		}
		return nil
	}
}

// list reads X.member.1, X.member.2 and so on. Gaps close up; X alone is a list
// without elements.
func (r *formReader) list(p *plan, into reflect.Value, from part) error {
	elements, err := from.numbered("member", "a list")
	if err != nil {
		return err
	}
	if p.elem.kind == structKind && r.structures+len(elements) > maxStructures {
		return tooMany()
	}
	out := reflect.MakeSlice(p.of, len(elements), len(elements))
	for i, e := range elements {
		if err := r.set(p.elem, out.Index(i), e); err != nil {
			return err
		}
	}
	into.Set(out)
	return nil
}

// entries reads the map X.entry.1.key and X.entry.1.value, X.entry.2 and so on. Of
// entries with one key, the last counts.
func (r *formReader) entries(p *plan, into reflect.Value, from part) error {
	elements, err := from.numbered("entry", "a map")
	if err != nil {
		return err
	}
	if r.structures += len(elements); r.structures > maxStructures {
		return tooMany()
	}
	out := reflect.MakeMapWithSize(p.of, len(elements))
	for _, e := range elements {
		skip := len(e.path) + 1
		key, value := e.below.member(skip, "key"), reflect.New(p.elem.of).Elem()
		if !key.given {
			return serialization("The entry %s has no key.", shorten(e.path))
		}
		if given := e.below.member(skip, "value"); !given.missing() {
			if err := r.set(p.elem, value, given); err != nil {
				return err
			}
		}
		out.SetMapIndex(reflect.ValueOf(key.value).Convert(p.of.Key()), value)
	}
	into.Set(out)
	return nil
}

// numbered are the parts X.name.1, X.name.2 and so on of a collection; none of X alone.
func (p part) numbered(name, collection string) ([]part, error) {
	if p.given && p.value != "" {
		return nil, wrongKind(p.path, stringToken, collection)
	}
	skip := len(p.path) + 1
	return p.below.member(skip, name).below.elements(skip + len(name+"."))
}

func setScalar(p *plan, into reflect.Value, text string) bool {
	bits := 64
	if p.kind == intKind || p.kind == uintKind || p.kind == floatKind {
		bits = p.of.Bits()
	}
	var err error
	switch p.kind {
	case stringKind:
		into.SetString(text)
	case boolKind:
		var v bool
		v, err = strconv.ParseBool(text)
		into.SetBool(v)
	case intKind:
		var v int64
		v, err = strconv.ParseInt(text, 10, bits)
		into.SetInt(v)
	case uintKind:
		var v uint64
		v, err = strconv.ParseUint(text, 10, bits)
		into.SetUint(v)
	case floatKind:
		var v float64
		v, err = strconv.ParseFloat(text, bits)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			err = fmt.Errorf("%q is not a number", text)
		}
		into.SetFloat(v)
	case bytesKind:
		var v []byte
		v, err = base64.StdEncoding.DecodeString(text)
		into.SetBytes(v)
	case timeKind:
		var v Time
		v, err = parseISO(text)
		into.Set(reflect.ValueOf(v))
	default:
		return false
	}
	return err == nil
}
