package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a run takes that is not the window itself, seen on two processors: a client's start
// until requests come, and its end.
const startAndEnd = 1500 * time.Millisecond

// chosenCells are the loads of the cost that are to be measured: those that were asked for
// by name, or else all, the long ones where they are asked for.
func (p plan) chosenCells() []cell {
	return slices.DeleteFunc(cells(), func(c cell) bool {
		if len(p.Loads) > 0 {
			return !p.asked(c.name)
		}
		return c.long && !p.Long
	})
}

// checkLoads refuses a load that does not exist.
func (p plan) checkLoads() error {
	var names []string
	for _, c := range cells() {
		names = append(names, c.name)
	}
	for _, s := range allSurroundings() {
		names = append(names, s.name)
	}
	for _, load := range p.Loads {
		if !slices.Contains(names, load) {
			return fmt.Errorf("loads %q: there is no such load; want some of %q, separated by commas", load, names)
		}
	}
	return nil
}

// estimate is about how long the parts take with so many clients, building apart.
func (p plan) estimate(clients []peer) time.Duration {
	var sum time.Duration
	for _, part := range p.Parts {
		sum += p.estimatePart(part, clients)
	}
	return sum
}

func (p plan) estimatePart(part string, clients []peer) time.Duration {
	open := len(slices.DeleteFunc(slices.Clone(clients), func(c peer) bool { return c.quantiles == nil }))
	switch part {
	case "cost":
		var sum time.Duration
		for _, c := range p.chosenCells() {
			for _, client := range clients {
				if client.takes(c) {
					sum += times(p.Repeats, startAndEnd+settling(c.parallel)+p.Window)
				}
			}
		}
		return sum
	case "truth":
		return times(len(truths())*open*p.Repeats, p.Hold+startAndEnd)
	case "frozen":
		return times(open*p.Repeats, frozenLength+startAndEnd)
	case "lateness":
		n := 0
		for _, s := range allSurroundings() {
			if p.asked(s.name) {
				n++
			}
		}
		return times(n*len(latenessRates())*p.Repeats, p.Hold+startAndEnd)
	case "held":
		return times(p.Repeats, 3*p.Window+2*startAndEnd)
	case "memory":
		return 3 * time.Minute
	case "profile":
		return 70 * time.Second
	}
	return 0
}

func times(n int, d time.Duration) time.Duration { return time.Duration(n) * d }

// announce says before anything is measured how long it takes.
func (b *bench) announce() error {
	return b.say(fmt.Sprintf("Parts %s: about %d minutes.", strings.Join(b.Parts, ", "), int(b.estimate(b.peers).Minutes()+1)))
}
