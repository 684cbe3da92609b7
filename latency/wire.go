package latency

import (
	"fmt"
	"io"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// LogWriter writes an HdrHistogram interval log (format 1.3): one line an
// interval, each with a tag, its start and length in seconds, and the
// histogram in the compressed V2 encoding, values in nanoseconds. The
// interval-maximum column is in milliseconds. HistogramLogAnalyzer,
// HdrHistogram for Java, C and Python read it.
type LogWriter struct{ log *hdr.HistogramLogWriter }

// NewLogWriter continues a log; call Head first when the log is new.
func NewLogWriter(w io.Writer) *LogWriter {
	return &LogWriter{log: hdr.NewHistogramLogWriter(w)}
}

// Head writes the head of a new log, with a comment and the start of the run.
func (w *LogWriter) Head(comment string, start time.Time) error {
	for _, write := range []func() error{
		func() error { return w.log.OutputComment(comment) },
		w.log.OutputLogFormatVersion,
		func() error { return w.log.OutputStartTime(start.UnixMilli()) },
		w.log.OutputLegend,
	} {
		if err := write(); err != nil {
			return fmt.Errorf("writing histogram log: %w", err)
		}
	}
	return nil
}

// Interval appends one histogram under a tag, for the interval from start to end.
func (w *LogWriter) Interval(tag string, start, end time.Time, h *Histogram) error {
	c := hdr.Import(h.h.Export())
	c.SetTag(tag)
	c.SetStartTimeMs(start.UnixMilli())
	c.SetEndTimeMs(end.UnixMilli())
	if err := w.log.OutputIntervalHistogram(c); err != nil {
		return fmt.Errorf("writing histogram log: %w", err)
	}
	return nil
}

// Interval is one entry of an interval log.
type Interval struct {
	Tag       string
	Histogram *Histogram
}

// ReadLog reads every interval of a log that [LogWriter] wrote, in order. A log
// whose last line was cut off by a crash yields an error and what came before.
func ReadLog(r io.Reader) ([]Interval, error) {
	reader := hdr.NewHistogramLogReader(r)
	var out []Interval
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			return out, fmt.Errorf("reading histogram log after %d intervals: %w", len(out), err)
		}
		if h == nil {
			return out, nil
		}
		decoded, err := fromHDR(h)
		if err != nil {
			return out, fmt.Errorf("reading histogram log, interval %d: %w", len(out)+1, err)
		}
		out = append(out, Interval{Tag: h.Tag(), Histogram: decoded})
	}
}

// fromHDR takes over a decoded histogram. Mean and maximum are then those of
// the buckets, no longer exact.
func fromHDR(h *hdr.Histogram) (*Histogram, error) {
	out := New()
	if dropped := out.h.Merge(h); dropped != 0 {
		return nil, fmt.Errorf("%d values lie outside 0 to %v", dropped, Highest)
	}
	out.sum = h.Mean() * float64(h.TotalCount())
	out.max = min(time.Duration(h.Max()), Highest)
	return out, nil
}
