package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"
)

// configName is the file that is read when it is there and none is named.
const configName = "plimsoll.yaml"

// settle merges defaults, the YAML file and the flags that were given, in
// rising order of precedence. It returns the file that was used, if any.
func settle(given *pflag.FlagSet, start Settings, groups ...group) (s Settings, file string, err error) {
	s = start
	file, err = readConfig(given, &s)
	if err != nil {
		return s, file, err
	}
	s.giveWay(given)
	final := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags(final, &s, groups...)
	if err := apply(given, final); err != nil {
		return s, file, err
	}
	return s, file, s.checkChoices()
}

// giveWay clears what a given flag excludes: a load has a rate or a concurrency,
// and the flag wins over the file.
func (s *Settings) giveWay(given *pflag.FlagSet) {
	rate, concurrency := given.Changed("rate"), given.Changed("concurrency")
	if rate && !concurrency {
		s.Concurrency = 0
	}
	if concurrency && !rate {
		s.Rate = ""
	}
}

// apply sets in final what was given.
func apply(given, final *pflag.FlagSet) error {
	var problems []error
	given.Visit(func(f *pflag.Flag) {
		target := final.Lookup(f.Name)
		if target == nil {
			return
		}
		if list, ok := f.Value.(*texts); ok {
			*target.Value.(*texts) = append(texts{}, *list...) //nolint:forcetypeassert // both sets are defined by the same groups
			return
		}
		problems = append(problems, target.Value.Set(f.Value.String()))
	})
	return coded(exitUsage, errors.Join(problems...))
}

// readConfig reads the named file, or plimsoll.yaml when that exists.
func readConfig(given *pflag.FlagSet, s *Settings) (file string, err error) {
	named := false
	if f := given.Lookup("config"); f != nil {
		file, named = f.Value.String(), f.Changed
	}
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return file, coded(exitUsage, fmt.Errorf("reading the configuration: %w", err))
	}
	if err := decodeConfig(text, s); err != nil {
		return file, coded(exitUsage, fmt.Errorf("%s: %w", file, err))
	}
	return file, nil
}

func decodeConfig(text []byte, s *Settings) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(s)
	if err == nil {
		return nil
	}
	message := strings.TrimSpace(err.Error())
	if m := noDuration.FindStringSubmatch(message); m != nil {
		return unitless(text, m[1])
	}
	if m := unknownKey.FindStringSubmatch(message); m != nil {
		hint := didYouMean(m[1], append(settingNames(), scalingNames()...))
		if slices.Contains(scalingNames(), m[1]) {
			hint = "write it below scaling, as in scaling: {recover: 6m}"
		}
		message += "\n" + hint
	}
	return errors.New(message)
}

var noDuration = regexp.MustCompile(`cannot unmarshal \S+ into Go struct field \S*?\.(\w+) of type time\.Duration`)

// unitless is the error of a duration that is a bare number.
func unitless(text []byte, field string) error {
	f, _ := reflect.TypeFor[Settings]().FieldByName(field)
	key := f.Tag.Get("yaml")
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return err
	}
	switch v := all[key].(type) {
	case uint64, int64, float64:
		return fmt.Errorf("%s: \"%v\" has no unit; write %vs", key, v, v)
	default:
		return fmt.Errorf("%s: it is no duration; write one such as 10s", key)
	}
}

var unknownKey = regexp.MustCompile(`unknown field "([^"]+)"`)

// settingNames are the keys of the YAML file.
func settingNames() []string {
	var names []string
	for f := range reflect.TypeFor[Settings]().Fields() {
		if f.IsExported() {
			names = append(names, f.Tag.Get("yaml"))
		}
	}
	return names
}

// scalingNames are the keys below scaling.
func scalingNames() []string {
	var names []string
	for f := range reflect.TypeFor[scalingObjective]().Fields() {
		names = append(names, f.Tag.Get("yaml"))
	}
	return names
}

// didYouMean is a hint with the nearest of the names.
func didYouMean(word string, names []string) string {
	best, distance := "", len(word)/2+2
	for _, name := range names {
		if d := editDistance(word, name); d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return "there are: " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment), by bytes.
func editDistance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := row[j]
			if a[i] != b[j] {
				cost = 1 + min(row[j], row[j+1], next[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, 1+before[j-1])
			}
			next[j+1] = cost
		}
		before, row = row, next
	}
	return row[len(b)]
}
