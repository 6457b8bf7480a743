package diagram

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/story"
)

// row draws one row. It leads down by as much as it takes.
func (c *canvas) row(r *row) {
	from := c.at(r.From)
	if from < 0 {
		return
	}
	tip := r.Detail
	if r.Why != "" {
		tip += "\n" + r.Why
	}
	fmt.Fprintf(&c.body, "<g><title>%s</title>\n", esc(fmt.Sprintf("%s s  %s\n%s", clock(r.At), r.heading(), tip)))
	switch targets := c.targets(r); {
	case r.Kind == story.Transfer && len(targets) == 1:
		c.transfer(r, from, targets[0])
	case r.Kind != story.Note && len(targets) > 0:
		c.message(r, from, targets)
	default:
		c.note(r, from)
	}
	c.body.WriteString("</g>\n")
}

// colour is the class of a row's lines, by what it belongs to.
func colour(r *row) string {
	switch {
	case r.Bad != "":
		return "bad"
	case r.Proto == "dhcp" || r.Proto == "dhcp6":
		return "dhcp"
	case r.Proto == "pxe":
		return "pxe"
	case r.Kind == story.Transfer:
		return "file"
	}
	return "other"
}

// message draws an arrow to each of its receivers, its label at the sender.
func (c *canvas) message(r *row, from int, to []int) {
	c.y += 28
	c.text("t", timesAt, c.y+4, "end", clock(r.At))
	far := slices.MaxFunc(to, func(a, b int) int { return max(a-from, from-a) - max(b-from, from-b) })
	x, end, kind := c.x(from), c.x(far), colour(r)
	class := "a " + kind
	if r.To == story.All {
		class += " all"
	}
	fmt.Fprintf(&c.body, "<line class=\"%s\" x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%[4]g\"/>\n", class, x, end, c.y)
	for _, t := range to {
		c.head(c.x(t), t > from, "p-"+kind)
	}
	anchor, at := "start", x+10
	if far < from {
		anchor, at = "end", x-10
	}
	room := max(end-x, x-end) - 16
	label := r.heading()
	if r.Bad != "" && r.Bad != label {
		label += "  ✗ " + r.Bad
	}
	class = ""
	if r.Bad != "" {
		class = "b"
	}
	c.text(class, at, c.y-5, anchor, fit(label, textSize, room))
	if r.Via != "" && c.at(r.Via) >= 0 {
		fmt.Fprintf(&c.body, "<circle class=\"p-%s\" cx=\"%g\" cy=\"%g\" r=\"4\"/>\n", kind, c.x(c.at(r.Via)), c.y)
	}
	c.why(r, at, anchor, room)
}

// head draws the point of an arrow.
func (c *canvas) head(x float64, right bool, class string) {
	back := x + 9
	if right {
		back = x - 9
	}
	fmt.Fprintf(&c.body, "<path class=\"%s\" d=\"M%g %g L%g %g L%g %g Z\"/>\n", class, x, c.y, back, c.y-4.5, back, c.y+4.5)
}

// why writes a server's reason below what it is the reason for.
func (c *canvas) why(r *row, at float64, anchor string, room float64) {
	for _, line := range lines(r.Why, small, room, 2) {
		c.y += 14
		c.text("s", at, c.y, anchor, line)
	}
}

// transfer draws a bar between who fetches and who serves, as full as the file came.
func (c *canvas) transfer(r *row, from, to int) {
	const tall = 24.0
	c.y += 14
	x, wide := min(c.x(from), c.x(to)), max(c.x(from)-c.x(to), c.x(to)-c.x(from))
	c.text("t", timesAt, c.y+16, "end", clock(r.At))
	part := 0.0
	if r.Size > 0 {
		part = min(1, float64(r.Bytes)/float64(r.Size))
	}
	class := "done"
	if r.Bad != "" {
		class, part = "failed", max(part, 0.02)
	}
	if r.Outcome == story.SizeOnly {
		part = 0
	}
	fmt.Fprintf(&c.body, "<rect class=\"bar\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"4\"/>\n", x, c.y, wide, tall)
	fmt.Fprintf(&c.body, "<rect class=\"%s\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"4\"/>\n", class, x, c.y, wide*part, tall)
	fmt.Fprintf(&c.body, "<rect class=\"a %s\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"4\"/>\n", colour(r), x, c.y, wide, tall)
	sign, label := "", "n"
	switch {
	case r.Bad != "":
		sign, label = "✗ ", "n b"
	case r.Outcome == "whole":
		sign = "✓ "
	}
	c.text(label, x+wide/2, c.y+16, "middle", fit(sign+r.heading(), textSize, wide-16))
	c.y += tall
	anchor, at := "start", c.x(from)+10
	if to < from {
		anchor, at = "end", c.x(from)-10
	}
	if t := r.tally(); t != "" && !strings.HasPrefix(r.Why, "serving "+t+" ") { // it says so itself
		c.y += 14
		c.text("s", at, c.y, anchor, fit(t, small, wide-16))
	}
	c.why(r, at, anchor, wide-16)
}

// note draws a box on a lane.
func (c *canvas) note(r *row, lane int) {
	c.y += 14
	label := r.heading()
	if r.Bad != "" {
		label = "✗ " + label
	}
	room := c.width - timesAt - 2*margin
	label = fit(label, textSize, room-20)
	box := min(wide(label, textSize)+20, room)
	x := min(max(c.x(lane)-box/2, timesAt+margin), c.width-margin-box)
	c.text("t", timesAt, c.y+15, "end", clock(r.At))
	class := "note"
	if r.Bad != "" {
		class += " bad"
	}
	fmt.Fprintf(&c.body, "<rect class=\"%s\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"22\" rx=\"3\"/>\n", class, x, c.y, box)
	c.text("n", x+box/2, c.y+15, "middle", label)
	c.y += 22
	text := r.Detail
	if r.Why != "" {
		text = r.Why + " (" + r.Detail + ")"
	}
	for _, line := range lines(text, small, min(room, 420), 3) {
		c.y += 14
		half := wide(line, small) / 2
		c.text("s", min(max(c.x(lane), timesAt+margin+half), c.width-margin-half), c.y, "middle", line)
	}
}
