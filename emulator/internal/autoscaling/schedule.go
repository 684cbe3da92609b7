package autoscaling

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones are part of the API, also where the system has no database of them

	"github.com/hashicorp/cronexpr"
)

// schedule is when a scheduled action runs: once, at a rate, or by a cron expression.
// Exactly one of at, every and cron is set.
type schedule struct {
	at    time.Time
	every time.Duration
	cron  *cronexpr.Expression
	zone  *time.Location
}

var errForm = errors.New("want at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields)")

// parseSchedule reads at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields). The
// time zone is that of at and cron; empty is UTC.
func parseSchedule(expression, timezone string) (schedule, error) {
	zone, err := parseZone(timezone)
	if err != nil {
		return schedule{}, err
	}
	s := schedule{zone: zone}
	kind, rest, _ := strings.Cut(expression, "(")
	inside, closed := strings.CutSuffix(rest, ")")
	switch {
	case !closed:
		err = errForm
	case kind == "at":
		s.at, err = parseAt(inside, zone)
	case kind == "rate":
		s.every, err = parseRate(inside)
	case kind == "cron":
		s.cron, err = parseCron(inside)
	default:
		err = errForm
	}
	if err != nil {
		return schedule{}, fmt.Errorf("schedule %q: %w", expression, err)
	}
	return s, nil
}

// parseZone finds a time zone. Local would be this machine's, which AWS does not know.
func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("timezone %q: want the name of an IANA time zone, such as Europe/Berlin", name)
	}
	return zone, nil
}

func parseAt(text string, zone *time.Location) (time.Time, error) {
	wall, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a date and time such as 2026-12-24T18:00:00", text)
	}
	at, exists := instant(wall, zone)
	if !exists {
		return time.Time{}, fmt.Errorf("%q does not exist in %v, where the clock is put forward then", text, zone)
	}
	return at, nil
}

// longestRate keeps a rate inside time.Duration; nobody waits longer.
const longestRate = 100 * 365 * 24 * time.Hour

func parseRate(text string) (time.Duration, error) {
	parts := strings.Fields(text)
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	if len(parts) == 2 {
		n, err := strconv.Atoi(parts[0])
		unit := units[strings.TrimSuffix(parts[1], "s")]
		if err == nil && n > 0 && unit > 0 && float64(n)*float64(unit) <= float64(longestRate) {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, errors.New("want a whole number above 0 and minutes, hours or days, as in rate(5 minutes)")
}

// next is the first instant after another at which a schedule runs, zero if there is none.
// A rate counts from an anchor.
func (s schedule) next(after, anchor time.Time) time.Time {
	switch {
	case s.cron != nil:
		return s.nextCron(after)
	case s.every > 0:
		return s.nextRate(after, anchor)
	case s.at.After(after):
		return s.at
	default:
		return time.Time{}
	}
}

// nextRate counts seconds, because durations end at 292 years and a client may give any
// year as the start.
func (s schedule) nextRate(after, anchor time.Time) time.Time {
	passed, every := after.Unix()-anchor.Unix(), int64(s.every/time.Second)
	if after.Nanosecond() < anchor.Nanosecond() {
		passed--
	}
	return time.Unix(anchor.Unix()+(passed/every+1)*every, int64(anchor.Nanosecond())).UTC()
}

// nextCron searches on the clock on the wall. A time that the clock skips in spring is
// skipped, and one that it shows twice in autumn counts once, the first time: so does
// EventBridge Scheduler, whose expressions these are ("Schedule types", daylight savings
// time); Application Auto Scaling says only that actions adjust.
func (s schedule) nextCron(after time.Time) time.Time {
	wall := onTheWall(after.In(s.zone))
	for {
		if wall = s.cron.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if t, exists := instant(wall, s.zone); exists && t.After(after) {
			return t
		}
	}
}

// onTheWall is what a clock shows, as if it stood in UTC.
func onTheWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is the first time at which the clock on the wall of a zone shows a time.
func instant(wall time.Time, zone *time.Location) (t time.Time, exists bool) {
	t = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	_, offset := t.Add(-24 * time.Hour).Zone()
	if earlier := wall.Add(-time.Duration(offset) * time.Second).In(zone); onTheWall(earlier).Equal(wall) {
		t = earlier
	}
	return t.UTC(), onTheWall(t).Equal(wall)
}
