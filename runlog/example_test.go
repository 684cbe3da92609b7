package runlog_test

import (
	"fmt"
	"os"
	"path/filepath"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/runlog"
)

func Example() {
	parent, err := os.MkdirTemp("", "runlog")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(parent) }()
	dir := filepath.Join(parent, "run")

	w, err := runlog.Create(dir, experiment.Plan{SchemaVersion: experiment.SchemaVersion, Command: "find"})
	if err != nil {
		fmt.Println(err)
		return
	}
	// An experiment does this.
	w.Observe(experiment.Event{
		SchemaVersion: experiment.SchemaVersion, Kind: experiment.TrialFinished,
		Trial:    &experiment.Trial{Number: 1, Phase: capacity.Baseline},
		Evidence: &experiment.Evidence{Observation: capacity.Observation{Offered: 40}},
	})
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}

	run, err := runlog.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(run.Plan.Command, len(run.Trials), run.Trials[0].Observation.Offered)
	fmt.Println(run.Notes[0])
	// Output:
	// find 1 40
	// it has no result: the run is still going on, or ended without warning
}
