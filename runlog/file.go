package runlog

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// storage is what appending needs of an *os.File.
type storage interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// appender adds whole lines to a file. A write that fails is taken back, so that
// the file ends with a whole line whatever happens.
type appender struct {
	path string
	file storage
	size int64 // of the whole lines
}

// openAppender opens a file for appending after its first size bytes; what
// follows them is cut off.
func openAppender(path string, size int64) (*appender, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, filePermissions)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &appender{path: path, file: f, size: size}, nil
}

func (a *appender) append(lines []byte) error {
	n, err := a.file.WriteAt(lines, a.size)
	if err == nil {
		a.size += int64(n)
		return nil
	}
	if cut := a.file.Truncate(a.size); cut != nil && n > 0 {
		return fmt.Errorf("%w (and taking back half a line: %w)", err, cut)
	}
	return err
}

// appendJSON adds one value as one line.
func (a *appender) appendJSON(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.append(append(line, '\n'))
}

// writeAtomically makes a file appear whole or not at all.
func writeAtomically(path string, render func(io.Writer) error) error {
	unfinished := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".unfinished")
	f, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, filePermissions)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	err = render(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(unfinished, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	syncDirectory(filepath.Dir(path))
	return nil
}

// syncDirectory makes a new name outlast a power failure. Some systems cannot
// sync a directory; the file itself is safe there all the same.
func syncDirectory(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// writeJSON renders one indented document, as --output json prints it.
func writeJSON(v any) func(io.Writer) error {
	return func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
}

// remedy says what to do about a file that cannot be written.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space or choose another --dir"
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return "make the directory writable or choose another --dir"
	}
	return "choose another --dir"
}
