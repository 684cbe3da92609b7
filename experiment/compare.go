package experiment

import (
	"fmt"

	"plimsoll/price"
)

// Comparison is what came out of finds on several instance types, one after the other.
type Comparison struct {
	SchemaVersion int      `json:"schema_version"`
	Command       string   `json:"command"`
	Dir           string   `json:"dir"` // each type's run has a directory in it
	Types         []Typed  `json:"types"`
	Cheapest      string   `json:"cheapest,omitzero"` // instance type; "" if none meets the objectives at a known price
	Doubts        []string `json:"doubts"`            // why another may be cheaper
}

// Typed is what was found of one instance type.
type Typed struct {
	InstanceType string       `json:"instance_type"`
	Dir          string       `json:"dir,omitzero"` // of the run; "" if it was not begun
	Peak         *Peak        `json:"peak"`         // null where nothing was measured
	Target       *Target      `json:"target"`       // null where there is none
	Price        *price.Price `json:"price"`        // null: not known
	// PerMillion is what a million requests cost on instances that carry the target.
	PerMillion *float64 `json:"cost_per_million_requests"`
	Meets      bool     `json:"meets_objectives"` // there is a valid peak, and a target with it
	Cheapest   bool     `json:"cheapest"`
	Cost       *Cost    `json:"cost"` // of measuring it; null: nothing was made
	Error      string   `json:"error,omitzero"`
}

// Compare says what a million requests cost on each type at its target, and which type that
// meets the objectives is the cheapest by that.
func Compare(types []Typed) Comparison {
	c := Comparison{SchemaVersion: SchemaVersion, Command: "find", Types: append([]Typed{}, types...)}
	best := -1
	for i := range c.Types {
		t := &c.Types[i]
		t.Cheapest, t.PerMillion = false, nil
		t.Meets = t.Peak != nil && t.Peak.Valid && !t.Peak.Missed && t.Target != nil
		if t.Target == nil || t.Price == nil {
			continue
		}
		if cost, ok := t.Price.PerMillion(t.Target.PerMinute); ok {
			t.PerMillion = &cost
			if t.Meets && (best < 0 || cost < *c.Types[best].PerMillion) {
				best = i
			}
		}
	}
	if best >= 0 {
		c.Types[best].Cheapest, c.Cheapest = true, c.Types[best].InstanceType
	}
	c.Doubts = c.doubts()
	return c
}

// doubts are what may make another type the cheapest.
func (c Comparison) doubts() []string {
	doubts := []string{}
	for _, t := range c.Types {
		switch {
		case t.Cheapest:
		case t.Meets && t.Price == nil:
			doubts = append(doubts, fmt.Sprintf("what %s costs is not known", t.InstanceType))
		case t.Meets && !t.Peak.Found:
			doubts = append(doubts, fmt.Sprintf("the peak of %s is a lower bound only, so that it may be cheaper than it looks", t.InstanceType))
		case t.Error != "":
			doubts = append(doubts, fmt.Sprintf("%s was not measured to the end", t.InstanceType))
		}
	}
	return doubts
}
