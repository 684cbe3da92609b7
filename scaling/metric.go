package scaling

import "time"

// Metric is what a policy tracks: a CloudWatch metric and how it is read.
type Metric struct {
	Type           string // PredefinedMetricType; "" for a customized metric
	Namespace      string
	Name           string
	Statistic      string
	Period         time.Duration // of the alarms' datapoints
	Dimension      string        // the ScalableDimension that it can scale; "" for any
	HighResolution bool          // published more often than each minute
	Evidence       Evidence      // for the statistic and the period
}

// The scalable dimensions of the namespace sagemaker.
const (
	DesiredInstanceCount          = "sagemaker:variant:DesiredInstanceCount"
	DesiredCopyCount              = "sagemaker:inference-component:DesiredCopyCount"
	DesiredProvisionedConcurrency = "sagemaker:variant:DesiredProvisionedConcurrency"
)

// InvocationsPerInstance is the metric type that AWS's load-testing guide is about.
const InvocationsPerInstance = "SageMakerVariantInvocationsPerInstance"

// InvocationsPerCopy is its like for the copies of an inference component.
const InvocationsPerCopy = "SageMakerInferenceComponentInvocationsPerCopy"

// PredefinedMetrics are the metric types of the namespace sagemaker, all of them.
//
// Sources: Application Auto Scaling API model (the types); Amazon SageMaker
// Developer Guide, "Metrics for monitoring SageMaker AI with CloudWatch" (names,
// periods, Sum for invocations per instance). The maximum for concurrent requests
// was observed on alarms of the variant metric.
func PredefinedMetrics() []Metric {
	const namespace = "AWS/SageMaker"
	const highResolution = 10 * time.Second
	return []Metric{
		{
			Type: InvocationsPerInstance, Namespace: namespace, Name: "InvocationsPerInstance",
			Statistic: "Sum", Period: time.Minute, Dimension: DesiredInstanceCount, Evidence: Documented,
		},
		{
			Type: "SageMakerVariantConcurrentRequestsPerModelHighResolution", Namespace: namespace, Name: "ConcurrentRequestsPerModel",
			Statistic: "Maximum", Period: highResolution, Dimension: DesiredInstanceCount, HighResolution: true, Evidence: Observed,
		},
		{
			Type: InvocationsPerCopy, Namespace: namespace, Name: "InvocationsPerCopy",
			Statistic: "Sum", Period: time.Minute, Dimension: DesiredCopyCount, Evidence: Assumed,
		},
		{
			Type: "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution", Namespace: namespace, Name: "ConcurrentRequestsPerCopy",
			Statistic: "Maximum", Period: highResolution, Dimension: DesiredCopyCount, HighResolution: true, Evidence: Assumed,
		},
		{
			Type: "SageMakerVariantProvisionedConcurrencyUtilization", Namespace: namespace, Name: "ServerlessProvisionedConcurrencyUtilization",
			Statistic: "Maximum", Period: time.Minute, Dimension: DesiredProvisionedConcurrency, Evidence: Assumed,
		},
	}
}

// PredefinedMetric finds a metric by its PredefinedMetricType.
func PredefinedMetric(name string) (Metric, bool) {
	for _, m := range PredefinedMetrics() {
		if m.Type == name {
			return m, true
		}
	}
	return Metric{}, false
}
