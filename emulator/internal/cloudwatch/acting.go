package cloudwatch

import (
	"slices"

	"plimsoll/scaling"
)

// Acting is an alarm that has a certain action.
type Acting struct {
	AlarmName string
	State     scaling.AlarmState
}

// Acting is the alarms that call an action when they go into ALARM, by name.
func (s *Service) Acting(action string) []Acting {
	s.mu.Lock()
	defer s.mu.Unlock()
	var acting []Acting
	for _, record := range s.sorted() {
		if slices.Contains(record.Alarm.AlarmActions, action) {
			acting = append(acting, Acting{AlarmName: record.Alarm.AlarmName, State: record.State})
		}
	}
	return acting
}
