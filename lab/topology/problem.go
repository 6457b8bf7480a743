package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with a topology file, and where.
type Problem struct {
	Path    string // the file, as given to Parse
	Line    int    // from 1
	Column  int    // from 1, in characters
	Key     string // where in the lab: "guests.ia32.firmware"; empty for the file as a whole
	Message string // what is wrong, and what to write instead or what is allowed
}

// Error gives the problem on one line, as "lab.yaml:14:5: guests.ia32: unknown key ...".
func (p Problem) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", p.Path, p.Line, p.Column)
	if p.Key != "" {
		where += p.Key + ": "
	}
	return where + p.Message
}

// Problems is everything wrong with one file, in file order. It is never empty when Parse returns it.
type Problems []Problem

// Error gives one problem per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// sort puts problems in the order of the file.
func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// quote quotes what the file says, shortened so that a message stays readable.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return fmt.Sprintf("%q...", string(r[:most]))
	}
	return fmt.Sprintf("%q", s)
}
