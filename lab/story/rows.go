package story

import "time"

// Timed is a row as it came to be.
type Timed struct {
	Row
	At    time.Duration // when it was first told
	Until time.Duration // and last
}

// Rows are the rows that items tell of, in their order, each as the last item has it.
func Rows(items []Item) []Timed {
	var out []Timed
	for _, i := range items {
		switch r := i.Row; {
		case r == nil:
		case r.ID <= len(out):
			out[r.ID-1].Row, out[r.ID-1].Until = *r, i.At
		default:
			out = append(out, Timed{*r, i.At, i.At})
		}
	}
	return out
}
