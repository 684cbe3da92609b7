package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"plimsoll/experiment"
	"plimsoll/runlog"

	"github.com/spf13/cobra"
)

// restored is what restore prints for programs, for each journal.
type restored struct {
	Dir      string                `json:"dir"`
	On       experiment.Variant    `json:"on"`
	Restored bool                  `json:"restored"`
	Left     []experiment.Leftover `json:"left"`
	Error    string                `json:"error,omitzero"`

	made bool // the endpoint was made for a run
}

func newRestore(env Env) *cobra.Command {
	c := &control{env: env}
	force := false
	cmd := &cobra.Command{
		Use: "restore", Short: "Give endpoints back as they were before a run that was killed",
		Long: `Undo what earlier runs have changed on endpoints and did not take back, after Ctrl-C, a crash or
a lost network: instances, scalable targets, policies, suspension. Without --dir, every journal is
undone that was not finished; with it, that one, also one of changes that were meant to stay.

It may be called again at any time: what is as it was is left alone. So is what somebody else has
changed since, unless --force is given. What could not be undone is listed with the command of the
AWS CLI that would.`,
		Example: "  plimsoll restore\n  plimsoll restore --dir ~/.local/state/plimsoll/runs/2026-11-24T10-00-00Z-apply --yes",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := choice("output", c.output, outputText, outputJSON); err != nil {
				return err
			}
			return runRestore(cmd.Context(), c, force)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&c.dir, "dir", "", "directory whose journal to undo (empty: all that are unfinished)")
	fs.BoolVar(&force, "force", false, "also what somebody else has changed since")
	fs.BoolVarP(&c.yes, "yes", "y", false, "take back changes that were meant to stay, without asking")
	fs.BoolVarP(&c.quiet, "quiet", "q", false, "no progress, the result only")
	c.flagsOfOutput(fs)
	return cmd
}

func runRestore(ctx context.Context, c *control, force bool) error {
	journals, err := c.journals()
	if err != nil {
		return coded(exitRecord, err)
	}
	var problems []error
	results := []restored{}
	for _, j := range journals {
		r, err := c.restore(ctx, j, force)
		if err != nil {
			r.Error = err.Error()
			problems = append(problems, fmt.Errorf("%s: %w", j.Dir, err))
		}
		results = append(results, r)
	}
	if c.output == outputJSON {
		err = printJSON(c.env.Stdout, map[string]any{"schema_version": experiment.SchemaVersion, "journals": results})
	} else {
		err = c.tellRestored(results)
	}
	return errors.Join(append(problems, err)...)
}

// journals are those to undo.
func (c *control) journals() ([]runlog.Changes, error) {
	if c.dir == "" {
		return runlog.Unfinished(c.env.Getenv)
	}
	j, err := runlog.ReadJournal(c.dir)
	return []runlog.Changes{j}, err
}

// restore undoes one journal.
func (c *control) restore(ctx context.Context, was runlog.Changes, force bool) (restored, error) {
	r := restored{Dir: was.Dir, On: was.Changed.Variant, Left: []experiment.Leftover{}}
	if was.Changed.Region == "" {
		r.Restored = true // it ended before its first line, so nothing was changed
		return r, nil
	}
	aws, err := c.connect(ctx, was.Changed.Region)
	if err != nil {
		return r, err
	}
	defer aws.Close()
	c.tellSplit(aws)
	p := c.plane(aws)
	if err := sameEndpoint(ctx, p, was.Changed); err != nil {
		return r, err
	}
	if was.Kept {
		c.showUndoing(was)
		if err := c.confirm(ctx, "these changes were meant to stay; take them back?"); err != nil {
			return r, err
		}
	}
	journal, err := runlog.OpenJournal(was.Dir, c.env.Getenv)
	if err != nil {
		return r, coded(exitRecord, err)
	}
	p.Journal = journal
	r.made = slices.ContainsFunc(journal.Changes().Intents, func(i experiment.Intent) bool { return i.Change.Desired.Deployment != nil })
	left, err := p.Undo(ctx, r.On, journal.Changes().Intents, force)
	if left != nil {
		r.Left = left
	}
	r.Restored = err == nil
	return r, errors.Join(err, coded(exitRecord, journal.Close()))
}

// missingARN is how SageMaker names what it could not find.
var missingARN = regexp.MustCompile(`arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]*:endpoint/[A-Za-z0-9-]+`)

// sameEndpoint refuses an endpoint of the same name in another account: one that is missing
// there may well stand, and cost money, in the journal's.
func sameEndpoint(ctx context.Context, p experiment.Plane, was runlog.Changed) error {
	e, err := p.Hosting.Describe(ctx, was.Variant.Endpoint)
	if trouble, ok := errors.AsType[*experiment.ControlError](err); ok && trouble.Problem == experiment.ProblemMissing {
		e.ARN = cmp.Or(missingARN.FindString(trouble.Err.Error()), was.ARN)
		err = nil // nothing is left of what was changed, if it is that one
	}
	if err != nil {
		return err
	}
	if !strings.EqualFold(e.ARN, was.ARN) { // SageMaker writes names in small letters there
		return coded(exitAWS, fmt.Errorf("the journal is about %s, and the credentials see %s: use those of the other account", was.ARN, e.ARN))
	}
	return nil
}

func (c *control) showUndoing(was runlog.Changes) {
	var back []experiment.Change
	for _, made := range slices.Backward(was.Intents) {
		if !made.Undone {
			change := made.Change
			change.Current, change.Desired, change.Reason = change.Desired, change.Current, "as it was"
			back = append(back, change)
		}
	}
	c.show(was.Changed.Variant, back, nil)
}

func (c *control) tellRestored(results []restored) error {
	if len(results) == 0 {
		_, err := fmt.Fprintln(c.env.Stdout, "nothing to restore: no run has left changes behind")
		return err
	}
	for _, r := range results {
		became := "as it was"
		if r.made {
			became = "deleted"
		}
		if r.Restored {
			if _, err := fmt.Fprintf(c.env.Stdout, "%s is %s (%s)\n", r.On, became, r.Dir); err != nil {
				return err
			}
		}
		for _, l := range r.Left {
			if _, err := fmt.Fprintf(c.env.Stdout, "%s: left: %s\n  %s\n", r.On, l.Why, l.Command); err != nil {
				return err
			}
		}
	}
	return nil
}
