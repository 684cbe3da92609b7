// Package price knows what an hour of a SageMaker instance costs, as far as public lists
// that may be passed on have it: prices.csv, with the source and the date of every row.
//
// It is no price service: it asks nobody, so its figures age, and most are of one region.
// What a figure cannot promise stands beside it. Start with [Of].
package price

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
)

// Currency is what all prices are in.
const Currency = "USD"

// home is the region that nearly all rows are of.
const home = "us-east-1"

// Price is what one instance costs.
type Price struct {
	PerHour  float64 `json:"per_hour"` // of one instance, on demand
	Currency string  `json:"currency"`
	Date     string  `json:"date,omitzero"`   // year, or year and month; "" where the user named the price
	Region   string  `json:"region,omitzero"` // that it was listed for
	Source   string  `json:"source"`
	// Estimated: it is listed for another region, or for something that usually costs the
	// same.
	Estimated bool `json:"estimated"`
}

// columns of prices.csv.
const (
	columnType = iota
	columnPrice
	columnRegion
	columnComponent
	columnSource
	columnDate
	columns
)

//go:embed prices.csv
var table string

// hosting is how the component of real-time hosting begins; others are for something else.
const hosting = "real-time hosting"

// Of is the price of an instance type in a region, from the newest row: GPU prices fell by
// a third or more in 2025, so that a new figure of another region is nearer than an old one of
// its own. Of rows as new, one of the region goes first, then one of us-east-1. ok is
// false where no row has the type.
func Of(instanceType, region string) (p Price, ok bool) {
	for line := range strings.Lines(table) {
		row := strings.Split(strings.TrimSpace(line), ",")
		if len(row) != columns || row[columnType] != instanceType {
			continue
		}
		if candidate, err := parse(row, region); err == nil && (!ok || candidate.before(p, region)) {
			p, ok = candidate, true
		}
	}
	return p, ok
}

// parse reads a row.
func parse(row []string, region string) (Price, error) {
	p := Price{Currency: Currency, Date: row[columnDate], Region: row[columnRegion], Source: row[columnSource]}
	p.Estimated = p.Region != region
	if !strings.HasPrefix(row[columnComponent], hosting) {
		p.Estimated, p.Source = true, row[columnComponent]+"; "+p.Source
	}
	_, err := fmt.Sscan(row[columnPrice], &p.PerHour)
	return p, err
}

// before says whether a row is to be preferred. Dates are compared by year: a year alone
// does not say which month.
func (p Price) before(o Price, region string) bool {
	const year = len("2026")
	if p.Date[:year] != o.Date[:year] {
		return p.Date > o.Date
	}
	return p.rank(region) < o.rank(region)
}

func (p Price) rank(region string) int {
	switch p.Region {
	case region:
		return 0
	case home:
		return 1
	}
	return 2
}

// Named is a price that the user gives, for an instance and an hour.
func Named(perHour float64) (Price, error) {
	if !(perHour > 0) || math.IsInf(perHour, 0) {
		return Price{}, fmt.Errorf("price %g: want dollars above 0 for an instance and an hour, such as 0.23", perHour)
	}
	return Price{PerHour: perHour, Currency: Currency, Source: "as given"}, nil
}

// String is the price with what it rests on.
func (p Price) String() string {
	if p.Date == "" {
		return fmt.Sprintf("%.4g %s an hour (%s)", p.PerHour, p.Currency, p.Source)
	}
	about := ""
	if p.Estimated {
		about = "about "
	}
	return fmt.Sprintf("%s%.4g %s an hour (%s, list of %s)", about, p.PerHour, p.Currency, p.Region, p.Date)
}

// PerMillion is what a million requests cost on instances that each answer so many a
// minute, all the time: 1e6 · PerHour / (60 · perMinute). ok is false for a rate that
// is not above 0.
func (p Price) PerMillion(perMinute float64) (cost float64, ok bool) {
	if !(perMinute > 0) {
		return 0, false
	}
	return 1e6 * p.PerHour / (60 * perMinute), true
}
