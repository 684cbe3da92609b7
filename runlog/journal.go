package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"plimsoll/experiment"
)

// ChangesFile is the journal of what was changed on an endpoint.
const ChangesFile = "changes.jsonl"

// Changed is whose endpoint a journal is about; it is the journal's first line.
type Changed struct {
	Command string             `json:"command"` // that makes the changes
	Variant experiment.Variant `json:"on"`
	ARN     string             `json:"endpoint_arn"` // with the account and the region
	Region  string             `json:"region"`
}

// The kinds of lines of a journal.
const (
	entryBegun    = "begun"
	entryIntended = "intended"
	entryMade     = "made"
	entryUndone   = "undone"
	entryKept     = "kept"
)

// entry is a line of a journal.
type entry struct {
	SchemaVersion int                `json:"schema_version"`
	Kind          string             `json:"entry"`
	At            time.Time          `json:"at"`
	Changed       *Changed           `json:"changed,omitempty"` // of begun
	Number        int                `json:"number,omitzero"`   // of intended, made and undone
	Change        *experiment.Change `json:"change,omitempty"`  // of intended
	How           string             `json:"how,omitzero"`      // of undone
}

// Changes is what a journal says.
type Changes struct {
	Dir     string
	Changed Changed
	Intents []experiment.Intent
	Kept    bool // they are meant to stay
}

// Unfinished says whether there is something left that nobody meant to stay.
func (c Changes) Unfinished() bool { return !c.Kept && c.left() }

func (c Changes) left() bool {
	for _, i := range c.Intents {
		if !i.Undone {
			return true
		}
	}
	return false
}

// Journal is a file that a change is written to before it is made. Every method
// returns once its line is on the disk. It is for one goroutine.
type Journal struct {
	file     *appender
	release  func() error
	reminder string // file that leads to this journal until it is finished
	changes  Changes
}

var _ experiment.Journal = (*Journal)(nil)

// CreateJournal begins a journal in a directory, which is made where it is not there;
// a second journal in one directory is refused. Until it is finished a reminder of it
// lies in the user's state folder, where [Unfinished] finds it. getenv is os.Getenv.
func CreateJournal(dir string, c Changed, getenv func(string) string) (*Journal, error) {
	j, err := createJournal(dir, c, getenv)
	if err != nil {
		return nil, fmt.Errorf("beginning a journal in %s: %w", dir, err)
	}
	return j, nil
}

func createJournal(dir string, c Changed, getenv func(string) string) (*Journal, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, dirPermissions); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, ChangesFile)); err == nil {
		return nil, errors.New("there is one already: plimsoll restore --dir undoes it; or choose another --dir")
	}
	reminder, err := remind(dir, getenv)
	if err != nil {
		return nil, err
	}
	j, err := claimJournal(dir, reminder)
	if err != nil {
		return nil, errors.Join(err, os.Remove(reminder))
	}
	if err := j.write(entry{Kind: entryBegun, Changed: &c}); err != nil {
		return nil, errors.Join(err, j.release(), os.Remove(reminder))
	}
	syncDirectory(dir)
	return j, nil
}

// OpenJournal goes on with a journal, to undo what it has. What a crash has cut off is
// removed: it was never made.
func OpenJournal(dir string, getenv func(string) string) (*Journal, error) {
	j, err := openJournal(dir, getenv)
	if err != nil {
		return nil, fmt.Errorf("opening the journal of %s: %w", dir, err)
	}
	return j, nil
}

func openJournal(dir string, getenv func(string) string) (*Journal, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, ChangesFile)); err != nil {
		return nil, err // a claim would make the file
	}
	reminder, err := reminderOf(dir, getenv)
	if err != nil {
		return nil, err
	}
	return claimJournal(dir, reminder)
}

// claimJournal opens the file for one process, behind what is whole.
func claimJournal(dir, reminder string) (*Journal, error) {
	path := filepath.Join(dir, ChangesFile)
	release, err := lock(path)
	if err != nil {
		return nil, err
	}
	changes, whole, err := readJournal(dir)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	file, err := openAppender(path, whole)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return &Journal{file: file, release: release, reminder: reminder, changes: changes}, nil
}

// ReadJournal reads what the journal of a directory says, also one that is in use.
func ReadJournal(dir string) (Changes, error) {
	c, _, err := readJournal(dir)
	if err != nil {
		return c, fmt.Errorf("reading the journal of %s: %w", dir, err)
	}
	return c, nil
}

func readJournal(dir string) (c Changes, whole int64, err error) {
	content, err := os.ReadFile(filepath.Join(dir, ChangesFile))
	if err != nil {
		return c, 0, err
	}
	c.Dir = dir
	number := 0
	for line := range bytes.Lines(content) {
		number++
		last := whole+int64(len(line)) == int64(len(content))
		if last && (line[len(line)-1] != '\n' || !json.Valid(line)) {
			break // cut off by a crash, so what it was about was not begun
		}
		var e entry
		if err := decode(line, fmt.Sprintf("%s line %d", ChangesFile, number), &e); err != nil {
			return c, 0, err
		}
		if err := c.add(e); err != nil {
			return c, 0, fmt.Errorf("%s line %d: %w", ChangesFile, number, err)
		}
		whole += int64(len(line))
	}
	return c, whole, nil
}

// add takes one line in.
func (c *Changes) add(e entry) error {
	switch {
	case e.Kind == entryBegun && e.Changed != nil:
		c.Changed = *e.Changed
	case e.Kind == entryKept:
		c.Kept = true
	case e.Kind == entryIntended && e.Change != nil && e.Number == len(c.Intents)+1:
		c.Intents = append(c.Intents, experiment.Intent{Number: e.Number, Change: *e.Change})
		c.Kept = false
	case e.Kind == entryMade && e.Number > 0 && e.Number <= len(c.Intents):
		c.Intents[e.Number-1].Made = true
	case e.Kind == entryUndone && e.Number > 0 && e.Number <= len(c.Intents):
		c.Intents[e.Number-1].Undone = true
	default:
		return fmt.Errorf("entry %q of change %d does not fit here", e.Kind, e.Number)
	}
	return nil
}

// Changes is what the journal says now.
func (j *Journal) Changes() Changes { return j.changes }

// Intend writes down a change that is about to be made.
func (j *Journal) Intend(c experiment.Change) (number int, err error) {
	number = len(j.changes.Intents) + 1
	return number, j.write(entry{Kind: entryIntended, Number: number, Change: &c})
}

// Made notes that a change has been made.
func (j *Journal) Made(number int) error { return j.write(entry{Kind: entryMade, Number: number}) }

// Undone notes that a change is not there any more.
func (j *Journal) Undone(number int, how string) error {
	return j.write(entry{Kind: entryUndone, Number: number, How: how})
}

// Keep notes that the changes are meant to stay.
func (j *Journal) Keep() error { return j.write(entry{Kind: entryKept}) }

// write adds a line, on the disk when it returns.
func (j *Journal) write(e entry) error {
	e.SchemaVersion, e.At = experiment.SchemaVersion, time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// What is read back is what counts: were it to differ, a restored policy would.
	var back entry
	if err := json.Unmarshal(line, &back); err != nil {
		return err
	}
	if err := j.file.append(append(line, '\n')); err != nil {
		return fmt.Errorf("writing %s: %w", j.file.path, err)
	}
	if err := j.file.file.Sync(); err != nil {
		return fmt.Errorf("writing %s: %w", j.file.path, err)
	}
	return j.changes.add(back)
}

// Close gives the journal up. The reminder of a finished one is removed; one that has
// nothing is removed too.
func (j *Journal) Close() error {
	err := j.file.file.Close()
	if !j.changes.Unfinished() {
		if removed := os.Remove(j.reminder); removed != nil && !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}
	if len(j.changes.Intents) == 0 {
		err = errors.Join(err, os.Remove(j.file.path))
		_ = os.Remove(j.changes.Dir) // fails, rightly, if anything is in it
	}
	return errors.Join(err, j.release())
}
