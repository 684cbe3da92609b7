package capacity

// due is a request and when it leaves, on a clock of its own.
type due struct {
	at float64
	i  int
}

// dues is a priority queue, soonest first. That of container/heap would allocate for
// each of the millions of requests that a forecast plays.
type dues []due

func (h *dues) push(d due) {
	q := append(*h, d)
	for i := len(q) - 1; i > 0 && q[(i-1)/2].at > q[i].at; i = (i - 1) / 2 {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
	}
	*h = q
}

func (h *dues) pop() due {
	q := *h
	top, last := q[0], len(q)-1
	q[0] = q[last]
	q = q[:last]
	for i := 0; 2*i+1 < last; {
		least := 2*i + 1
		if least+1 < last && q[least+1].at < q[least].at {
			least++
		}
		if q[i].at <= q[least].at {
			break
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
	*h = q
	return top
}

// leave takes out all that are due by then, and says how many are left.
func (h *dues) leave(now float64) (left int) {
	for len(*h) > 0 && (*h)[0].at <= now {
		h.pop()
	}
	return len(*h)
}
