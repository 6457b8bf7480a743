package plan

import (
	"strings"

	"github.com/pxelab/pxelab/lab/topology"
)

// Keys are typed on a guest's serial console, once a line of it matches after the keys before them were typed.
type Keys struct {
	When  string   `json:"when"`  // regular expression over a line, begun or finished
	Press []string `json:"press"` // names of keys, or text, for people
	Type  string   `json:"type"`  // the bytes
}

// functionKeys are F1 to F12 as xterm sends them, and as PC-ANSI terminals do (UEFI 2.10 appendix B table B-1).
var functionKeys = strings.NewReplacer("\x1bOP", "\x1b[M", "\x1bOQ", "\x1b[N", "\x1bOR", "\x1b[O", "\x1bOS", "\x1b[P",
	"\x1b[15~", "\x1b[Q", "\x1b[17~", "\x1b[R", "\x1b[18~", "\x1b[S", "\x1b[19~", "\x1b[T",
	"\x1b[20~", "\x1b[U", "\x1b[21~", "\x1b[V", "\x1b[23~", "\x1b[W", "\x1b[24~", "\x1b[X")

// Typed is what a guest's firmware is to be sent for what somebody typed at a terminal of xterm's kind. SeaBIOS reads function keys as
// xterm's; EDK2's serial terminals are of type PC-ANSI by default.
func Typed(firmware, keys string) string {
	if firmware == "bios" {
		return keys
	}
	return functionKeys.Replace(keys)
}

// keyBytes is what a guest's firmware is sent for a key.
func keyBytes(firmware, key string) string {
	switch key {
	case "f8":
		return Typed(firmware, "\x1b[19~")
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
