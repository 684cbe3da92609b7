package cloudwatch

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll/scaling"
)

// maxHistory is how many items are kept, whatever their age; CloudWatch keeps them for
// 30 days.
const maxHistory = 20_000

// HistoryItem is something that happened to an alarm.
type HistoryItem struct {
	AlarmName string    `json:"alarm"`
	At        time.Time `json:"at"`
	Type      string    `json:"type"` // ConfigurationUpdate, StateUpdate or Action
	Summary   string    `json:"summary"`
	Data      string    `json:"data"` // JSON, as CloudWatch writes it
}

// history is the items in the order in which they happened, also those of alarms that
// are deleted.
type history struct {
	items   []HistoryItem
	dropped int64 // items before the first; so that a page has its place
}

func (h *history) add(item HistoryItem, data any) {
	item.Data = encode(data)
	if len(h.items) >= maxHistory {
		h.items = slices.Delete(h.items, 0, maxHistory/10)
		h.dropped += maxHistory / 10
	}
	h.items = append(h.items, item)
}

// encode writes JSON. What is written here has no value that JSON lacks.
func encode(data any) string {
	text, err := json.Marshal(data)
	if err != nil {
		return "{}"
	}
	return string(text)
}

// configured records that an alarm was created, updated or deleted.
func (h *history) configured(now time.Time, kind, done string, about map[string]any) {
	name, _ := about["alarmName"].(string)
	h.add(HistoryItem{AlarmName: name, At: now, Type: "ConfigurationUpdate", Summary: "Alarm " + strconv.Quote(name) + " " + done},
		map[string]any{"version": "1.0", "type": kind, done + "Alarm": about})
}

type stateUpdate struct {
	Version  string    `json:"version"`
	OldState stateData `json:"oldState"`
	NewState stateData `json:"newState"`
}

type stateData struct {
	Value      scaling.AlarmState `json:"stateValue"`
	Reason     string             `json:"stateReason"`
	ReasonData json.RawMessage    `json:"stateReasonData,omitempty"`
}

// changed records a state change.
func (h *history) changed(now time.Time, before, after *AlarmRecord) {
	h.add(HistoryItem{
		AlarmName: after.Alarm.AlarmName, At: now, Type: "StateUpdate",
		Summary: "Alarm updated from " + string(before.State) + " to " + string(after.State),
	}, stateUpdate{Version: "1.0", OldState: before.stateData(), NewState: after.stateData()})
}

func (r *AlarmRecord) stateData() stateData {
	return stateData{Value: r.State, Reason: r.Reason, ReasonData: json.RawMessage(r.ReasonData)}
}

type actionData struct {
	State     string  `json:"actionState"`
	Changed   int64   `json:"stateUpdateTimestamp"` // milliseconds since 1970
	Resource  string  `json:"notificationResource"`
	Published *string `json:"publishedMessage"`
	Error     *string `json:"error"`
}

// acted records that an action was called on a state change. Only scaling policies
// are there to be called.
func (h *history) acted(now time.Time, record *AlarmRecord, arn string) {
	data := actionData{State: "Succeeded", Changed: record.Transitioned.UnixMilli(), Resource: arn}
	summary := "Successfully executed action " + arn
	if !scales(arn) {
		reason := "The emulator has no such resource: it calls scaling policies only."
		data.State, data.Error = "Failed", &reason
		summary = "Failed to execute action " + arn
	}
	h.add(HistoryItem{AlarmName: record.Alarm.AlarmName, At: now, Type: "Action", Summary: shorten(summary)}, data)
}

// shorten keeps a summary within CloudWatch's 255 characters.
func shorten(text string) string {
	if len(text) <= 255 {
		return text
	}
	return strings.ToValidUTF8(text[:252], "") + "..."
}

// cloudwatchTime is how CloudWatch writes times inside its JSON texts.
const cloudwatchTime = "2006-01-02T15:04:05.000-0700"

func stamp(t time.Time) string { return t.UTC().Format(cloudwatchTime) }

// double is a number that is written with a fraction, as CloudWatch does.
type double float64

// MarshalJSON writes it.
func (d double) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(float64(d))
	if err == nil && !strings.ContainsAny(string(text), ".e") {
		text = append(text, ".0"...)
	}
	return text, err
}

type stateReasonData struct {
	Version    string           `json:"version"`
	QueryDate  string           `json:"queryDate"`
	StartDate  string           `json:"startDate,omitempty"`
	Unit       string           `json:"unit,omitempty"`
	Statistic  string           `json:"statistic,omitempty"`
	Period     int64            `json:"period"`
	Recent     []double         `json:"recentDatapoints"`
	Threshold  double           `json:"threshold"`
	Datapoints []evaluatedPoint `json:"evaluatedDatapoints"`
}

type evaluatedPoint struct {
	Timestamp   string  `json:"timestamp"`
	SampleCount *double `json:"sampleCount,omitempty"`
	Value       *double `json:"value,omitempty"`
}

// reasonData is why an alarm is in its state, as JSON. The values are listed oldest
// first, the datapoints newest first.
func reasonData(a *Alarm, evaluated []observation, now time.Time) string {
	data := stateReasonData{
		Version: "1.0", QueryDate: stamp(now), Unit: a.Unit, Statistic: a.statistic(), Period: a.period(),
		Recent: []double{}, Threshold: double(*a.Threshold), Datapoints: []evaluatedPoint{},
	}
	for _, o := range evaluated {
		d := evaluatedPoint{Timestamp: stamp(o.At)}
		if !o.Missing {
			if data.StartDate == "" {
				data.StartDate = stamp(o.At)
			}
			v := double(o.Value)
			data.Recent, d.Value = append(data.Recent, v), &v
			if o.count > 0 {
				n := double(o.count)
				d.SampleCount = &n
			}
		}
		data.Datapoints = append(data.Datapoints, d)
	}
	slices.Reverse(data.Datapoints)
	return encode(data)
}
