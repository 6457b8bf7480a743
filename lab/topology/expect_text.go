package topology

import (
	"reflect"
	"strings"
)

// ParseExpectation reads one claim about a guest as expect lists it, such as booted: {image: probe, from: boot}, of a lab with this
// topology. The error is a Problems whose places are those in the text; the path is only used in messages.
func ParseExpectation(path, text string, t *Topology, k Known) (Expectation, error) {
	d := newDecoder(path, k)
	if strings.TrimSpace(text) == "" {
		d.problem(position{1, 1}, "", "is empty; write a claim, such as booted: {image: probe}")
		return Expectation{}, d.problems
	}
	var f expectation
	if body := d.body([]byte(text), "claim"); body != nil {
		d.where[""] = start(body)
		d.fill(body, "", reflect.ValueOf(&f).Elem())
	}
	c := &checker{decoder: d, topo: t}
	for _, s := range t.Services {
		d.keys["services"] = append(d.keys["services"], s.Name)
	}
	var x Expectation
	if _, mapping := d.keys[""]; mapping {
		c.oneClaim("", guestClaims)
		c.onlyServices("", f)
		x = c.expectation("", f)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return Expectation{}, d.problems
	}
	return x, nil
}
