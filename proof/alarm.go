package proof

import (
	"encoding/json"
	"math"
	"time"

	"plimsoll/scaling"
)

// alarmForm is an alarm as it is written: names in the way of the other documents, and
// the period in seconds.
type alarmForm struct {
	Name        string              `json:"name"`
	Comparison  scaling.Comparison  `json:"comparison"`
	Threshold   float64             `json:"threshold"`
	Period      float64             `json:"period_seconds"`
	Evaluations int                 `json:"evaluation_periods"`
	Datapoints  int                 `json:"datapoints_to_alarm"`
	Missing     scaling.MissingData `json:"treat_missing_data,omitzero"`
}

// MarshalJSON writes the alarm with its rule.
func (a Alarm) MarshalJSON() ([]byte, error) {
	return json.Marshal(alarmForm{
		a.Name, a.Comparison, a.Threshold, a.Period.Seconds(), a.EvaluationPeriods, a.DatapointsToAlarm, a.Missing,
	})
}

// UnmarshalJSON reads the same.
func (a *Alarm) UnmarshalJSON(text []byte) error {
	var f alarmForm
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*a = Alarm{f.Name, scaling.AlarmRule{
		Comparison: f.Comparison, Threshold: f.Threshold, Period: time.Duration(math.Round(f.Period * 1e9)),
		EvaluationPeriods: f.Evaluations, DatapointsToAlarm: f.Datapoints, Missing: f.Missing,
	}}
	return nil
}
