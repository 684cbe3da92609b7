package archetype

import "slices"

// Batcher collects requests into batches: it starts one when a device is free
// and the batch is full or its oldest request has waited the delay.
type Batcher struct {
	Size           int
	Fixed, PerItem float64 // s a batch takes, and s more for each request in it
	Delay          float64 // s
	Devices        int

	busy    int
	queue   []Answer // At: arrival
	answers answers
	done    []float64 // ends of running batches, ascending
}

// Arrive takes a request.
func (b *Batcher) Arrive(now float64, id int) {
	b.queue = append(b.queue, Answer{ID: id, At: now, OK: true})
	b.start(now)
}

func (b *Batcher) start(now float64) {
	for b.busy < b.Devices && len(b.queue) > 0 && (len(b.queue) >= b.Size || now >= b.queue[0].At+b.Delay-1e-12) {
		n := min(b.Size, len(b.queue))
		end := now + b.Fixed + b.PerItem*float64(n)
		for _, o := range b.queue[:n] {
			o.At = end
			b.answers.push(o)
		}
		b.queue = b.queue[n:]
		b.busy++
		b.done = append(b.done, end)
		slices.Sort(b.done)
	}
}

// Next is the time of the next answer, free device or batch that is due.
func (b *Batcher) Next() float64 {
	next := b.answers.next()
	if b.busy < b.Devices && len(b.queue) > 0 {
		next = min(next, b.queue[0].At+b.Delay)
	}
	if len(b.done) > 0 {
		next = min(next, b.done[0])
	}
	return next
}

// Step hands out the answers that are due and starts batches.
func (b *Batcher) Step(now float64, out []Answer) []Answer {
	for b.answers.next() <= now {
		out = append(out, b.answers.pop())
	}
	for len(b.done) > 0 && b.done[0] <= now {
		b.done = b.done[1:]
		b.busy--
	}
	b.start(now)
	return out
}
