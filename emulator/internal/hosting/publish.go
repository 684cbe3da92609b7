package hosting

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"plimsoll/emulator/internal/metric"
	"plimsoll/scaling"
)

// reading is what there is to publish of one variant or component.
type reading struct {
	meter  *meter
	units  []*unit // in service
	minute int64   // publish the minutes before it; 0 for none
	window int64   // publish the ten seconds before it; 0 for none
}

// due are the readings to publish when model time has come to an instant.
func (h *Hosting) due(now time.Time) []reading {
	minute, window := periods(now)
	var at reading
	if minute > h.minute {
		h.minute, at.minute = minute, minute
	}
	if window > h.window {
		h.window, at.window = window, window
	}
	if at.minute == 0 && at.window == 0 {
		return nil
	}
	var all []reading
	add := func(m *meter, units []*unit) {
		r := at
		r.meter, r.units = m, units
		all = append(all, r)
	}
	routes := *h.table.Load()
	for _, name := range sorted(routes) {
		r := routes[name]
		if !r.hosts { // else the components publish
			for _, g := range r.variants {
				add(g.meter, g.units)
			}
		}
		for _, component := range sorted(r.components) {
			g := r.components[component]
			add(g.meter, g.units)
		}
	}
	if at.minute != 0 { // the last minute of what has gone
		for _, m := range h.past {
			add(m, nil)
		}
		h.past = nil
	}
	return all
}

// publish hands the data of a reading on.
func (r reading) publish(o Options) {
	p := publisher{Options: o, meter: r.meter, zeros: len(r.units) > 0 && o.Assumptions.ZeroTraffic == scaling.TrafficZeros}
	if r.window != 0 {
		p.concurrency(r.window-1, r.units)
	}
	if r.minute == 0 {
		return
	}
	tallies := r.meter.take(r.minute)
	if p.zeros && tallies[r.minute-1] == nil {
		tallies[r.minute-1] = &tally{}
	}
	for _, minute := range slices.Sorted(maps.Keys(tallies)) {
		p.minute(minute, tallies[minute])
	}
	p.utilization(r.minute-1, r.units)
}

// publisher writes the data of one meter.
type publisher struct {
	Options

	meter *meter
	zeros bool // publish also what is 0
}

func (p *publisher) put(namespace, name, unit string, at time.Time, resolution time.Duration, samples metric.Samples) {
	p.Publish(metric.Datum{
		Namespace: namespace, Name: name, Dimensions: p.meter.dimensions, Unit: unit, At: at, Resolution: resolution, Samples: samples,
	})
}

// minute publishes the metrics of invocations. A request counts 1 in Invocations, and
// one divided by the units in service when it arrived in what is per instance or copy.
func (p *publisher) minute(minute int64, t *tally) {
	at := time.Unix(minute*60, 0).UTC()
	put := func(name, unit string, samples metric.Samples) {
		if len(samples) > 0 {
			p.put(metric.SageMaker, name, unit, at, time.Minute, samples)
		}
	}
	perUnit := "InvocationsPerInstance"
	if p.meter.component {
		perUnit = "InvocationsPerCopy"
	}
	var shares metric.Samples
	total := 0.0
	for _, units := range slices.Backward(slices.Sorted(maps.Keys(t.arrivals))) { // the largest share has the fewest units
		if n := t.arrivals[units]; n > 0 {
			shares = append(shares, metric.Sample{Value: 1 / float64(units), Count: n})
			total += n
		}
	}
	switch {
	case total > 0:
		put("Invocations", "None", metric.Samples{{Value: 1, Count: total}})
		put(perUnit, "None", shares)
	case p.zeros:
		put("Invocations", "None", metric.Single(0))
		put(perUnit, "None", metric.Single(0))
	}
	if t.noCapacity > 0 {
		put("NoCapacityInvocationFailures", "None", metric.Samples{{Value: 1, Count: t.noCapacity}})
	}
	put("ModelLatency", "Microseconds", latencies(t.model))
	put("OverheadLatency", "Microseconds", latencies(t.overhead))
	client, server, broken := t.errors[0], t.errors[1], t.errors[2]
	put("Invocation4XXErrors", "None", among(client, t.answered))
	put("Invocation5XXErrors", "None", among(server, t.answered))
	put("InvocationModelErrors", "None", among(client+server+broken, t.answered))
}

func latencies(counts map[int64]float64) metric.Samples {
	samples := make(metric.Samples, 0, len(counts))
	for us, n := range counts {
		samples = append(samples, metric.Sample{Value: float64(us), Count: n})
	}
	slices.SortFunc(samples, func(a, b metric.Sample) int { return cmp.Compare(a.Value, b.Value) })
	return samples
}

// among is a 1 for each error and a 0 for each other answer.
func among(errors, answers float64) metric.Samples {
	var samples metric.Samples
	if answers > errors {
		samples = append(samples, metric.Sample{Value: 0, Count: answers - errors})
	}
	if errors > 0 {
		samples = append(samples, metric.Sample{Value: 1, Count: errors})
	}
	return samples
}

// concurrency publishes, for each unit, the most requests that were in flight at it in
// ten seconds, those that wait in its queue included: the container's own count. So the
// maximum over the samples is that of the busiest unit. Requests that were recorded and
// not sent count with their mean, rate × latency (Little's law), spread evenly.
func (p *publisher) concurrency(window int64, units []*unit) {
	if len(units) == 0 {
		return
	}
	const period = 10 * time.Second
	recorded := p.meter.takeFlow() / period.Seconds() / float64(len(units))
	var samples metric.Samples
	for _, u := range units {
		samples = samples.Merge(metric.Single(float64(u.takePeak()) + recorded))
	}
	if samples.Max() == 0 && !p.zeros {
		return
	}
	name := "ConcurrentRequestsPerModel"
	if p.meter.component {
		name = "ConcurrentRequestsPerCopy"
	}
	p.put(metric.SageMaker, name, "Count", time.Unix(window*10, 0).UTC(), period, samples)
}

// utilization publishes CPUUtilization of instances that know their workers: the share
// of a minute that these were busy, times 100 for each core.
func (p *publisher) utilization(minute int64, units []*unit) {
	var samples metric.Samples
	for _, u := range units {
		workers := u.workers()
		busy := time.Duration(u.busy.Swap(0))
		if workers == 0 || p.meter.component {
			continue
		}
		share := min(1, busy.Seconds()/(60*float64(workers)))
		samples = samples.Merge(metric.Single(share * 100 * u.cores))
	}
	if len(samples) > 0 {
		p.put(metric.SageMakerInstances, "CPUUtilization", "Percent", time.Unix(minute*60, 0).UTC(), time.Minute, samples)
	}
}
