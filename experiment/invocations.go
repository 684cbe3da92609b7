package experiment

import "strings"

// Invocations is what is invoked of a SageMaker endpoint, by signed requests.
type Invocations struct {
	Endpoint           string `json:"endpoint"`
	Variant            string `json:"variant,omitempty"`
	InferenceComponent string `json:"inference_component,omitempty"`
	TargetModel        string `json:"target_model,omitempty"`
	SessionID          string `json:"session_id,omitempty"`
	CustomAttributes   string `json:"custom_attributes,omitempty"`
	InferenceID        string `json:"inference_id,omitempty"`
	Stream             bool   `json:"stream,omitempty"`
	Tokens             string `json:"tokens,omitempty"` // how those of streamed answers are counted
	Region             string `json:"region"`
	Profile            string `json:"profile,omitempty"`        // that was named; the credentials are of whatever the AWS SDK finds
	Unreconciled       bool   `json:"not_reconciled,omitempty"` // the run is not to be compared with CloudWatch
}

// String names it all, for people.
func (i *Invocations) String() string {
	words := []string{"endpoint " + i.Endpoint}
	for _, part := range []struct{ name, value string }{
		{"variant", i.Variant},
		{"inference component", i.InferenceComponent},
		{"model", i.TargetModel},
		{"session", i.SessionID},
		{"custom attributes", i.CustomAttributes},
		{"inference id", i.InferenceID},
		{"region", i.Region},
		{"profile", i.Profile},
	} {
		if part.value != "" {
			words = append(words, part.name+" "+part.value)
		}
	}
	if i.Stream {
		words = append(words, "streamed answers")
	}
	if i.Tokens != "" {
		words = append(words, "tokens by "+i.Tokens)
	}
	return strings.Join(words, ", ")
}
