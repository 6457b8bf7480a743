package topology

import (
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/pxelab/pxelab/lab/fault"
)

// selectionForm is what a fault says of the frames that it means.
type selectionForm struct {
	Packet  packetWord `json:"packet"`
	From    string     `json:"from"`
	Port    port       `json:"port"`
	Block   blockNo    `json:"block"`
	After   faultCount `json:"after"`
	First   faultCount `json:"first"`
	Nth     faultCount `json:"nth"`
	Every   faultCount `json:"every"`
	Percent percent    `json:"percent"`
	Seed    faultCount `json:"seed"`
}

// ParseSelection reads which frames are meant, as a fault has it, such as {packet: data, block: 3, from: boot}, or by the packet's
// name alone, for a guest on a network of a lab with these services; an empty network is any. The error is a Problems whose places
// are those in the text; the path is only used in messages.
func ParseSelection(path, text, network string, services []Target) (fault.Selection, error) {
	d := newDecoder(path, Known{})
	if strings.TrimSpace(text) == "" {
		d.problem(position{1, 1}, "", "is empty; write which packet, such as offer or {packet: data, block: 3}")
		return fault.Selection{}, d.problems
	}
	var f selectionForm
	if body := d.body([]byte(text), "topology"); body != nil {
		d.where[""] = start(body)
		if _, word := body.(*ast.StringNode); word {
			d.fill(body, "", reflect.ValueOf(&f.Packet).Elem())
		} else {
			d.fill(body, "", reflect.ValueOf(&f).Elem())
		}
	}
	r := fault.Rule{Selection: fault.Selection{Packet: string(f.Packet), From: f.From, Port: int(f.Port), Block: int(f.Block), After: int(f.After),
		First: int(f.First), Nth: int(f.Nth), Every: int(f.Every), Percent: int(f.Percent), Seed: int(f.Seed)}}
	if c := d.among(services); d.keys[""] != nil {
		c.checkSelection("", network, &r)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return fault.Selection{}, d.problems
	}
	return r.Selection, nil
}
