package diagram

import (
	"fmt"
	"math"
	"strings"

	"github.com/pxelab/pxelab/lab/story"
)

// Sizes, in pixels.
const (
	margin   = 16.0
	timesAt  = 64.0 // right edge of the column of times
	textSize = 13.0
	small    = 11.0
	boxTall  = 26.0 // of a lane's head
	leastGap = 150.0
	mostGap  = 300.0
	crowded  = 210.0 // the widest gap where there are many lanes
	narrow   = 720.0 // a picture of that width may be made as small as its window is
	smallest = 0.62  // to what part a wider one is: beyond that it is moved, not read
)

// look is how it is drawn. Colours come in two sets, for light and dark; what they tell is told by a word or a sign, too.
const look = `
svg{--paper:#fff;--ink:#1b1f24;--dim:#57606a;--line:#c4cbd3;--head:#eef2f6;--dhcp:#0b57a4;--pxe:#7a3e9d;--file:#1a6b50;--fill:#cfe9de;--bad:#b3261e;--badfill:#fbe3e1;--note:#f6efd9;background:var(--paper);max-width:100%;height:auto}
@media (prefers-color-scheme:dark){svg{--paper:#14181d;--ink:#e8ecf0;--dim:#a3adb8;--line:#47505a;--head:#242b33;--dhcp:#7fb8f5;--pxe:#cf9df0;--file:#7fd0b0;--fill:#1f4638;--bad:#ff9b92;--badfill:#4a2422;--note:#3a3420}}
text{font:13px system-ui,sans-serif;fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.t{font-size:11px;fill:var(--dim);font-variant-numeric:tabular-nums}.s{font-size:11px;fill:var(--dim)}
.h{font-weight:600;stroke:none}.n{stroke:none}.title{font-size:18px;font-weight:600}
.life{stroke:var(--line)}.box{fill:var(--head);stroke:var(--line)}.note{fill:var(--note);stroke:var(--line)}
.a{fill:none;stroke-width:1.6}.all{stroke-dasharray:7 3}
.dhcp{stroke:var(--dhcp)}.pxe{stroke:var(--pxe)}.file{stroke:var(--file)}.other{stroke:var(--dim)}.bad{stroke:var(--bad)}
.p-dhcp{fill:var(--dhcp)}.p-pxe{fill:var(--pxe)}.p-file{fill:var(--file)}.p-other{fill:var(--dim)}.p-bad{fill:var(--bad)}
.bar{fill:var(--paper)}.done{fill:var(--fill);stroke:none}.failed{fill:var(--badfill);stroke:none}text.b{fill:var(--bad)}
`

// canvas is an SVG that is being drawn.
type canvas struct {
	drawn
	body  strings.Builder
	gap   float64 // between lanes
	width float64
	y     float64
}

// SVG draws a story as a picture that needs nothing else: no script, no font, nothing from elsewhere.
func SVG(lanes []story.Lane, rows []story.Timed, s Style) []byte {
	c := canvas{drawn: decide(lanes, rows, s)}
	c.measure()
	c.y = margin
	if s.Title != "" {
		c.y += 18
		c.text("title", margin, c.y, "start", fit(s.Title, 18, c.width-2*margin))
		c.y += 8
	}
	for _, line := range lines(s.About, textSize, c.width-2*margin, 3) {
		c.y += 16
		c.text("", margin, c.y, "start", line)
	}
	c.y += 14
	top := c.y
	c.heads()
	begin := c.body.Len()
	for i := range c.rows {
		c.row(&c.rows[i])
	}
	c.y += 14
	c.heads()
	c.legend()
	body := c.body.String()
	c.body.Reset()
	for i := range c.lanes { // behind all that stands on them
		fmt.Fprintf(&c.body, "<line class=\"life\" x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%g\"/>\n", c.x(i), c.x(i), top+boxTall, c.y-boxTall-30)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %[1]g %[2]g\" style=\"min-width:%[3]gpx\" role=\"img\" aria-labelledby=\"name\">\n", c.width, c.y, c.least())
	fmt.Fprintf(&out, "<title id=\"name\">%s</title>\n<style>%s</style>\n<rect width=\"100%%\" height=\"100%%\" style=\"fill:var(--paper)\"/>\n", esc(title(s)), look)
	out.WriteString(body[:begin] + c.body.String() + body[begin:] + "</svg>\n")
	return []byte(out.String())
}

func title(s Style) string {
	if s.Title == "" {
		return "A network boot"
	}
	return "The network boot " + s.Title
}

// measure finds how far apart the lanes must be for what is written between them.
func (c *canvas) measure() {
	c.gap = leastGap
	most := mostGap
	if len(c.lanes) > 5 {
		most = crowded
	}
	for i := range c.rows {
		r := &c.rows[i]
		from, span := c.at(r.From), 0
		for _, to := range c.targets(r) {
			span = max(span, to-from, from-to)
		}
		text := wide(r.heading(), textSize) + 28
		if r.Kind == story.Transfer {
			text = max(text, wide(r.heading()+"  "+r.tally(), small)+28)
		}
		if span > 0 {
			c.gap = max(c.gap, min(most, text/float64(span)))
		}
	}
	c.gap = math.Ceil(c.gap)
	c.width = timesAt + margin + c.gap*float64(max(1, len(c.lanes))) + margin
	c.width = max(c.width, 380)
}

// least is how narrow the picture may be made.
func (c *canvas) least() float64 {
	if c.width <= narrow {
		return 0
	}
	return math.Round(c.width * smallest)
}

// x is the middle of a lane.
func (c *canvas) x(lane int) float64 { return timesAt + margin + c.gap*(float64(lane)+0.5) }

func (c *canvas) text(class string, x, y float64, anchor, text string) {
	fmt.Fprintf(&c.body, "<text class=\"%s\" x=\"%g\" y=\"%g\" text-anchor=\"%s\">%s</text>\n", class, x, y, anchor, esc(text))
}

// heads draws the names of the lanes.
func (c *canvas) heads() {
	for i, l := range c.lanes {
		wideBox := c.gap - 14
		fmt.Fprintf(&c.body, "<rect class=\"box\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"5\"/>\n", c.x(i)-wideBox/2, c.y, wideBox, boxTall)
		c.text("h", c.x(i), c.y+17, "middle", fit(l.Name, textSize+1, wideBox-12))
	}
	c.text("t", timesAt, c.y+17, "end", "seconds")
	c.y += boxTall
}

// legend says what signs mean that do not say it themselves.
func (c *canvas) legend() {
	c.y += 18
	c.text("s", margin, c.y, "start", "dashed: to everybody on the segment   ×2: sent twice")
	c.y += 12
}
