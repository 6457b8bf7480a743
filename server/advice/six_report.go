package advice

import (
	"fmt"
	"strings"
)

// Row6 is what one asker was told over IPv6.
type Row6 struct {
	Asker   string `json:"asker"`
	Code    uint16 `json:"arch"`              // option 61
	Offers  int    `json:"offers"`            // advertisements that came
	Address string `json:"address,omitempty"` // advertised, and not asked for
	From    string `json:"from,omitempty"`    // link-local address of whose it is
	File    string `json:"file,omitempty"`    // option 59
	End     string `json:"end,omitempty"`     // why there is no boot program
}

// rule6 finds one kind of trap in what was told over IPv6.
type rule6 struct {
	name, fix, section string
	find               func(*Six, *Answer6) string
}

var rules6 = []rule6{
	{"no boot file over IPv6", "name a boot file URL (option 59) for this architecture (option 61)", "RFC 5970 section 3.1", noURL6},
	{"HTTP boot over IPv6 without option 16", "say HTTPClient in the vendor class (option 16): HTTP clients drop the answer without", "UEFI 2.10 section 24.7", noClass6},
	{"no address over IPv6", "give the server a pool (IA_NA): a boot client takes no answer without an address", "RFC 8415 section 18.3.9", noAddress6},
	{"router without M flag", "let the router's advertisement say managed (M flag): iPXE asks no DHCPv6 server before", "RFC 4861 section 4.2", notManaged6},
}

// best is the advertisement that a client would go on with; nil: none that it can boot from.
func (a *Answer6) best() *Offer6 {
	for i := range a.Offers {
		if o := &a.Offers[i]; o.Address.IsValid() && o.URL != "" && a.HTTP == strings.HasPrefix(o.Class, "HTTPClient") {
			return o
		}
	}
	return nil
}

func noURL6(_ *Six, a *Answer6) string {
	for _, o := range a.Offers {
		if o.URL != "" {
			return ""
		}
	}
	if len(a.Offers) == 0 {
		return ""
	}
	return fmt.Sprintf("advertisements: %d, and none of them with option 59", len(a.Offers))
}

func noClass6(_ *Six, a *Answer6) string {
	for _, o := range a.Offers {
		if a.HTTP && o.URL != "" && !strings.HasPrefix(o.Class, "HTTPClient") {
			return fmt.Sprintf("%s names %s and is no HTTPClient's", o.From, o.URL)
		}
	}
	return ""
}

func noAddress6(_ *Six, a *Answer6) string {
	for _, o := range a.Offers {
		if o.Address.IsValid() {
			return ""
		}
	}
	if len(a.Offers) == 0 {
		return ""
	}
	return fmt.Sprintf("advertisements: %d, and none of them with an address", len(a.Offers))
}

func notManaged6(s *Six, a *Answer6) string {
	switch {
	case len(a.Offers) == 0 || s.Managed:
		return ""
	case s.Router:
		return "a DHCPv6 server answers, and the router does not send hosts to it"
	}
	return "a DHCPv6 server answers, and no router advertised itself"
}

// Add adds what was told over IPv6.
func (r *Report) Add(s *Six) {
	r.Router6 = map[bool]string{true: "a router that sends hosts to DHCPv6 (M flag)", false: "a router without the M flag"}[s.Managed]
	if !s.Router {
		r.Router6 = "no router"
	}
	for i := range s.Answers {
		a := &s.Answers[i]
		row := Row6{Asker: a.String(), Code: uint16(a.Arch), Offers: len(a.Offers), End: "no offer"}
		if len(a.Offers) > 0 {
			row.End = "no boot file"
		}
		if o := a.best(); o != nil {
			row.Address, row.From, row.File, row.End = o.Address.String(), o.From.String(), o.URL, ""
		}
		r.Rows6 = append(r.Rows6, row)
		for _, rule := range rules6 {
			if text := rule.find(s, a); text != "" {
				r.Traps = gather(r.Traps, Trap{rule.name, []string{a.String() + " over IPv6"}, text, rule.fix, rule.section})
			}
		}
	}
}

// text6 is the table over IPv6; empty if it was not asked.
func (r Report) text6() string {
	if len(r.Rows6) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nOver IPv6, with %s; no address is asked for.\n\n", r.Router6)
	for _, row := range r.Rows6 {
		told := row.End
		if row.File != "" {
			told = fmt.Sprintf("%s\n%35sadvertised by %s", row.File, "", row.From)
		}
		fmt.Fprintf(&b, "%-18s %-15s %s\n", fmt.Sprintf("%-13s %4d", row.Asker, row.Code), dash(row.Address), told)
	}
	return b.String()
}
