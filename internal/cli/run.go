package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"plimsoll/experiment"
	"plimsoll/internal/host"
	"plimsoll/loadgen"
	"plimsoll/report"
	"plimsoll/runlog"
)

// useCase is what a run does with its generator.
type useCase func(ctx context.Context, generator *loadgen.Generator, observer experiment.Observer) (report.Document, error)

// run carries a prepared job out, records it and shows what came of it.
func (j *job) run(ctx context.Context, record *runlog.Writer, do useCase) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var sleeper host.Sleeper
	defer sleeper.Close()
	generator, err := j.generator(ctx, &sleeper)
	if err != nil {
		return errors.Join(err, record.Close())
	}
	told := observers{record, &diskGuard{record: record, stop: stop}}
	if !j.settings.Quiet {
		told = append(told, &progress{w: j.env.Stderr, width: j.env.Width, color: j.color(j.env.Width > 0)})
	}
	doc, err := do(ctx, generator, told)
	generator.Close()
	if doc.Validate() != nil {
		return errors.Join(err, coded(exitRecord, record.Close())) // it ended before there was anything to report
	}
	doc.Version, doc.Generated = version(), time.Now()
	doc.Reproduce = []string{"plimsoll " + reproduce(j.plan)}
	doc.Files = []string{filepath.Join(record.Dir(), "report.html")}
	written := j.writeReport(record, doc)
	if written != nil {
		doc.Files = []string{record.Dir()} // whatever is in it
	}
	err = afterWriting(err, written)
	if shown := j.show(doc); shown != nil {
		return errors.Join(err, shown)
	}
	if err != nil {
		return err
	}
	return verdict(doc)
}

// afterWriting is what became of a run and of its record: an error of the record
// that has stopped the run is said once.
func afterWriting(run, written error) error {
	switch {
	case written == nil:
		return run
	case errors.Is(run, written):
		return coded(exitRecord, run)
	}
	return coded(exitRecord, errors.Join(run, written))
}

func (j *job) writeReport(record *runlog.Writer, doc report.Document) error {
	err := record.WriteReport(func(w io.Writer) error { return report.HTML(w, doc) })
	// A record that failed has said so already; Close tells it again.
	if closed := record.Close(); closed != nil {
		return closed
	}
	return err
}

// show prints the result on standard output.
func (j *job) show(doc report.Document) error {
	if j.settings.Output == outputJSON {
		return report.JSON(j.env.Stdout, doc)
	}
	const width = 100
	return report.Text(j.env.Stdout, doc, j.color(j.env.StdoutTerminal), width)
}

// color decides for a stream that is a terminal, or is not.
func (j *job) color(terminal bool) bool {
	switch j.settings.Color {
	case "always":
		return true
	case "never":
		return false
	default:
		return terminal && j.env.Getenv("NO_COLOR") == "" && j.env.Getenv("TERM") != "dumb"
	}
}

// diskGuard stops the run when it cannot be recorded any more.
type diskGuard struct {
	record *runlog.Writer
	stop   context.CancelCauseFunc
}

// Observe looks at the record.
func (g *diskGuard) Observe(experiment.Event) {
	if err := g.record.Err(); err != nil {
		g.stop(coded(exitRecord, err))
	}
}

// verdict is the exit code of a result that has been shown.
func verdict(doc report.Document) error {
	code, why := exitOK, ""
	switch {
	case doc.Load != nil && doubted(doc.Load):
		code, why = exitInconclusive, "CloudWatch counted something else than was sent"
	case doc.Load != nil && !doc.Load.Valid:
		code, why = exitClientLimited, "the generator did not hold the load"
	case doc.Load != nil && doc.Load.Verdict.Outcome == experiment.Missed:
		code, why = exitMissed, "an objective is missed"
	case doc.Result != nil && doc.Result.Plan.Mode == experiment.ModeSweep:
		code, why = curveCode(doc.Result.Peak)
	case doc.Result != nil:
		code, why = peakCode(doc.Result.Peak)
	case doc.Verification != nil:
		code, why = verifyCode(doc.Verification)
	case doc.Tuned != nil:
		if code, why = peakCode(doc.Tuned.Peak); code == exitOK && doc.Tuned.Verify != nil {
			code, why = verifyCode(doc.Tuned.Verify)
		}
	}
	if code == exitOK {
		return nil
	}
	return &exitError{code: code, err: errors.New(why), said: true}
}

// doubted says that nothing but CloudWatch's count speaks against a load.
func doubted(r *experiment.LoadResult) bool {
	return r.Reconciliation != nil && len(r.Reconciliation.Doubted) > 0 && len(r.Doubts) == 1
}

// openRecord makes the directory of a new run.
func (j *job) openRecord() (*runlog.Writer, error) {
	dir, err := j.recordDir()
	if err != nil {
		return nil, err
	}
	record, err := runlog.Create(dir, j.plan)
	return record, coded(exitRecord, err)
}

func (j *job) recordDir() (string, error) {
	if j.settings.Dir != "" {
		return j.settings.Dir, nil
	}
	dir, err := runlog.DefaultDir(j.plan.Command, time.Now(), j.env.Getenv)
	return dir, coded(exitRecord, err)
}

// begin warns, looks whether the endpoint answers, and opens the record, in this
// order, so that nothing is left behind when the endpoint does not.
func (j *job) begin(ctx context.Context) (*runlog.Writer, error) {
	if err := j.ready(ctx); err != nil {
		return nil, err
	}
	if err := j.probe(ctx); err != nil {
		return nil, err
	}
	return j.open()
}

// ready warns, and finds out what can go wrong before the first request.
func (j *job) ready(ctx context.Context) error {
	if j.settings.Dir != "" {
		if err := runlog.CheckVacant(j.settings.Dir); err != nil {
			return coded(exitRecord, err)
		}
	}
	for _, w := range j.warnings() {
		say(j.env.Stderr, "warning: "+w)
	}
	return j.authenticate(ctx)
}

// open opens the record and says where it is.
func (j *job) open() (*runlog.Writer, error) {
	record, err := j.openRecord()
	if err == nil && !j.settings.Quiet {
		say(j.env.Stderr, fmt.Sprintf("record: %s", record.Dir()))
	}
	return record, err
}
