package report

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/judge"
)

// Who tells of each guest whose word it followed: who offered, what it took and by which rule, who acknowledged, who answered port
// 4011, who served, and who stayed silent and why.
func (r Report) Who(s Style) string {
	var out strings.Builder
	for i, g := range r.Guests {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(s.paint(bold, shorten(fmt.Sprintf("%s (%s), boot %d", g.Guest, g.Firmware, g.Boot), s.width())) + "\n")
		if g.Who == nil {
			out.WriteString("  nothing is known of it yet\n")
			continue
		}
		for _, line := range whoLines(&g) {
			out.WriteString(hang(fmt.Sprintf("  %-11s ", line[0]), line[1], whoIndent, s))
		}
	}
	return out.String()
}

// whoIndent is where facts begin.
const whoIndent = "              "

// whoLines are the facts of one guest, each with what it is about.
func whoLines(g *judge.Result) [][2]string {
	var out [][2]string
	add := func(about, text string) { out = append(out, [2]string{about, text}) }
	w := g.Who
	switch {
	case len(w.Offers) == 0 && len(w.Offers6) == 0:
		add("offers", "nobody")
	case len(w.Offers) == 0:
		add("offers", "nobody over IPv4")
	}
	for _, o := range w.Offers {
		add(offerLine(&o))
	}
	if w.Rule != "" {
		add("because", w.Rule)
	}
	for _, o := range w.Offers6 {
		add(offerLine(&o))
	}
	for _, fact := range []struct{ about, who string }{{"address", w.Address}, {"address", byDHCPv6(w.Address6)}, {"port 4011", w.Proxy}, {"boot server", w.BootServer}} {
		if fact.who != "" {
			add(fact.about, "from "+fact.who)
		}
	}
	for _, f := range g.Files {
		over, whole := "TFTP", fmt.Sprintf("%d octets", f.Bytes)
		if f.Over != "" {
			over = strings.ToUpper(f.Over)
		}
		if !f.Whole {
			whole = "not whole"
		}
		if f.IPv6 {
			over += " and IPv6"
		}
		add("file", fmt.Sprintf("%s from %s over %s, %s", f.Name, f.From, over, whole))
	}
	for _, q := range w.Silent {
		add("silent", q.Service+": "+q.Why)
	}
	return out
}

// offerLine tells one offer, and what became of it.
func offerLine(o *judge.Offered) (about, text string) {
	text = fmt.Sprintf("%s offered %s: %s", o.From, o.What, o.Kind)
	if o.Times > 1 {
		text += fmt.Sprintf(", %d times", o.Times)
	}
	if o.Claims != "" {
		text += fmt.Sprintf("; it says that it is %s, and is not", o.Claims)
	}
	switch {
	case !o.Taken:
		return "offer", text + "; not taken"
	case o.Unsure:
		text += "; this one or another that says the same: nothing on the wire tells which"
	}
	return "taken", text
}

// byDHCPv6 marks the giver of an address over IPv6.
func byDHCPv6(who string) string {
	if who == "" {
		return ""
	}
	return who + " by DHCPv6"
}
