package autoscaling

import (
	"context"
	"slices"
	"strings"
	"sync"

	"plimsoll/emulator/internal/wire"
)

// mailbox holds what other parts tell, until the service gets to it, and what they ask.
// Its lock is the innermost: nothing is called while it is held.
type mailbox struct {
	mu         sync.Mutex
	alarms     []Firing // the newest of each alarm and action
	deleted    []string
	registered map[string]int // targets of each resource
}

func (m *mailbox) alarm(news Firing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alarms = slices.DeleteFunc(m.alarms, func(old Firing) bool {
		same := old.Alarm == news.Alarm && old.Action == news.Action
		news.Repeated = news.Repeated && !(same && !old.Repeated)
		return same
	})
	m.alarms = append(m.alarms, news)
}

func (m *mailbox) gone(resource string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for registered := range m.registered {
		if within(registered, resource) {
			delete(m.registered, registered)
			m.deleted = append(m.deleted, registered)
		}
	}
}

func (m *mailbox) knows(resource string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for registered := range m.registered {
		if within(registered, resource) {
			return true
		}
	}
	return false
}

// count notes a target more or less of a resource.
func (m *mailbox) count(resource string, change int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.registered == nil {
		m.registered = map[string]int{}
	}
	if m.registered[resource] += change; m.registered[resource] <= 0 {
		delete(m.registered, resource)
	}
}

func (m *mailbox) takeAlarms() []Firing {
	m.mu.Lock()
	defer m.mu.Unlock()
	alarms := m.alarms
	m.alarms = nil
	return alarms
}

func (m *mailbox) takeDeleted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	deleted := m.deleted
	m.deleted = nil
	return deleted
}

// reset forgets everything.
func (m *mailbox) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alarms, m.deleted, m.registered = nil, nil, nil
}

// within is whether a resource is another or part of it: a variant of an endpoint.
func within(resource, whole string) bool {
	return resource == whole || strings.HasPrefix(resource, whole+"/")
}

// handle makes an operation that runs alone, after what was told before it.
func handle[In, Out any](a *Autoscaler, name string, run func(*In) (*Out, error)) wire.Operation {
	return wire.Handle(name, func(_ context.Context, in *In) (*Out, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.bury()
		return run(in)
	})
}
