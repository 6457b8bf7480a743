package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// Live follows the boots of a network as they happen.
type Live struct {
	r    *reader
	told map[*station]int // how many of its events have been told
	full bool             // one machine has many
	past int              // boots that were told and are not kept
}

// News is a step of a machine that has just been seen.
type News struct {
	Machine string
	Step
}

// NewLive begins with nothing known.
func NewLive() *Live { return &Live{r: newReader(), told: map[*station]int{}} }

// Frame takes the next frame and gives the steps that it adds to boots, each once however often it is repeated.
func (l *Live) Frame(f *Frame) []News {
	if l.full || l.r.kept > maxKept/2 {
		l.forget()
	}
	l.r.frame(f)
	var out []News
	for _, s := range l.r.touched {
		fresh := s.count - l.told[s]
		l.full = l.full || len(s.events) > maxEvents/2
		if fresh == 0 {
			continue
		}
		for _, step := range steps(s.events[max(0, len(s.events)-fresh-lookBack*2):]) {
			if step.Frame == f.Number && step.Times == 0 {
				out = append(out, News{s.name(), step})
			}
		}
		l.told[s] = s.count
	}
	return out
}

// forget makes room: boots that are over have been told. Whoever listens for a week has that week's boots told all the same.
func (l *Live) forget() {
	l.r.kept, l.full = 0, false
	for _, s := range l.r.crowd.all {
		now := slices.IndexFunc(s.events, func(e event.Event) bool { return e.Boot == s.boot })
		if now > 0 {
			l.past += s.events[now-1].Boot - s.events[0].Boot + 1
			s.events = slices.Clone(s.events[now:])
		}
		l.r.kept += len(s.events) * 2 * eventSize
	}
}

// Explain explains what has been seen until now.
func (l *Live) Explain(now time.Time) *Record {
	if l.r.frames > 0 {
		l.r.end = max(l.r.end, now.Sub(l.r.start))
	}
	out := &Record{Said: l.r.remarks(nil)}
	if l.past > 0 {
		out.Said = append(out.Said, fmt.Sprintf("%d earlier boots were told as they happened, and are not explained here", l.past))
	}
	l.r.explain(out)
	return out
}
