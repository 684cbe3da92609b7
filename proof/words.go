package proof

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// instances writes a number of them.
func instances(n int) string {
	if n == 1 {
		return "1 instance"
	}
	return strconv.Itoa(n) + " instances"
}

// figure writes a number for people, to three digits where it has a fraction.
func figure(x float64) string {
	if math.Abs(x) >= 1000 {
		return strconv.FormatFloat(math.Round(x), 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// percent writes a share.
func percent(share float64) string { return figure(100*share) + " %" }

// clock writes an instant of day.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// lasting writes a length of time, to the second.
func lasting(d time.Duration) string { return d.Round(time.Second).String() }

// counted writes a number of things.
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// arrow writes from how many to how many an event went.
func arrow(e event) string { return fmt.Sprintf("%d → %d", e.from, e.to) }
