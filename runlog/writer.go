package runlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll/experiment"
	"plimsoll/latency"
)

// Permissions before the user's umask.
const (
	dirPermissions  = 0o755
	filePermissions = 0o644
)

// errBusy is a run that is being written already.
var errBusy = errors.New("another process is writing this run")

// Writer records a run in its directory as it is told of it. It is an
// [experiment.Observer]: events go through a queue to one goroutine, which does
// all the writing. Looks at a load that is being held ([experiment.TrialProgress],
// [experiment.PhaseProgress]) are left out and counted while the disk lags behind; everything else is kept.
//
// The contents of an event must not change after it was observed.
type Writer struct {
	dir     string
	command string       // of the plan
	release func() error // gives up the claim on the run

	// Owned by the writing goroutine until it has ended.
	events, trials, histograms *appender

	queue chan experiment.Event
	ended chan struct{} // closed when the writing goroutine has ended
	left  atomic.Int64  // events left out

	mu  sync.Mutex
	err error // the first
}

var _ experiment.Observer = (*Writer)(nil)

// queueLength bounds the events that wait for the disk. Looks at a load come at
// a few a second: it is some ten seconds of them.
const queueLength = 64

// Create begins the record of a run in dir, which is made and must be empty if
// it exists. The plan is on the disk when it returns.
func Create(dir string, plan experiment.Plan) (*Writer, error) {
	if plan.SchemaVersion != experiment.SchemaVersion {
		return nil, fmt.Errorf("recording in %s: the plan has schema version %d, this version writes %d", dir, plan.SchemaVersion, experiment.SchemaVersion)
	}
	made, err := makeEmpty(dir)
	if err != nil {
		return nil, err
	}
	w, err := claim(dir)
	if err != nil {
		return nil, fmt.Errorf("recording in %s: %w; %s", dir, err, remedy(err))
	}
	if err := w.begin(plan); err != nil {
		w.takeBack(made)
		return nil, fmt.Errorf("recording in %s: %w; %s", dir, err, remedy(err))
	}
	return w.start(plan.Command), nil
}

// CheckVacant says why a run could not be recorded in dir: it is not a
// directory, or has something in it. It makes nothing, so that it can be asked
// before anything is done.
func CheckVacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("run directory %s: %w; choose another --dir", dir, err)
	case len(entries) > 0:
		return fmt.Errorf("run directory %s exists and is not empty: choose another --dir, or, if it is a run of find, go on with it by plimsoll find --resume %s", dir, dir)
	}
	return nil
}

// makeEmpty makes dir, or accepts it when it is empty. made is whether it made it.
func makeEmpty(dir string) (made bool, err error) {
	if err := CheckVacant(dir); err != nil {
		return false, err
	}
	if _, err := os.Stat(dir); err == nil {
		return false, nil
	}
	if err := os.MkdirAll(dir, dirPermissions); err != nil {
		return false, fmt.Errorf("making the run directory: %w; choose another --dir", err)
	}
	return true, nil
}

// claim takes hold of a run directory.
func claim(dir string) (*Writer, error) {
	release, err := lock(filepath.Join(dir, EventsFile))
	if err != nil {
		return nil, err
	}
	return &Writer{dir: dir, release: release, queue: make(chan experiment.Event, queueLength), ended: make(chan struct{})}, nil
}

// begin writes what a new run starts with; the plan last, since a directory
// with a plan is a run.
func (w *Writer) begin(plan experiment.Plan) error {
	path := filepath.Join(w.dir, PlanFile)
	if _, err := os.Lstat(path); err == nil {
		return errBusy // it was made by another process since we looked
	}
	if err := w.open(sizes{}); err != nil {
		return err
	}
	if err := w.writeHead(plan.Created); err != nil {
		return err
	}
	return writeAtomically(path, writeJSON(plan))
}

// takeBack removes what a failed Create has left.
func (w *Writer) takeBack(made bool) {
	_, planned := os.Lstat(filepath.Join(w.dir, PlanFile))
	if planned != nil {
		for _, name := range []string{EventsFile, TrialsFile, HistogramsFile} {
			_ = os.Remove(filepath.Join(w.dir, name))
		}
	}
	_ = w.closeFiles()
	if made {
		_ = os.Remove(w.dir) // fails, rightly, if anything is in it
	}
}

// sizes are those of the whole lines of the files that grow.
type sizes struct{ events, trials, histograms int64 }

// open opens the files that grow, cut to whole lines.
func (w *Writer) open(keep sizes) error {
	for _, f := range []struct {
		to   **appender
		name string
		size int64
	}{
		{&w.events, EventsFile, keep.events},
		{&w.trials, TrialsFile, keep.trials},
		{&w.histograms, HistogramsFile, keep.histograms},
	} {
		a, err := openAppender(filepath.Join(w.dir, f.name), f.size)
		if err != nil {
			return err
		}
		*f.to = a
	}
	return nil
}

func (w *Writer) writeHead(start time.Time) error {
	var head bytes.Buffer
	if err := latency.NewLogWriter(&head).Head("plimsoll: histograms of each trial, in nanoseconds", start); err != nil {
		return err
	}
	return w.histograms.append(head.Bytes())
}

// start begins to take events for a run of a command.
func (w *Writer) start(command string) *Writer {
	w.command = command
	go func() {
		defer close(w.ended)
		for e := range w.queue {
			w.record(e)
		}
	}()
	return w
}

// Dir is the directory of the run.
func (w *Writer) Dir() string { return w.dir }

// Observe keeps an event. It waits for the disk only when the queue is full of
// events that must not be left out. It must not be called after Close.
func (w *Writer) Observe(e experiment.Event) {
	if looked := e.Kind == experiment.TrialProgress || e.Kind == experiment.PhaseProgress; looked && len(w.queue) >= queueLength/2 {
		w.left.Add(1)
		return
	}
	w.queue <- e
}

// record writes one event, on the writing goroutine. A trial is on the disk
// before the event that tells of it.
func (w *Writer) record(e experiment.Event) {
	if w.Err() == nil && e.Kind == experiment.TrialFinished && e.Trial != nil {
		w.recordTrial(e)
	}
	if w.Err() == nil {
		w.recordEvent(e)
	}
	// The result holds what the other files lack after an error, so it is tried all the same.
	if e.Kind == experiment.RunFinished {
		w.recordResult(e)
	}
}

func (w *Writer) recordTrial(e experiment.Event) {
	file, err := w.appendTrial(*e.Trial, e.Evidence)
	if err != nil {
		w.keep(fmt.Errorf("recording trial %d: writing %s: %w; trials from %d on are not in the record: %s, and then %s",
			e.Trial.Number, file.path, err, e.Trial.Number, remedy(err), w.again()))
	}
}

// appendTrial writes the histograms first: a trial's own line is what makes it
// part of the record. On an error it gives the file that has it.
func (w *Writer) appendTrial(t experiment.Trial, evidence *experiment.Evidence) (*appender, error) {
	line := trialLine{SchemaVersion: experiment.SchemaVersion, Recorded: experiment.Recorded{Trial: t}}
	if evidence != nil {
		line.Proposed, line.Observation, line.NextRequest = evidence.Proposed, evidence.Observation, evidence.NextRequest
		histograms, err := encodeHistograms(t, evidence)
		if err == nil {
			err = w.histograms.append(histograms)
		}
		if err != nil {
			return w.histograms, err
		}
	}
	if err := w.trials.appendJSON(line); err != nil {
		return w.trials, err
	}
	for _, a := range []*appender{w.histograms, w.trials} {
		if err := a.file.Sync(); err != nil {
			return a, err
		}
	}
	return nil, nil
}

// trialLine is a line of the trials file.
type trialLine struct {
	SchemaVersion int `json:"schema_version"`
	experiment.Recorded
}

// encodeHistograms gives the lines of one trial in the interval log.
func encodeHistograms(t experiment.Trial, evidence *experiment.Evidence) ([]byte, error) {
	var lines bytes.Buffer
	log := latency.NewLogWriter(&lines)
	from := t.Started.Add(seconds(t.SettleSeconds))
	for _, part := range []struct {
		name string
		h    *latency.Histogram
	}{{"response", evidence.Response}, {"service", evidence.Service}, {"lateness", evidence.Lateness}} {
		if part.h == nil {
			continue
		}
		if err := log.Interval(Tag(t.Number, part.name), from, from.Add(seconds(t.WindowSeconds)), part.h); err != nil {
			return nil, err
		}
	}
	return lines.Bytes(), nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Tag names a histogram in the interval log: 0001.response, 0001.service and
// 0001.lateness are those of trial 1.
func Tag(trial int, part string) string { return fmt.Sprintf("%04d.%s", trial, part) }

func (w *Writer) recordEvent(e experiment.Event) {
	err := w.events.appendJSON(e)
	if err == nil && e.Kind != experiment.TrialProgress && e.Kind != experiment.PhaseProgress {
		err = w.events.file.Sync()
	}
	if err != nil {
		w.keep(fmt.Errorf("recording events: writing %s: %w; events and trials from here on are not in the record: %s, and then %s",
			w.events.path, err, remedy(err), w.again()))
	}
}

// again says how to get what the record lacks.
func (w *Writer) again() string {
	if w.command == "find" {
		return "go on with plimsoll find --resume " + w.dir
	}
	return "run " + w.command + " again"
}

func (w *Writer) recordResult(e experiment.Event) {
	var result any
	switch {
	case e.Tuned != nil:
		result = e.Tuned
	case e.Result != nil:
		result = e.Result
	case e.Load != nil:
		result = e.Load
	case e.Verification != nil:
		result = e.Verification
	default:
		return
	}
	path := filepath.Join(w.dir, ResultFile)
	if err := writeAtomically(path, writeJSON(result)); err != nil {
		w.keep(fmt.Errorf("writing %s: %w; the result is not in the record: %s", path, err, remedy(err)))
	}
}

// WriteReport makes the run's report, whole or not at all. render writes its
// content, as report.HTML does.
func (w *Writer) WriteReport(render func(io.Writer) error) error {
	path := filepath.Join(w.dir, ReportFile)
	if err := writeAtomically(path, render); err != nil {
		return fmt.Errorf("writing %s: %w; the other files are not affected: %s", path, err, remedy(err))
	}
	return nil
}

// keep remembers the first error.
func (w *Writer) keep(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// Err is the first error in writing, nil while there is none. After it, nothing
// but the result is tried: whoever runs the experiment may want to stop it.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close writes what is queued, gives up the claim on the run and returns the
// first error of all. It is to be called once, when nothing more is observed.
func (w *Writer) Close() error {
	close(w.queue)
	<-w.ended
	if n := w.left.Load(); n > 0 && w.Err() == nil {
		w.recordEvent(experiment.Event{
			SchemaVersion: experiment.SchemaVersion, Kind: experiment.Noted, At: time.Now(),
			Note: fmt.Sprintf("%d looks at running trials are not in this file: the disk lagged behind", n),
		})
	}
	if err := w.closeFiles(); err != nil {
		w.keep(fmt.Errorf("closing the record in %s: %w", w.dir, err))
	}
	return w.Err()
}

func (w *Writer) closeFiles() error {
	var problems []error
	for _, a := range []*appender{w.events, w.trials, w.histograms} {
		if a != nil {
			problems = append(problems, a.file.Close())
		}
	}
	return errors.Join(append(problems, w.release())...)
}
