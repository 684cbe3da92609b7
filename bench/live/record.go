package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// line of a file of records has one of these.
type record struct {
	Block *block `json:"block,omitempty"`
	Run   *run   `json:"run,omitempty"`
}

// records writes records from several goroutines, each at once and in whole.
type records struct {
	mu  sync.Mutex
	out io.Writer
}

func (r *records) write(one record) error {
	text, err := json.Marshal(one)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err = r.out.Write(append(text, '\n'))
	return err
}

// readRecords reads what some files have. A last line that a crash cut short is left out.
func readRecords(names []string) (all []record, err error) {
	for _, name := range names {
		some, err := readFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func readFile(name string) ([]record, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return decode(f, name)
}

// decode reads the records of a file, whose name is for errors.
func decode(from io.Reader, name string) (all []record, err error) {
	lines := bufio.NewReader(from)
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		var one record
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		all = append(all, one)
	}
}
