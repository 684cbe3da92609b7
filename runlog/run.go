package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"plimsoll/experiment"
	"plimsoll/latency"
)

// Run is what a run directory holds.
type Run struct {
	Dir    string
	Plan   experiment.Plan
	Trials []experiment.Recorded // in the order in which they were held
	// Result is that of find or rehearse, Load that of load, Verification that of verify.
	// All are nil when the run is not over, or ended without the time to write one.
	Result       *experiment.Result
	Load         *experiment.LoadResult
	Verification *experiment.Verification
	// Finished says that the last process that worked on the run came to its own
	// end: the result is that of all it did.
	Finished bool
	// Notes say what is amiss with the record, for people.
	Notes []string

	whole sizes
}

// Open reads a run, also one that was cut short by a crash or is still going on.
func Open(dir string) (*Run, error) {
	run := &Run{Dir: dir}
	for _, read := range []func() error{run.readPlan, run.readTrials, run.readResult, run.readEnd} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("reading run %s: %w", dir, err)
		}
	}
	run.compare()
	return run, nil
}

func (r *Run) path(name string) string { return filepath.Join(r.Dir, name) }

func (r *Run) readPlan() error {
	content, err := os.ReadFile(r.path(PlanFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("it is no run directory: it has no %s", PlanFile)
	}
	if err != nil {
		return err
	}
	return decode(content, PlanFile, &r.Plan)
}

func (r *Run) readTrials() error {
	content, err := readIfThere(r.path(TrialsFile))
	if err != nil {
		return err
	}
	trials, whole, err := parseTrials(content)
	if err != nil {
		return err
	}
	r.Trials, r.whole.trials = trials, whole
	if whole < int64(len(content)) {
		r.Notes = append(r.Notes, fmt.Sprintf("the last line of %s is cut off: the run ended without warning while trial %d was written; that trial is lost", TrialsFile, len(trials)+1))
	}
	return nil
}

// readResult reads what the run's command leaves, if anything.
func (r *Run) readResult() error {
	content, err := readIfThere(r.path(ResultFile))
	if err != nil || content == nil {
		return err
	}
	switch r.Plan.Command {
	case "load":
		return decode(content, ResultFile, &r.Load)
	case "verify":
		return decode(content, ResultFile, &r.Verification)
	}
	return decode(content, ResultFile, &r.Result)
}

// readEnd looks whether the last event is the end of a run.
func (r *Run) readEnd() error {
	content, err := readIfThere(r.path(EventsFile))
	if err != nil || len(content) == 0 || content[len(content)-1] != '\n' {
		return err
	}
	content = content[:len(content)-1]
	var last experiment.Event
	if err := json.Unmarshal(content[bytes.LastIndexByte(content, '\n')+1:], &last); err == nil {
		r.Finished = last.Kind == experiment.RunFinished
	}
	return nil
}

// compare notes where the files do not tell the same.
func (r *Run) compare() {
	switch {
	case r.Result == nil && r.Load == nil && r.Verification == nil:
		r.Notes = append(r.Notes, "it has no result: the run is still going on, or ended without warning")
	case r.Result != nil && len(r.Result.Trials) != len(r.Trials):
		r.Notes = append(r.Notes, fmt.Sprintf("%s tells of %d trials and %s of %d: it is that of an earlier part of the run, or the disk was full", ResultFile, len(r.Result.Trials), TrialsFile, len(r.Trials)))
	}
}

// Histograms reads the distributions of all trials, by tag (see [Tag]).
func (r *Run) Histograms() (map[string]*latency.Histogram, error) {
	content, err := readIfThere(r.path(HistogramsFile))
	if err != nil {
		return nil, fmt.Errorf("reading run %s: %w", r.Dir, err)
	}
	content = content[:wholeIntervals(content, r.lastTrial())]
	intervals, err := latency.ReadLog(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("reading run %s: %s: %w", r.Dir, HistogramsFile, err)
	}
	byTag := make(map[string]*latency.Histogram, len(intervals))
	for _, i := range intervals {
		byTag[i.Tag] = i.Histogram
	}
	return byTag, nil
}

func (r *Run) lastTrial() int {
	if len(r.Trials) == 0 {
		return 0
	}
	return r.Trials[len(r.Trials)-1].Trial.Number
}

// Resume reopens a run to go on with it after its last whole trial. What a crash
// has cut off is removed from the files. The run's Trials are for
// [experiment.Find].
func Resume(dir string) (*Writer, *Run, error) {
	// Once before the claim, since a claim leaves a file in what may be no run.
	if _, err := Open(dir); err != nil {
		return nil, nil, err
	}
	w, err := claim(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("resuming run %s: %w", dir, err)
	}
	run, err := w.reopen()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming run %s: %w; %s", dir, err, remedy(err)), w.closeFiles())
	}
	return w.start(run.Plan.Command), run, nil
}

// reopen reads a claimed run and opens its files behind what is whole.
func (w *Writer) reopen() (*Run, error) {
	run, err := Open(w.dir)
	if err != nil {
		return nil, err
	}
	keep, err := run.measure()
	if err != nil {
		return nil, err
	}
	if err := w.open(keep); err != nil {
		return nil, err
	}
	if keep.histograms == 0 {
		return run, w.writeHead(run.Plan.Created)
	}
	return run, nil
}

// measure gives the sizes of the whole lines of the files that grow.
func (r *Run) measure() (sizes, error) {
	keep := r.whole
	events, err := readIfThere(r.path(EventsFile))
	if err != nil {
		return sizes{}, err
	}
	keep.events = int64(bytes.LastIndexByte(events, '\n') + 1)
	histograms, err := readIfThere(r.path(HistogramsFile))
	if err != nil {
		return sizes{}, err
	}
	keep.histograms = int64(wholeIntervals(histograms, r.lastTrial()))
	return keep, nil
}

// wholeIntervals is the length of an interval log up to the first line that is
// cut off or belongs to a trial after the last one recorded: its histograms were
// written, the trial was not.
func wholeIntervals(log []byte, last int) int {
	size := 0
	for line := range bytes.Lines(log) {
		if line[len(line)-1] != '\n' {
			break
		}
		if tag, tagged := bytes.CutPrefix(line, []byte("Tag=")); tagged {
			number, _, _ := bytes.Cut(tag, []byte("."))
			if n, err := strconv.Atoi(string(number)); err != nil || n > last {
				break
			}
		}
		size += len(line)
	}
	return size
}

// parseTrials reads the lines of a trials file. whole is the length of the whole
// ones; what follows was cut off by a crash.
func parseTrials(content []byte) (trials []experiment.Recorded, whole int64, err error) {
	number := 0
	for line := range bytes.Lines(content) {
		number++
		last := whole+int64(len(line)) == int64(len(content))
		if last && (line[len(line)-1] != '\n' || !json.Valid(line)) {
			return trials, whole, nil
		}
		name := fmt.Sprintf("%s line %d", TrialsFile, number)
		var t trialLine
		if err := decode(line, name, &t); err != nil {
			return nil, 0, err
		}
		if n := len(trials); n > 0 && t.Trial.Number <= trials[n-1].Trial.Number {
			return nil, 0, fmt.Errorf("%s: trial %d after trial %d", name, t.Trial.Number, trials[n-1].Trial.Number)
		}
		trials = append(trials, t.Recorded)
		whole += int64(len(line))
	}
	return trials, whole, nil
}

// decode reads a versioned document. Fields that this version does not know are
// left out: they do not change the meaning of the others.
func decode(content []byte, name string, into any) error {
	var head struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case head.SchemaVersion > experiment.SchemaVersion:
		return fmt.Errorf("%s has schema version %d and this version of plimsoll reads up to %d: use a newer plimsoll", name, head.SchemaVersion, experiment.SchemaVersion)
	case head.SchemaVersion < 1:
		return fmt.Errorf("%s has no schema_version: it is not a file of plimsoll", name)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readIfThere gives nil for a file that does not exist.
func readIfThere(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}
