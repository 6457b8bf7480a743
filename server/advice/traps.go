package advice

import (
	"slices"
)

// Trap is something that keeps, or may keep, machines from booting.
type Trap struct {
	Rule    string   `json:"rule"`              // which trap, in a few words that do not change
	Who     []string `json:"who"`               // the askers that would step into it
	Text    string   `json:"text"`              // what was seen
	Fix     string   `json:"fix"`               // what to change
	Section string   `json:"section,omitempty"` // where it is written, or the client that insists on it
}

// rule finds one kind of trap in what one asker was told; empty is none.
type rule struct {
	name, fix, section string
	find               func(*Answer) string
}

// comparison finds one kind of trap between the answers to several askers.
type comparison struct {
	name, fix, section string
	find               func([]Answer) (who []string, text string)
}

// Traps looks through what all askers were told. It is a function of the answers alone. A trap that several askers
// would step into in the same way is told once.
func Traps(answers []Answer) []Trap {
	var all []Trap
	for i := range answers {
		a := &answers[i]
		for _, p := range a.Problems {
			if fix := remedies[p.Rule]; fix != "" && !a.indifferent(p.Rule) {
				all = gather(all, Trap{p.Rule, []string{a.String()}, p.Text, fix, p.Section})
			}
		}
		for _, r := range rules {
			if text := r.find(a); text != "" {
				all = gather(all, Trap{r.name, []string{a.String()}, text, r.fix, r.section})
			}
		}
	}
	for _, c := range comparisons {
		if who, text := c.find(answers); text != "" {
			all = gather(all, Trap{c.name, who, text, c.fix, c.section})
		}
	}
	return all
}

// indifferent reports whether an asker does not mind a problem: iPXE does without port 4011 if the offer has a file.
func (a *Answer) indifferent(rule string) bool {
	_, ok := a.file()
	return rule == "nobody on port 4011" && a.IPXE && ok
}

func gather(all []Trap, t Trap) []Trap {
	for i := range all {
		if all[i].Rule != t.Rule || all[i].Text != t.Text {
			continue
		}
		for _, who := range t.Who {
			if !slices.Contains(all[i].Who, who) {
				all[i].Who = append(all[i].Who, who)
			}
		}
		return all
	}
	return append(all, t)
}
