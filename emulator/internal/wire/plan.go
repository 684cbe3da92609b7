package wire

import (
	"fmt"
	"reflect"
	"strings"
)

// kind is how a value is written in AWS Query and XML.
type kind int

const (
	structKind kind = iota
	listKind
	mapKind
	pointerKind
	stringKind
	boolKind
	intKind
	uintKind
	floatKind
	bytesKind
	timeKind
)

// plan is what AWS Query needs to know of a type.
type plan struct {
	kind   kind
	of     reflect.Type
	fields []field // of a struct
	elem   *plan   // of a list, map or pointer
}

// field is a member of a structure.
type field struct {
	name               string
	index              []int
	omitEmpty, omitNil bool // tags omitempty and omitzero
	plan               *plan
}

// planner makes plans, each once. It serves NewServer, so that a type that cannot be
// written is found before there is a request.
type planner struct {
	made     map[reflect.Type]*plan
	building map[reflect.Type]bool
}

func newPlanner() planner {
	return planner{made: map[reflect.Type]*plan{}, building: map[reflect.Type]bool{}}
}

func (p planner) plan(t reflect.Type) (*plan, error) {
	if done, ok := p.made[t]; ok {
		return done, nil
	}
	if p.building[t] {
		return nil, fmt.Errorf("%v: contains itself; AWS Query has no end for it", t)
	}
	p.building[t] = true
	defer delete(p.building, t)
	made, err := p.make(t)
	if err != nil {
		return nil, err
	}
	p.made[t] = made
	return made, nil
}

func (p planner) make(t reflect.Type) (*plan, error) {
	made := &plan{of: t}
	var err error
	switch t.Kind() {
	case reflect.String:
		made.kind = stringKind
	case reflect.Bool:
		made.kind = boolKind
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		made.kind = intKind
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		made.kind = uintKind
	case reflect.Float32, reflect.Float64:
		made.kind = floatKind
	case reflect.Pointer:
		made.kind = pointerKind
		made.elem, err = p.plan(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			made.kind = bytesKind
			break
		}
		made.kind = listKind
		made.elem, err = p.plan(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("%v: its keys are no strings, as those of all maps of AWS are", t)
		}
		made.kind = mapKind
		made.elem, err = p.plan(t.Elem())
	case reflect.Struct:
		if t == reflect.TypeFor[Time]() {
			made.kind = timeKind
			break
		}
		made.kind = structKind
		made.fields, err = p.fields(t, nil)
	default:
		err = fmt.Errorf("%v: is no type of AWS Query; use structs, slices, maps, pointers, strings, numbers, booleans and wire.Time", t)
	}
	return made, err
}

// fields are a struct's members; those of embedded structs count as its own.
func (p planner) fields(t reflect.Type, under []int) ([]field, error) {
	var all []field
	seen := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, under...), i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		var members []field
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Time]():
			embedded, err := p.fields(f.Type, index)
			if err != nil {
				return nil, err
			}
			members = embedded
		case !f.IsExported() || name == "-":
			continue
		default:
			if name == "" {
				name = f.Name
			}
			made, err := p.plan(f.Type)
			if err != nil {
				return nil, fmt.Errorf("%v.%s: %w", t, f.Name, err)
			}
			members = []field{{
				name: name, index: index, plan: made,
				omitEmpty: hasOption(options, "omitempty"), omitNil: hasOption(options, "omitzero"),
			}}
		}
		for _, m := range members {
			if seen[m.name] {
				return nil, fmt.Errorf("%v: has two fields for member %s", t, m.name)
			}
			seen[m.name] = true
		}
		all = append(all, members...)
	}
	return all, nil
}

func hasOption(options, want string) bool {
	for option := range strings.SplitSeq(options, ",") {
		if option == want {
			return true
		}
	}
	return false
}

// omitted says whether a field is left out of an answer.
func (f field) omitted(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.Slice, reflect.Map:
		return f.omitEmpty && v.Len() == 0 || f.omitNil && v.IsNil()
	case reflect.Struct:
		return f.omitNil && v.IsZero()
	default:
		return (f.omitEmpty || f.omitNil) && v.IsZero()
	}
}
