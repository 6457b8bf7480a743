package plan

import "github.com/pxelab/pxelab/lab/topology"

// Keys are typed on a guest's serial console, once a line of it matches after the keys before them were typed.
type Keys struct {
	When  string   `json:"when"`  // regular expression over a line, begun or finished
	Press []string `json:"press"` // names of keys, or text, for people
	Type  string   `json:"type"`  // the bytes
}

// keyBytes is what a terminal sends for a key. SeaBIOS reads F8 as xterm's; EDK2's serial terminals are of type
// PC-ANSI by default, whose function keys have codes of their own (UEFI 2.10 appendix B table B-1).
func keyBytes(firmware, key string) string {
	switch key {
	case "f8":
		if firmware == "bios" {
			return "\x1b[19~"
		}
		return "\x1b[T"
	case "up":
		return "\x1b[A"
	case "down":
		return "\x1b[B"
	case "enter":
		return "\r"
	case "esc":
		return "\x1b"
	}
	return key
}

// keys plans what is typed on a guest's console.
func keys(g topology.Guest, firmware string) []Keys {
	var out []Keys
	for _, k := range g.Keys {
		planned := Keys{When: k.When, Press: k.Press}
		for _, p := range k.Press {
			planned.Type += keyBytes(firmware, p)
		}
		out = append(out, planned)
	}
	return out
}
