package autoscaling

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// trackingConfig is a TargetTrackingScalingPolicyConfiguration. It is replaced, never
// changed.
type trackingConfig struct {
	TargetValue                   *float64          `json:"TargetValue,omitempty"`
	PredefinedMetricSpecification *predefinedMetric `json:"PredefinedMetricSpecification,omitempty"`
	CustomizedMetricSpecification *customizedMetric `json:"CustomizedMetricSpecification,omitempty"`
	ScaleOutCooldown              *int              `json:"ScaleOutCooldown,omitempty"`
	ScaleInCooldown               *int              `json:"ScaleInCooldown,omitempty"`
	DisableScaleIn                *bool             `json:"DisableScaleIn,omitempty"`
}

type predefinedMetric struct {
	PredefinedMetricType string `json:"PredefinedMetricType,omitempty"`
	ResourceLabel        string `json:"ResourceLabel,omitempty"`
}

// customizedMetric is one metric, or Metrics.
type customizedMetric struct {
	MetricName string        `json:"MetricName,omitempty"`
	Namespace  string        `json:"Namespace,omitempty"`
	Dimensions []Dimension   `json:"Dimensions,omitempty"`
	Statistic  string        `json:"Statistic,omitempty"`
	Unit       string        `json:"Unit,omitempty"`
	Metrics    []MetricQuery `json:"Metrics,omitempty"`
}

// Dimension is one name and value by which metrics are told apart.
type Dimension struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// MetricQuery is a metric or an expression over metrics; one of them is what is tracked,
// the one with ReturnData.
type MetricQuery struct {
	ID         string      `json:"Id"`
	Expression string      `json:"Expression,omitempty"`
	Label      string      `json:"Label,omitempty"`
	MetricStat *MetricStat `json:"MetricStat,omitempty"`
	ReturnData *bool       `json:"ReturnData,omitempty"` // nil is true
}

// MetricStat is a statistic of a metric.
type MetricStat struct {
	Metric MetricName `json:"Metric"`
	Stat   string     `json:"Stat"`
	Unit   string     `json:"Unit,omitempty"`
}

// MetricName is which metric.
type MetricName struct {
	Namespace  string      `json:"Namespace,omitempty"`
	MetricName string      `json:"MetricName,omitempty"`
	Dimensions []Dimension `json:"Dimensions,omitempty"`
}

func (q MetricQuery) returned() bool { return q.ReturnData == nil || *q.ReturnData }

// stepConfig is a StepScalingPolicyConfiguration. It is replaced, never changed.
type stepConfig struct {
	AdjustmentType         string           `json:"AdjustmentType,omitempty"`
	StepAdjustments        []stepAdjustment `json:"StepAdjustments,omitempty"`
	MinAdjustmentMagnitude *int             `json:"MinAdjustmentMagnitude,omitempty"`
	Cooldown               *int             `json:"Cooldown,omitempty"`
	MetricAggregationType  string           `json:"MetricAggregationType,omitempty"`
}

type stepAdjustment struct {
	MetricIntervalLowerBound *float64 `json:"MetricIntervalLowerBound,omitempty"`
	MetricIntervalUpperBound *float64 `json:"MetricIntervalUpperBound,omitempty"`
	ScalingAdjustment        *int     `json:"ScalingAdjustment,omitempty"`
}

const (
	trackingMember = "targetTrackingScalingPolicyConfiguration."
	stepMember     = "stepScalingPolicyConfiguration."
)

// require finds what is missing or malformed.
func (t *trackingConfig) require(c *wire.Checks) {
	c.Required(trackingMember+"targetValue", t.TargetValue != nil)
	if p := t.PredefinedMetricSpecification; p != nil {
		c.Required(trackingMember+"predefinedMetricSpecification.predefinedMetricType", p.PredefinedMetricType != "")
	}
	custom := t.CustomizedMetricSpecification
	if custom == nil {
		return
	}
	at := trackingMember + "customizedMetricSpecification."
	c.Enum(at+"statistic", custom.Statistic, "Average", "Minimum", "Maximum", "SampleCount", "Sum")
	requireDimensions(c, at, custom.Dimensions)
	for i, q := range custom.Metrics {
		at := fmt.Sprintf("%smetrics.%d.member.", at, i+1)
		c.Required(at+"id", q.ID != "")
		c.Length(at+"expression", q.Expression, 1, 2048)
		if q.MetricStat != nil {
			c.Required(at+"metricStat.stat", q.MetricStat.Stat != "")
			requireDimensions(c, at+"metricStat.metric.", q.MetricStat.Metric.Dimensions)
		}
	}
}

func requireDimensions(c *wire.Checks, at string, dimensions []Dimension) {
	for i, d := range dimensions {
		c.Required(fmt.Sprintf("%sdimensions.%d.member.name", at, i+1), d.Name != "")
		c.Required(fmt.Sprintf("%sdimensions.%d.member.value", at, i+1), d.Value != "")
	}
}

func (s *stepConfig) require(c *wire.Checks) {
	c.Enum(stepMember+"adjustmentType", s.AdjustmentType, string(scaling.ChangeInCapacity), string(scaling.PercentChangeInCapacity), string(scaling.ExactCapacity))
	c.Enum(stepMember+"metricAggregationType", s.MetricAggregationType, "Average", "Minimum", "Maximum")
	for i, step := range s.StepAdjustments {
		c.Required(fmt.Sprintf("%sstepAdjustments.%d.member.scalingAdjustment", stepMember, i+1), step.ScalingAdjustment != nil)
	}
}

// after is a configuration that takes the place of an older one, from which it has the
// metric if it names none, with AWS's defaults filled in.
func (t trackingConfig) after(old *trackingConfig) *trackingConfig {
	if old != nil && t.PredefinedMetricSpecification == nil && t.CustomizedMetricSpecification == nil {
		t.PredefinedMetricSpecification, t.CustomizedMetricSpecification = old.PredefinedMetricSpecification, old.CustomizedMetricSpecification
	}
	cooldown, disabled := int(scaling.DefaultCooldown/time.Second), false
	t.ScaleOutCooldown = or(t.ScaleOutCooldown, &cooldown)
	t.ScaleInCooldown = or(t.ScaleInCooldown, &cooldown)
	t.DisableScaleIn = or(t.DisableScaleIn, &disabled)
	return &t
}

// after is a configuration that takes the place of an older one, from which it has what
// it must have and does not say.
func (s stepConfig) after(old *stepConfig) *stepConfig {
	if old != nil {
		s.AdjustmentType = or(s.AdjustmentType, old.AdjustmentType)
		if s.StepAdjustments == nil {
			s.StepAdjustments = old.StepAdjustments
		}
	}
	return &s
}

// rule is the policy as scaling knows it.
func (t *trackingConfig) rule() scaling.TargetTracking {
	return scaling.TargetTracking{
		Target:           *t.TargetValue,
		ScaleOutCooldown: seconds(*t.ScaleOutCooldown),
		ScaleInCooldown:  seconds(*t.ScaleInCooldown),
		DisableScaleIn:   *t.DisableScaleIn,
	}
}

// rule is the policy as scaling knows it.
func (s *stepConfig) rule() scaling.StepScaling {
	rule := scaling.StepScaling{
		Adjustment:  scaling.AdjustmentType(s.AdjustmentType),
		Cooldown:    scaling.DefaultCooldown,
		Aggregation: scaling.Aggregation(s.MetricAggregationType),
	}
	set(&rule.MinMagnitude, s.MinAdjustmentMagnitude)
	if s.Cooldown != nil {
		rule.Cooldown = seconds(*s.Cooldown)
	}
	for _, step := range s.StepAdjustments {
		rule.Steps = append(rule.Steps, scaling.Step{
			Lower: step.MetricIntervalLowerBound, Upper: step.MetricIntervalUpperBound, Adjustment: *step.ScalingAdjustment,
		})
	}
	return rule
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// checkCooldown refuses what is no number of seconds; the API counts them in 32 bits.
func checkCooldown(n *int) error {
	if n != nil && (*n < 0 || *n > math.MaxInt32) {
		return invalid("Cooldown %d: must be from 0 to %d seconds", *n, math.MaxInt32)
	}
	return nil
}

// oneLine says what a check found, all of it.
func oneLine(err error) error { return invalid("%s", strings.ReplaceAll(err.Error(), "\n", "; ")) }

// check refuses what cannot be tracked on a dimension.
func (t *trackingConfig) check(dimension string) error {
	if (t.PredefinedMetricSpecification == nil) == (t.CustomizedMetricSpecification == nil) {
		return invalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified")
	}
	for _, cooldown := range []*int{t.ScaleOutCooldown, t.ScaleInCooldown} {
		if err := checkCooldown(cooldown); err != nil {
			return err
		}
	}
	if err := t.rule().Validate(); err != nil {
		return oneLine(err)
	}
	if custom := t.CustomizedMetricSpecification; custom != nil {
		return custom.check()
	}
	return t.PredefinedMetricSpecification.check(dimension)
}

func (p *predefinedMetric) check(dimension string) error {
	if p.ResourceLabel != "" {
		return invalid("Resource label should not be specified for predefined metric type %s", p.PredefinedMetricType)
	}
	m, known := scaling.PredefinedMetric(p.PredefinedMetricType)
	if !known || m.Dimension != dimension {
		var usable []string
		for _, m := range scaling.PredefinedMetrics() {
			if m.Dimension == dimension {
				usable = append(usable, m.Type)
			}
		}
		return invalid("Predefined metric type %s is not supported for scalable dimension %s. Use %s, or a customized metric",
			p.PredefinedMetricType, dimension, strings.Join(usable, " or "))
	}
	return nil
}

func (m *customizedMetric) check() error {
	single := m.MetricName != "" || m.Namespace != "" || m.Statistic != "" || m.Unit != "" || len(m.Dimensions) > 0
	switch {
	case len(m.Metrics) == 0 && (m.MetricName == "" || m.Namespace == "" || m.Statistic == ""):
		return invalid("A customized metric needs MetricName, Namespace and Statistic, or Metrics")
	case len(m.Metrics) > 0 && single:
		return invalid("Metrics cannot be combined with MetricName, Namespace, Dimensions, Statistic or Unit")
	case len(m.Metrics) > 0:
		return checkQueries(m.Metrics)
	}
	return nil
}

// checkQueries refuses metric math that no alarm can have. What an expression says is
// CloudWatch's to judge.
func checkQueries(queries []MetricQuery) error {
	var ids []string
	returned := 0
	for _, q := range queries {
		switch {
		case !queryID.MatchString(q.ID) || len(q.ID) > 255:
			return invalid("Metrics: Id '%s' must begin with a lowercase letter and have letters, digits and underscores only", q.ID)
		case slices.Contains(ids, q.ID):
			return invalid("Metrics: Id '%s' must be unique", q.ID)
		case (q.Expression == "") == (q.MetricStat == nil):
			return invalid("Metrics: '%s' must have either Expression or MetricStat", q.ID)
		case q.MetricStat != nil && (q.MetricStat.Metric.Namespace == "" || q.MetricStat.Metric.MetricName == ""):
			return invalid("Metrics: the metric of '%s' must have Namespace and MetricName", q.ID)
		}
		ids = append(ids, q.ID)
		if q.returned() {
			returned++
		}
	}
	if returned != 1 {
		return invalid("Metrics: ReturnData must be true for exactly one of the queries, not %d", returned)
	}
	return nil
}

// check refuses steps that leave gaps, overlap or are too many.
func (s *stepConfig) check() error {
	switch {
	case s.AdjustmentType == "":
		return invalid("AdjustmentType must be specified")
	case len(s.StepAdjustments) == 0:
		return invalid("At least one step adjustment must be specified")
	case len(s.StepAdjustments) > maxSteps:
		return limitExceeded("Maximum number of step adjustments exceeded: %d of %d", len(s.StepAdjustments), maxSteps)
	case s.MinAdjustmentMagnitude != nil && *s.MinAdjustmentMagnitude < 1:
		return invalid("MinAdjustmentMagnitude %d: must be at least 1", *s.MinAdjustmentMagnitude)
	}
	if err := checkCooldown(s.Cooldown); err != nil {
		return err
	}
	if slices.ContainsFunc(s.StepAdjustments, func(step stepAdjustment) bool { return step.ScalingAdjustment == nil }) {
		return invalid("ScalingAdjustment must be specified for every step adjustment")
	}
	if err := s.rule().Validate(); err != nil {
		return oneLine(err)
	}
	return nil
}
