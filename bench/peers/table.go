package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (b *bench) say(text string) error {
	_, err := fmt.Fprintln(b.out, text)
	return err
}

func (b *bench) row(cells ...string) error { return b.say("| " + strings.Join(cells, " | ") + " |") }

func (b *bench) head(title string, cells ...string) error {
	return errors.Join(b.say("\n"+title+"\n"), b.row(cells...), b.row(slices.Repeat([]string{"---"}, len(cells))...))
}

func each[T any](all []T, of func(T) float64) []float64 {
	values := make([]float64, len(all))
	for i, x := range all {
		values[i] = of(x)
	}
	return values
}

// median of values of which there is one at least.
func median(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, q float64) float64 {
	ascending := slices.Sorted(slices.Values(values))
	return ascending[int(q*float64(len(ascending)-1)+0.5)]
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// chosen says whether a name is among those asked for, by a part of it; all are where
// none is asked for.
func chosen(words []string, name string) bool {
	return len(words) == 0 || slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
}

// asked says whether a load is among those asked for; all are where none is.
func (p plan) asked(name string) bool { return len(p.Loads) == 0 || slices.Contains(p.Loads, name) }
