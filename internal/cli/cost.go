package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/price"
	"plimsoll/sagemaker"

	"github.com/spf13/pflag"
)

// costFlags are the settings of what a run may take, and of what it costs.
func costFlags(fs *pflag.FlagSet, s *Settings) {
	fs.Var(&s.Price, "price", "dollars for an instance and an hour: 0.23, or ml.m5.xlarge=0.23, which may be repeated (otherwise by the built-in list)")
	fs.Float64Var(&s.MaxCost, "max-cost", s.MaxCost, "most dollars that the run may cost in instance-hours (0: no limit)")
	fs.DurationVar(&s.MaxDuration, "max-duration", s.MaxDuration, "longest that the whole run may take, giving back and deleting aside (0: no limit)")
}

// checkLimits reports limits and prices that mean nothing.
func (s *Settings) checkLimits() error {
	var problems []error
	if !(s.MaxCost >= 0) {
		problems = append(problems, usageError("--max-cost %g: give dollars above 0, or 0 for no limit", s.MaxCost))
	}
	if s.MaxDuration < 0 {
		problems = append(problems, usageError("--max-duration %v: give a time above 0, or 0 for no limit", s.MaxDuration))
	}
	for _, text := range s.Price {
		if _, _, err := parsePrice(text); err != nil {
			problems = append(problems, coded(exitUsage, fmt.Errorf("--price %s: %w", text, err)))
		}
	}
	return errors.Join(problems...)
}

// parsePrice reads 0.23, or ml.m5.xlarge=0.23.
func parsePrice(text string) (instanceType string, p price.Price, err error) {
	number := text
	if kind, rest, named := strings.Cut(text, "="); named {
		instanceType, number = kind, rest
	}
	perHour, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(number), "$"), 64)
	if err != nil {
		return "", p, errors.New("give dollars for an instance and an hour, such as 0.23 or ml.m5.xlarge=0.23")
	}
	p, err = price.Named(perHour)
	return strings.TrimSpace(instanceType), p, err
}

// priceOf is the price of an instance type: as given for it, as given for all, or as listed;
// nil where it is not known.
func (s *Settings) priceOf(instanceType, region string) *price.Price {
	var general *price.Price
	for _, text := range s.Price {
		kind, p, err := parsePrice(text)
		switch {
		case err != nil:
		case kind == "":
			general = &p
		case kind == instanceType:
			return &p
		}
	}
	if general != nil {
		return general
	}
	if p, listed := price.Of(instanceType, region); listed {
		return &p
	}
	return nil
}

// limits are those of a whole run.
func (s *Settings) limits() experiment.Limits {
	return experiment.Limits{Duration: s.MaxDuration, Dollars: s.MaxCost}
}

// limitsPlan is what a plan keeps of them.
func (s *Settings) limitsPlan() *experiment.LimitsPlan {
	if s.MaxCost == 0 && s.MaxDuration == 0 && len(s.Price) == 0 {
		return nil
	}
	return &experiment.LimitsPlan{DurationSeconds: s.MaxDuration.Seconds(), Dollars: s.MaxCost, Prices: s.Price}
}

// outlay is what a run is expected to take: the finds one after the other, with what is
// launched before each.
type outlay struct {
	whole time.Duration
	costs []experiment.Cost
	finds int
	notes []string // of what is not known
}

// outlayOf reckons up finds of a plan on instances of some types, in a region. made says that
// each is launched for its find.
func (s *Settings) outlayOf(p experiment.Plan, types []string, instances int, made bool, region string) outlay {
	one := toDuration(expect(p).Seconds)
	if made { // an endpoint, and with it its instance
		one += experiment.ProvisioningPrior()
	}
	o := outlay{whole: time.Duration(max(1, len(types))) * one, finds: max(1, len(types))}
	for _, kind := range types {
		known := s.priceOf(kind, region)
		if known == nil {
			o.notes = append(o.notes, fmt.Sprintf("what %s costs is not in the built-in list: give --price; EC2's own price times 1.15 to 1.4 is about it", cmp.Or(kind, "an instance")))
		}
		o.costs = append(o.costs, experiment.CostOf(kind, instances, made, one, known))
	}
	return o
}

// lines show an outlay to people.
func (o outlay) lines(p experiment.Plan) []string {
	var lines []string
	whole := "time: about " + o.whole.Round(time.Second).String()
	if o.finds > 1 {
		whole += fmt.Sprintf(", for %d instance types", o.finds)
	}
	lines = append(lines, whole)
	var counts, peaks []string
	for _, r := range expect(p).Requests {
		counts, peaks = append(counts, fmt.Sprintf("%.0f", float64(o.finds)*r.Requests)), append(peaks, fmt.Sprintf("%g/s", r.Peak))
	}
	lines = append(lines, fmt.Sprintf("requests: about %s if the peak is %s", strings.Join(counts, ", "), strings.Join(peaks, ", ")))
	for _, fact := range o.facts() {
		lines = append(lines, fact.name+": "+fact.words)
	}
	return lines
}

// fact is a line of an outlay with its name.
type fact struct{ name, words string }

// facts are what an outlay costs, what that rests on, and what is not known.
func (o outlay) facts() []fact {
	var facts []fact
	for _, c := range o.costs {
		facts = append(facts, fact{"cost", c.String()})
	}
	if dollars, known := experiment.Sum(o.costs); known && len(o.costs) > 1 {
		facts = append(facts, fact{"cost", fmt.Sprintf("about %.2f %s in all", dollars, price.Currency)})
	}
	for _, a := range o.assumptions() {
		facts = append(facts, fact{"assumed", a})
	}
	for _, n := range o.notes {
		facts = append(facts, fact{"note", n})
	}
	return facts
}

// assumptions are what its costs rest on.
func (o outlay) assumptions() []string {
	if len(o.costs) == 0 {
		return nil
	}
	return experiment.CostAssumptions(o.costs[0].Made)
}

// within is a context that ends when the run has reached a limit.
func within(ctx context.Context, l experiment.Limits, began time.Time, spent, perHour float64) (context.Context, context.CancelFunc) {
	at, limit, ends := l.Ends(began, time.Now(), spent, perHour)
	if !ends {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, at, limit)
}

// perHour is what some costs come to in an hour, as long as all last.
func perHour(costs []experiment.Cost) float64 {
	sum := 0.0
	for _, c := range costs {
		if c.Price != nil {
			sum += float64(c.Instances) * c.Price.PerHour
		}
	}
	return sum
}

// lookPatience bounds what is looked up only to be told.
const lookPatience = 5 * time.Second

// planned is the outlay of find by a plan that asks nobody: of an endpoint as it is only a price
// that was given tells, and of a copy only a type that was.
func (j *job) planned(where place) outlay {
	s := j.settings
	types, region := where.types(), ""
	if j.aws != nil {
		region = j.aws.Region()
	}
	switch {
	case j.plan.Search == nil:
		return outlay{}
	case where.made() && len(types) > 0:
		return s.outlayOf(j.plan, types, 1, true, region)
	case len(s.Price) > 0:
		return s.outlayOf(j.plan, []string{""}, 1, where.made(), region)
	}
	o := s.outlayOf(j.plan, nil, 0, where.made(), region)
	if j.aws != nil {
		o.notes = append(o.notes, "what instances serve the endpoint is not looked up here: find does, or give --price")
	}
	return o
}

// asItIs is the outlay on an endpoint that nothing is done to. What serves it is looked up
// where AWS tells within a few seconds; a run does not need to know.
func (j *job) asItIs(ctx context.Context) outlay {
	s := j.settings
	if j.aws == nil {
		if len(s.Price) == 0 {
			return s.outlayOf(j.plan, nil, 0, false, "")
		}
		return s.outlayOf(j.plan, []string{""}, 1, false, "")
	}
	kind, instances, err := servedBy(ctx, s)
	if err != nil {
		var types []string
		if len(s.Price) > 0 {
			types = []string{""} // one, as it should be
		}
		o := s.outlayOf(j.plan, types, 1, false, "")
		o.notes = append(o.notes, "what instances serve the endpoint is not known: "+err.Error())
		return o
	}
	return s.outlayOf(j.plan, []string{kind}, instances, false, j.aws.Region())
}

// servedBy is the type and the number of the instances behind an endpoint.
func servedBy(ctx context.Context, s Settings) (kind string, instances int, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	aws, err := sagemaker.Connect(ctx, sagemaker.ControlOptions{Region: s.Region, Profile: s.Profile, Account: s.account, Attempts: 1})
	if err != nil {
		return "", 0, err
	}
	defer aws.Close()
	e, err := aws.Describe(ctx, s.Endpoint[0])
	if err != nil {
		return "", 0, err
	}
	v, err := e.Variant(s.Variant)
	if err == nil && v.InstanceType == "" {
		err = errors.New("its variant has no one instance type")
	}
	return v.InstanceType, v.Current, err
}

// agree refuses an outlay that is over a limit, and shows it otherwise.
func (j *job) agree(o outlay) error {
	if err := j.settings.limits().Refuse(o.whole, o.costs); err != nil {
		return err
	}
	if !j.settings.Quiet {
		say(j.env.Stderr, o.lines(j.plan)...)
	}
	return nil
}
