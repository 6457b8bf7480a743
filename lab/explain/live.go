package explain

import "time"

// Live follows the boots of a network as they happen.
type Live struct {
	r    *reader
	told map[*station]int // how many of its events have been told
}

// News is a step of a machine that has just been seen.
type News struct {
	Machine string
	Step
}

// NewLive begins with nothing known.
func NewLive() *Live { return &Live{newReader(), map[*station]int{}} }

// Frame takes the next frame and gives the steps that it adds to boots, each once however often it is repeated.
func (l *Live) Frame(f *Frame) []News {
	l.r.frame(f)
	var out []News
	for _, s := range l.r.touched {
		if len(s.events) == l.told[s] {
			continue
		}
		for _, step := range steps(s.events[max(0, l.told[s]-lookBack*2):]) {
			if step.Frame == f.Number && step.Times == 0 {
				out = append(out, News{s.name(), step})
			}
		}
		l.told[s] = len(s.events)
	}
	return out
}

// Explain explains what has been seen until now.
func (l *Live) Explain(now time.Time) *Record {
	if l.r.frames > 0 {
		l.r.end = max(l.r.end, now.Sub(l.r.start))
	}
	out := &Record{Said: l.r.remarks(nil)}
	l.r.explain(out)
	return out
}
