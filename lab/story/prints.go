package story

import (
	"io"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/story/cast"
)

// Prints are the events of the recording of a guest's console, guests/NAME/console.cast of a bundle, as the story tells them. A marker
// there, "boot 2", says of which power-on what follows is.
type Prints struct {
	Guest string
	boot  int
}

// Next takes the next event of the recording; ok is false for one that nothing was printed by.
func (p *Prints) Next(e cast.Event) (out Printed, ok bool) {
	if n, found := strings.CutPrefix(e.Data, "boot "); found && e.Kind == cast.Marker {
		if boot, err := strconv.Atoi(n); err == nil {
			p.boot = boot
		}
		return out, false
	}
	return Printed{e.At, Print{Guest: p.Guest, Boot: max(p.boot, 1), Data: e.Data, Typed: e.Kind == cast.Input}}, e.Kind == cast.Output || e.Kind == cast.Input
}

// ReadCast reads the recording of a guest's console. One that was cut off within a line is read up to there.
func ReadCast(guest string, r io.Reader) ([]Printed, error) {
	_, events, err := cast.Read(r)
	p := Prints{Guest: guest}
	var out []Printed
	for _, e := range events {
		if x, ok := p.Next(e); ok {
			out = append(out, x)
		}
	}
	return out, err
}
