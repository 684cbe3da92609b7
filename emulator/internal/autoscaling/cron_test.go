package autoscaling

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSchedules(t *testing.T) {
	tests := []struct {
		name, schedule, zone, from string
		want                       []string // in UTC; the last of fewer than three is followed by never
	}{
		{"at", "at(2026-12-24T18:00:00)", "", "2026-11-23T09:00:00", []string{"2026-12-24T18:00:00"}},
		{"at in a zone", "at(2026-12-24T18:00:00)", "America/New_York", "2026-11-23T09:00:00", []string{"2026-12-24T23:00:00"}},
		{"at in the past", "at(2026-01-01T00:00:00)", "", "2026-11-23T09:00:00", nil},
		{"at a time that comes twice is the first", "at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-10-01T00:00:00", []string{"2026-10-25T00:30:00"}},
		{"rate of a minute", "rate(1 minute)", "", "2026-11-23T09:00:30", []string{"2026-11-23T09:01:30", "2026-11-23T09:02:30", "2026-11-23T09:03:30"}},
		{"rate of hours", "rate(12 hours)", "", "2026-11-23T09:00:00", []string{"2026-11-23T21:00:00", "2026-11-24T09:00:00", "2026-11-24T21:00:00"}},
		{"rate of days is 24 hours", "rate(2 days)", "Europe/Berlin", "2026-10-24T09:00:00", []string{"2026-10-26T09:00:00", "2026-10-28T09:00:00", "2026-10-30T09:00:00"}},

		// The examples of the EventBridge User Guide, "Cron expressions".
		{"every day at 10:00", "cron(0 10 * * ? *)", "", "2026-11-23T10:00:00", []string{"2026-11-24T10:00:00", "2026-11-25T10:00:00", "2026-11-26T10:00:00"}},
		{"every first of a month at 8:00", "cron(0 8 1 * ? *)", "", "2026-11-23T09:00:00", []string{"2026-12-01T08:00:00", "2027-01-01T08:00:00", "2027-02-01T08:00:00"}},
		{"every Monday to Friday at 18:00", "cron(0 18 ? * MON-FRI *)", "", "2026-11-26T18:00:00", []string{"2026-11-27T18:00:00", "2026-11-30T18:00:00", "2026-12-01T18:00:00"}},
		{"every 15 minutes", "cron(0/15 * * * ? *)", "", "2026-11-23T09:20:00", []string{"2026-11-23T09:30:00", "2026-11-23T09:45:00", "2026-11-23T10:00:00"}},
		{"every 10 minutes Monday to Friday", "cron(0/10 * ? * MON-FRI *)", "", "2026-11-27T23:49:00", []string{"2026-11-27T23:50:00", "2026-11-30T00:00:00", "2026-11-30T00:10:00"}},
		{"every 5 minutes in working hours", "cron(0/5 8-17 ? * MON-FRI *)", "", "2026-11-23T17:54:00", []string{"2026-11-23T17:55:00", "2026-11-24T08:00:00", "2026-11-24T08:05:00"}},

		{"names in any case", "cron(0 0 ? jan,Jul sun *)", "", "2026-11-23T09:00:00", []string{"2027-01-03T00:00:00", "2027-01-10T00:00:00", "2027-01-17T00:00:00"}},
		{"1 is Sunday", "cron(30 6 ? * 1 *)", "", "2026-11-23T09:00:00", []string{"2026-11-29T06:30:00", "2026-12-06T06:30:00", "2026-12-13T06:30:00"}},
		{"7 is Saturday", "cron(30 6 ? * 7 *)", "", "2026-11-23T09:00:00", []string{"2026-11-28T06:30:00", "2026-12-05T06:30:00", "2026-12-12T06:30:00"}},
		{"2-6 is Monday to Friday", "cron(0 0 ? * 2-6 *)", "", "2026-11-27T09:00:00", []string{"2026-11-30T00:00:00", "2026-12-01T00:00:00", "2026-12-02T00:00:00"}},
		{"L of a month", "cron(0 12 L * ? *)", "", "2027-01-31T12:00:00", []string{"2027-02-28T12:00:00", "2027-03-31T12:00:00", "2027-04-30T12:00:00"}},
		{"L in a leap year", "cron(0 12 L 2 ? *)", "", "2027-03-01T00:00:00", []string{"2028-02-29T12:00:00", "2029-02-28T12:00:00", "2030-02-28T12:00:00"}},
		{"LW", "cron(0 12 LW * ? *)", "", "2026-11-23T09:00:00", []string{"2026-11-30T12:00:00", "2026-12-31T12:00:00", "2027-01-29T12:00:00"}},
		{"15W", "cron(0 12 15W * ? *)", "", "2026-11-23T09:00:00", []string{"2026-12-15T12:00:00", "2027-01-15T12:00:00", "2027-02-15T12:00:00"}},
		{"15W on a Saturday is Friday", "cron(0 12 15W 8 ? *)", "", "2026-01-01T00:00:00", []string{"2026-08-14T12:00:00", "2027-08-16T12:00:00", "2028-08-15T12:00:00"}},
		{"1W does not leave the month", "cron(0 12 1W 8 ? *)", "", "2026-01-01T00:00:00", []string{"2026-08-03T12:00:00", "2027-08-02T12:00:00", "2028-08-01T12:00:00"}},
		{"L of a week is Saturday", "cron(0 12 ? * L *)", "", "2026-11-23T09:00:00", []string{"2026-11-28T12:00:00", "2026-12-05T12:00:00", "2026-12-12T12:00:00"}},
		{"6L is the last Friday", "cron(0 12 ? * 6L *)", "", "2026-11-23T09:00:00", []string{"2026-11-27T12:00:00", "2026-12-25T12:00:00", "2027-01-29T12:00:00"}},
		{"3#2 is the second Tuesday", "cron(0 12 ? * 3#2 *)", "", "2026-11-23T09:00:00", []string{"2026-12-08T12:00:00", "2027-01-12T12:00:00", "2027-02-09T12:00:00"}},
		{"SUN#1", "cron(0 12 ? * SUN#1 *)", "", "2026-11-23T09:00:00", []string{"2026-12-06T12:00:00", "2027-01-03T12:00:00", "2027-02-07T12:00:00"}},
		{"one year", "cron(0 0 31 12 ? 2027)", "", "2026-11-23T09:00:00", []string{"2027-12-31T00:00:00"}},
		{"years in steps", "cron(0 0 1 1 ? 2026/2)", "", "2026-11-23T09:00:00", []string{"2028-01-01T00:00:00", "2030-01-01T00:00:00", "2032-01-01T00:00:00"}},
		{"year beyond this century", "cron(0 0 1 1 ? 2150)", "", "2026-11-23T09:00:00", nil},
		{"day that no month has", "cron(0 0 31 2 ? *)", "", "2026-11-23T09:00:00", nil},

		// Daylight saving time.
		{"after spring an hour earlier in UTC", "cron(0 8 * * ? *)", "Europe/Berlin", "2026-03-27T12:00:00", []string{"2026-03-28T07:00:00", "2026-03-29T06:00:00", "2026-03-30T06:00:00"}},
		{"after autumn an hour later in UTC", "cron(0 8 * * ? *)", "America/New_York", "2026-10-30T13:00:00", []string{"2026-10-31T12:00:00", "2026-11-01T13:00:00", "2026-11-02T13:00:00"}},
		{"the hour that is skipped", "cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-27T12:00:00", []string{"2026-03-28T01:30:00", "2026-03-30T00:30:00", "2026-03-31T00:30:00"}},
		{"the hour that comes twice", "cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00", []string{"2026-10-25T00:30:00", "2026-10-26T01:30:00", "2026-10-27T01:30:00"}},
		{"asked between the two", "cron(30,45 2 * * ? *)", "Europe/Berlin", "2026-10-25T01:10:00", []string{"2026-10-26T01:30:00", "2026-10-26T01:45:00", "2026-10-27T01:30:00"}},
		{"midnight that is skipped", "cron(0 0 * * ? *)", "America/Asuncion", "2023-09-30T12:00:00", []string{"2023-10-02T03:00:00", "2023-10-03T03:00:00", "2023-10-04T03:00:00"}},
		{"shift of half an hour", "cron(15 2 * * ? *)", "Australia/Lord_Howe", "2026-10-02T18:00:00", []string{"2026-10-04T15:15:00", "2026-10-05T15:15:00", "2026-10-06T15:15:00"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := parseSchedule(test.schedule, test.zone)
			if err != nil {
				t.Fatal(err)
			}
			from := instantOf(t, test.from)
			var got []string
			for at := from; len(got) < 3; {
				if at = s.next(at, from); at.IsZero() {
					break
				}
				got = append(got, at.UTC().Format("2006-01-02T15:04:05"))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s in %q after %s runs at %q, want %q", test.schedule, test.zone, test.from, got, test.want)
			}
		})
	}
}

func instantOf(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestRateIsExact(t *testing.T) {
	s, err := parseSchedule("rate(1 minute)", "")
	if err != nil {
		t.Fatal(err)
	}
	anchor := begin().Add(500 * time.Millisecond)
	for after, want := range map[time.Duration]time.Duration{
		0: time.Minute, time.Minute - time.Millisecond: time.Minute, time.Minute: 2 * time.Minute, time.Minute + time.Millisecond: 2 * time.Minute,
	} {
		if got := s.next(anchor.Add(after), anchor).Sub(anchor); got != want {
			t.Errorf("%v after the anchor, the next is %v after it, want %v", after, got, want)
		}
	}
}

func TestSchedulesRefused(t *testing.T) {
	tests := []struct{ schedule, zone, want string }{
		{"", "", "want at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields)"},
		{"every(5 minutes)", "", "want at("},
		{"rate(5 minutes", "", "want at("},
		{"cron(0 10 * * ? *) ", "", "want at("},
		{"at(tomorrow)", "", `"tomorrow" is not a date and time`},
		{"at(2026-02-30T00:00:00)", "", "is not a date and time"},
		{"at(2026-03-29T02:30:00)", "Europe/Berlin", "does not exist in Europe/Berlin"},
		{"at(2026-12-24T18:00:00)", "Mars/Olympus", `timezone "Mars/Olympus": want the name of an IANA time zone`},
		{"at(2026-12-24T18:00:00)", "Local", `timezone "Local"`},
		{"at(2026-12-24T18:00:00)", "../../etc/passwd", "timezone"},
		{"rate(0 minutes)", "", "want a whole number above 0"},
		{"rate(-1 minutes)", "", "want a whole number above 0"},
		{"rate(1.5 hours)", "", "want a whole number above 0"},
		{"rate(5 seconds)", "", "want a whole number above 0 and minutes, hours or days"},
		{"rate(5)", "", "want a whole number above 0"},
		{"rate(999999999999 days)", "", "want a whole number above 0"},
		{"cron(0 10 * * ?)", "", "has 5 fields"},
		{"cron(0 0 10 * * ? *)", "", "has 7 fields"},
		{"cron(0 10 * * * *)", "", "exactly one of them must be ?"},
		{"cron(0 10 ? * ? *)", "", "exactly one of them must be ?"},
		{"cron(60 10 * * ? *)", "", `minutes "60": want a number from 0 to 59`},
		{"cron(0 24 * * ? *)", "", `hours "24": want a number from 0 to 23`},
		{"cron(0 10 0 * ? *)", "", `day of month "0": want a number from 1 to 31`},
		{"cron(0 10 32W * ? *)", "", `day of month "32": want`},
		{"cron(0 10 L,5 * ? *)", "", `day of month "L": want`},
		{"cron(0 10 * 13 ? *)", "", `month "13": want a number from 1 to 12, or a name from JAN to DEC`},
		{"cron(0 10 * MAI ? *)", "", `month "MAI": want`},
		{"cron(0 10 ? * 0 *)", "", `day of week "0": want a number from 1 to 7, or a name from SUN to SAT`},
		{"cron(0 10 ? * 8 *)", "", `day of week "8": want`},
		{"cron(0 10 ? * 2/2 *)", "", "none in the day of week"},
		{"cron(0 10 ? * 6#6 *)", "", "want a week from 1 to 5"},
		{"cron(0 10 ? * 6#2,3#1 *)", "", "want"},
		{"cron(0 10 * * ? 1969)", "", `year "1969": want a number from 1970 to 2199`},
		{"cron(0 22-6 * * ? *)", "", `hours "22-6": the range runs backwards`},
		{"cron(0/0 10 * * ? *)", "", "a number from 1 to 59 after the slash"},
		{"cron(0/60 10 * * ? *)", "", "a number from 1 to 59 after the slash"},
		{"cron(0/5/5 10 * * ? *)", "", "at most one step"},
		{"cron(,5 10 * * ? *)", "", `minutes "": want`},
		{"cron(*,5 10 * * ? *)", "", `minutes "*": want`},
		{"cron(-5 10 * * ? *)", "", `minutes "": want`},
		{"cron(+5 10 * * ? *)", "", `minutes "+5": want`},
		{"cron(@daily * * * ? *)", "", `minutes "@daily": want`},
		{"cron(61 25 * * ? *)", "", `minutes "61": want a number from 0 to 59; hours "25": want a number from 0 to 23`},
	}
	for _, test := range tests {
		_, err := parseSchedule(test.schedule, test.zone)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("parseSchedule(%q, %q): error %v, want one line with %q", test.schedule, test.zone, err, test.want)
		}
	}
}

// matcher is an independent reading of cron fields: does a value match, one at a time.
func matcher(field string, low, high, value int) bool {
	for part := range strings.SplitSeq(field, ",") {
		span, step, stepped := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		first, _ := strconv.Atoi(from)
		last, _ := strconv.Atoi(to)
		by, _ := strconv.Atoi(step)
		switch {
		case span == "*" || span == "?":
			first, last = low, high
		case !ranged && stepped:
			last = high
		case !ranged:
			last = first
		}
		if value >= first && value <= last && (!stepped || (value-first)%by == 0) {
			return true
		}
	}
	return false
}

func drawField(t *rapid.T, name string, low, high int, steps bool) string {
	number := func() int { return rapid.IntRange(low, high).Draw(t, name) }
	part := func() string {
		a, b := number(), number()
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0:
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		case kind == 1 && steps:
			return fmt.Sprintf("%d/%d", a, rapid.IntRange(1, high).Draw(t, "step"))
		case kind == 2 && steps:
			return fmt.Sprintf("%d-%d/%d", min(a, b), max(a, b), rapid.IntRange(1, high).Draw(t, "step"))
		default:
			return strconv.Itoa(a)
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "all") == 0 {
		return "*"
	}
	parts := []string{part()}
	for range rapid.IntRange(0, 2).Draw(t, "more") {
		parts = append(parts, part())
	}
	return strings.Join(parts, ",")
}

// TestCronLaw holds next against looking at every minute of four days, in zones with and
// without a change of the clock.
func TestCronLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes, hours := drawField(t, "minutes", 0, 59, true), drawField(t, "hours", 0, 23, true)
		months := drawField(t, "month", 1, 12, true)
		days, weekdays := drawField(t, "day", 1, 31, true), "?"
		if rapid.Bool().Draw(t, "by weekday") {
			days, weekdays = "?", drawField(t, "weekday", 1, 7, false)
		}
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		from := rapid.SampledFrom([]time.Time{
			time.Date(2026, 3, 27, 22, 0, 0, 0, time.UTC), time.Date(2026, 10, 23, 22, 0, 0, 0, time.UTC),
			time.Date(2026, 10, 30, 22, 0, 0, 0, time.UTC), time.Date(2026, 4, 3, 22, 0, 0, 0, time.UTC),
		}).Draw(t, "from")
		expression := fmt.Sprintf("cron(%s %s %s %s %s *)", minutes, hours, days, months, weekdays)
		s, err := parseSchedule(expression, zone.String())
		if err != nil {
			t.Fatalf("parseSchedule(%q): %v", expression, err)
		}

		const span = 4 * 24 * 60
		shown := map[time.Time]bool{}
		var want time.Time
		for m := -24 * 60; m <= span; m++ {
			at := from.Add(time.Duration(m) * time.Minute)
			wall := onTheWall(at.In(zone))
			if shown[wall] {
				continue // the second time that the clock shows it
			}
			shown[wall] = true
			if m > 0 && matcher(minutes, 0, 59, wall.Minute()) && matcher(hours, 0, 23, wall.Hour()) && matcher(days, 1, 31, wall.Day()) &&
				matcher(months, 1, 12, int(wall.Month())) && matcher(weekdays, 1, 7, int(wall.Weekday())+1) {
				want = at
				break
			}
		}
		got := s.next(from, from)
		late := from.Add(span * time.Minute)
		switch {
		case want.IsZero() && !got.IsZero() && !got.After(late):
			t.Fatalf("%s in %v after %v: next is %v, want none until %v", expression, zone, from, got, late)
		case !want.IsZero() && !got.Equal(want):
			t.Fatalf("%s in %v after %v: next is %v, want %v", expression, zone, from, got, want)
		}
	})
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{
		"at(2026-12-24T18:00:00)", "rate(5 minutes)", "cron(0 10 * * ? *)", "cron(0/15 8-17 ? JAN-MAR,DEC MON#2 2026-2030/2)",
		"cron(0 12 LW * ? *)", "cron(0 12 ? * 6L *)", "cron(0 12 15W * ? *)", "cron(22-6 * * * ? *)", "cron(0 0 31 2 ? 2199)", "cron(\x00 * * * ? *)",
	} {
		f.Add(seed, "Europe/Berlin")
	}
	f.Add("cron(* * * * ? *)", "")
	f.Fuzz(func(t *testing.T, expression, zone string) {
		s, err := parseSchedule(expression, zone)
		if err != nil {
			return
		}
		from := begin()
		if next := s.next(from, from); !next.IsZero() && !next.After(from) {
			t.Errorf("%q in %q after %v runs at %v, which is not later", expression, zone, from, next)
		}
	})
}
