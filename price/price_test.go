package price

import (
	"math"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for name, c := range map[string]struct {
		kind, region string
		want         float64
		from, date   string
		estimated    bool
	}{
		"own region, newest row":           {"ml.m5.xlarge", "us-east-1", 0.23, "us-east-1", "2026-09", false},
		"another region has that of home":  {"ml.m5.xlarge", "eu-central-1", 0.23, "us-east-1", "2026-09", true},
		"an old row where there is no new": {"ml.g5.xlarge", "us-east-1", 1.4084, "us-east-1", "2025-01", false},
		"after the GPU prices fell":        {"ml.p5.48xlarge", "us-east-1", 63.296, "us-west-2", "2026", true},
		"a rate of Studio is an estimate":  {"ml.m5.large", "us-west-2", 0.115, "us-west-2", "2026", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Of(c.kind, c.region)
			if !ok || got.PerHour != c.want || got.Region != c.from || got.Date != c.date || got.Estimated != c.estimated || got.Currency != "USD" || got.Source == "" {
				t.Errorf("Of(%q, %q) = %+v, %t; want %g of %s, %s, estimated %t", c.kind, c.region, got, ok, c.want, c.from, c.date, c.estimated)
			}
		})
	}
	if got, ok := Of("ml.unheard.xlarge", "us-east-1"); ok {
		t.Errorf("a type that is in no row has %+v", got)
	}
}

// TestTable: every row is read, and none is left out for how it is written.
func TestTable(t *testing.T) {
	rows := 0
	for line := range strings.Lines(table) {
		row := strings.Split(strings.TrimSpace(line), ",")
		if len(row) != columns {
			t.Errorf("%q has %d columns, want %d", line, len(row), columns)
			continue
		}
		if rows++; rows == 1 {
			continue // the head
		}
		p, err := parse(row, "us-east-1")
		if err != nil || !(p.PerHour > 0) || len(p.Date) < len("2026") || !strings.HasPrefix(row[columnType], "ml.") {
			t.Errorf("%q: %+v, %v", line, p, err)
		}
		if _, ok := Of(row[columnType], "eu-west-1"); !ok {
			t.Errorf("Of does not find %s", row[columnType])
		}
	}
	if rows < 40 {
		t.Errorf("%d rows", rows)
	}
}

func TestNamed(t *testing.T) {
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if p, err := Named(bad); err == nil {
			t.Errorf("Named(%g) = %+v", bad, p)
		}
	}
}

// TestPerMillion: AWS's page counts so: an instance of 0.23 dollars an hour that answers
// 12000 a minute answers 720000 an hour, so that a million cost 0.23/0.72.
func TestPerMillion(t *testing.T) {
	p := Price{PerHour: 0.23}
	if got, ok := p.PerMillion(12000); !ok || math.Abs(got-0.23/0.72) > 1e-12 {
		t.Errorf("PerMillion(12000) = %g, %t; want %g", got, ok, 0.23/0.72)
	}
	if got, ok := p.PerMillion(0); ok {
		t.Errorf("PerMillion(0) = %g", got)
	}
}
