package cloudwatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"plimsoll/scaling"
)

// Snapshot is what outlives the process: alarms with their state and history, not
// metrics. It can be written as JSON.
type Snapshot struct {
	Alarms  []AlarmRecord `json:"alarms,omitempty"` // by name
	History []HistoryItem `json:"history,omitempty"`
}

// Snapshot is the present alarms and history.
func (s *Service) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Snapshot{History: slices.Clone(s.history.items)}
	for _, record := range s.sorted() {
		out.Alarms = append(out.Alarms, *record)
	}
	return out
}

// Restore takes the place of everything, also of metrics, which are then none. It
// changes nothing when an alarm is one that CloudWatch would refuse.
func (s *Service) Restore(from Snapshot) error {
	alarms := map[string]*AlarmRecord{}
	var problems []error
	for _, record := range from.Alarms {
		if err := record.check(); err != nil {
			problems = append(problems, fmt.Errorf("alarm %q: %w", record.Alarm.AlarmName, err))
			continue
		}
		record.Alarm.complete()
		alarms[record.Alarm.AlarmName] = &record
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.reset()
	s.alarms = alarms
	s.history = history{items: slices.Clone(from.History[max(0, len(from.History)-maxHistory):])}
	return nil
}

func (r *AlarmRecord) check() error {
	switch r.State {
	case scaling.StateOK, scaling.StateAlarm, scaling.StateInsufficient:
	default:
		return fmt.Errorf("state %q: want %s, %s or %s", r.State, scaling.StateOK, scaling.StateAlarm, scaling.StateInsufficient)
	}
	if r.ReasonData != "" && !json.Valid([]byte(r.ReasonData)) {
		return errors.New("reason_data: not valid JSON")
	}
	return r.Alarm.check()
}
