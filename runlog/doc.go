// Package runlog keeps the record of a run: a directory of documented, versioned
// files (docs/formats/run-directory.md), written while the run goes on and
// readable whenever and however it ends.
//
// A [Writer] observes a run and never makes it wait for the disk, except for the
// record of a trial, which is worth waiting for. What it wrote, [Open] reads and
// [Resume] continues. The package does not judge or render what it keeps. Start
// with [Create].
package runlog

// The files of a run directory.
const (
	PlanFile       = "plan.json"       // experiment.Plan
	EventsFile     = "events.jsonl"    // experiment.Event, one a line
	TrialsFile     = "trials.jsonl"    // one trial a line, with what the search saw of it
	HistogramsFile = "histograms.hlog" // HdrHistogram interval log
	ResultFile     = "result.json"     // experiment.Result or experiment.LoadResult
	ReportFile     = "report.html"
)
