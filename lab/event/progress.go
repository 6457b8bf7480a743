package event

import "fmt"

// Progress tells how far a file has come whose packets are folded: now and then, and only of one that is long.
type Progress struct {
	Proto  string `json:"proto"`          // "tftp", "http"
	Client string `json:"client"`         // address:port that it goes to; of multicast, the group's
	File   string `json:"file"`           // of the request, as sent
	Bytes  int64  `json:"bytes"`          // octets so far, each counted once
	Size   int64  `json:"size,omitempty"` // in all; zero: not known
}

// String is the progress in one line.
func (p *Progress) String() string {
	if p.Size > 0 {
		return fmt.Sprintf("%s: %d of %d octets", p.File, p.Bytes, p.Size)
	}
	return fmt.Sprintf("%s: %d octets", p.File, p.Bytes)
}
