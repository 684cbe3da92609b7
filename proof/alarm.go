package proof

import (
	"encoding/json"
	"time"

	"plimsoll/scaling"
)

// alarmForm is an alarm as it is published.
type alarmForm struct {
	Name              string              `json:"name"`
	Comparison        scaling.Comparison  `json:"comparison"`
	Threshold         float64             `json:"threshold"`
	Period            Span                `json:"period_seconds"`
	EvaluationPeriods int                 `json:"evaluation_periods"`
	DatapointsToAlarm int                 `json:"datapoints_to_alarm,omitzero"`
	Missing           scaling.MissingData `json:"treat_missing_data,omitzero"`
}

// MarshalJSON writes the alarm with units in its names.
func (a Alarm) MarshalJSON() ([]byte, error) {
	return json.Marshal(alarmForm{
		Name: a.Name, Comparison: a.Comparison, Threshold: a.Threshold, Period: Span(a.Period),
		EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, Missing: a.Missing,
	})
}

// UnmarshalJSON reads it.
func (a *Alarm) UnmarshalJSON(text []byte) error {
	var f alarmForm
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*a = Alarm{Name: f.Name, AlarmRule: scaling.AlarmRule{
		Comparison: f.Comparison, Threshold: f.Threshold, Period: time.Duration(f.Period),
		EvaluationPeriods: f.EvaluationPeriods, DatapointsToAlarm: f.DatapointsToAlarm, Missing: f.Missing,
	}}
	return nil
}
