package proof

import (
	"slices"
	"strings"
	"time"

	"plimsoll/scaling"
)

// move is a change of what is asked for, as far as it was seen: by looks at the
// endpoint, by an activity of Application Auto Scaling, or by both.
type move struct {
	from, to     int
	before, seen time.Time // the looks between which it came; zero when none showed it
	activity     *Activity
}

func (m move) direction() scaling.Direction {
	if m.to > m.from {
		return scaling.Out
	}
	return scaling.In
}

// at is when it came, as exactly as that is known.
func (m move) at() time.Time {
	if m.activity != nil {
		return m.activity.Began
	}
	return m.seen
}

// skew is how far apart the clocks of what is matched may be, beyond the time between
// two looks.
const skew = 90 * time.Second

// moves brings looks and activities together, oldest first. An activity whose change
// came and went between two looks is a move all the same; a change for which there is
// no activity too, for somebody may have made it by hand, or the activities are not
// known. What an activity asked for that failed, and its taking back, are none.
func (j *judging) moves() []move {
	used := map[*Activity]bool{}
	var moves []move
	var undone *move
	for i := 1; i < len(j.Capacity); i++ {
		m := move{from: j.Capacity[i-1].Desired, to: j.Capacity[i].Desired, before: j.Capacity[i-1].At, seen: j.Capacity[i].At}
		if m.from == m.to {
			continue
		}
		if m.activity = j.activityFor(m, used); m.activity != nil {
			used[m.activity] = true
		}
		switch {
		case m.activity != nil && m.activity.came() == failed:
			undone = &m
		case m.activity == nil && undone != nil && undone.to == m.from && undone.from == m.to:
			undone = nil
		default:
			moves = append(moves, m)
		}
	}
	for i := range j.Activity {
		if a := &j.Activity[i]; !used[a] && a.Wanted > 0 && (a.came() == successful || a.came() == inProgress) {
			moves = append(moves, j.unseen(a))
		}
	}
	moves = slices.DeleteFunc(moves, func(m move) bool {
		return m.from == m.to || m.at().Before(j.began().Add(-skew)) || m.at().After(j.ended().Add(skew))
	})
	slices.SortStableFunc(moves, func(a, b move) int { return a.at().Compare(b.at()) })
	return moves
}

// came is what became of an activity: successful, inProgress, failed, or "" for one that
// changed nothing.
func (a Activity) came() string {
	switch {
	case a.NotScaled != "":
		return ""
	case a.Status == failed || a.Status == unfulfilled:
		return failed
	case a.Ended.IsZero() && a.Status != successful:
		return inProgress
	}
	return successful
}

// activityFor is the unused activity that asked for what a move shows, the nearest one.
func (j *judging) activityFor(m move, used map[*Activity]bool) *Activity {
	var best *Activity
	away := func(a *Activity) time.Duration { return max(0, m.before.Sub(a.Began), a.Began.Sub(m.seen)) }
	for i := range j.Activity {
		a := &j.Activity[i]
		if used[a] || a.NotScaled != "" || a.Wanted != m.to || away(a) > skew {
			continue
		}
		if best == nil || away(a) < away(best) {
			best = a
		}
	}
	return best
}

// unseen is the move of an activity that no look showed.
func (j *judging) unseen(a *Activity) move {
	m := move{from: a.Current, to: a.Wanted, activity: a}
	if m.from == 0 {
		m.from = lookAt(j.Capacity, a.Began).Desired
	}
	return m
}

// notScaled are the codes of why nothing was done in a while, each once.
func (j *judging) notScaled(from, to time.Time) []string {
	var codes []string
	for _, a := range j.Activity {
		if a.NotScaled != "" && !a.Began.Before(from) && a.Began.Before(to) && !slices.Contains(codes, a.NotScaled) {
			codes = append(codes, a.NotScaled)
		}
	}
	return codes
}

// failures are the activities that came to nothing.
func (j *judging) failures() []Activity {
	var out []Activity
	for _, a := range j.Activity {
		if a.came() == failed {
			out = append(out, a)
		}
	}
	return out
}

// quota says whether AWS refused for want of quota, and lack for want of machines.
func (a Activity) quota() bool {
	return strings.Contains(a.Message, "ResourceLimitExceeded") || strings.Contains(strings.ToLower(a.Message), "quota") ||
		strings.Contains(a.Message, "service limit")
}

func (a Activity) lack() bool {
	return strings.Contains(a.Message, "InsufficientInstanceCapacity") || strings.Contains(strings.ToLower(a.Message), "insufficient") ||
		strings.Contains(strings.ToLower(a.Message), "capacity error")
}
