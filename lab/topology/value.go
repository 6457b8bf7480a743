package topology

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Value is one value of a YAML file that knows where it stands: the file as it is written, before it means anything. Matrices
// are read from it, and they merge topologies in this form.
type Value struct {
	Path         string // the file
	Line, Column int    // both from 1
	Kind         ValueKind
	Text         string  // of all kinds but Mapping and List
	Entries      []Entry // of a Mapping, in file order, each key once
	Items        []*Value
}

// Entry is one "key: value" of a mapping, with the place of its key.
type Entry struct {
	Key          string
	Line, Column int
	Value        *Value
}

// ValueKind is what a value is.
type ValueKind string

// The kinds. All but the first two are scalars.
const (
	Mapping ValueKind = "a mapping"
	List    ValueKind = "a list"
	Text    ValueKind = "text"
	Number  ValueKind = "a number"
	Bool    ValueKind = "true or false"
	Null    ValueKind = "no value"
)

// Scalar tells whether the value is neither a mapping nor a list.
func (v *Value) Scalar() bool { return v.Kind != Mapping && v.Kind != List }

// Get gives the value of a key, or nil.
func (v *Value) Get(key string) *Value {
	for _, e := range v.Entries {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Problem says what is wrong with the value at this place; key is its place in the file's own terms.
func (v *Value) Problem(key, format string, args ...any) Problem {
	return Problem{v.Path, v.Line, v.Column, key, fmt.Sprintf(format, args...)}
}

// ReadValue reads a YAML file, within the bounds of Parse, as values. The noun is what it holds: "topology" or "matrix". Aliases
// are followed. The error is a Problems.
func ReadValue(path string, data []byte, noun string) (*Value, error) {
	d := newDecoder(path, Known{})
	body := d.body(data, noun)
	if body == nil {
		return nil, d.problems
	}
	v := d.value(body, "")
	if len(d.problems) == 0 {
		return v, nil
	}
	d.problems.sort()
	return nil, d.problems
}

// value turns a node into a Value; nil if it cannot, which it has reported.
func (d *decoder) value(n ast.Node, key string) *Value {
	at := start(n)
	if n = d.resolve(n, key); n == nil {
		return nil
	}
	v := &Value{Path: d.path, Line: at.line, Column: at.column, Kind: Text}
	switch x := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		v.Kind = Mapping
		pairs, _ := d.pairs(n, key)
		for _, p := range pairs {
			if value := d.value(p.value, join(key, p.key)); value != nil {
				if value.Kind == Null || value.Kind == Mapping { // their own place is after the colon, or below
					value.Line, value.Column = p.at.line, p.at.column
				}
				v.Entries = append(v.Entries, Entry{p.key, p.at.line, p.at.column, value})
			}
		}
	case *ast.SequenceNode:
		v.Kind = List
		for i, item := range x.Values {
			if value := d.value(item, fmt.Sprintf("%s[%d]", key, i)); value != nil {
				v.Items = append(v.Items, value)
			}
		}
	case *ast.StringNode:
		v.Text = x.Value
	case *ast.LiteralNode:
		v.Text = x.Value.Value
	case *ast.BoolNode:
		v.Kind, v.Text = Bool, n.GetToken().Value
	case *ast.NullNode:
		v.Kind, v.Text = Null, "null"
	default:
		v.Kind, v.Text = Number, n.GetToken().Value
	}
	return v
}

// Find follows a Problem's key ("guests.x64.faults[0].do") down from the value as far as it leads.
func (v *Value) Find(key string) *Value {
	key = strings.TrimPrefix(key, ".")
	if rest, ok := strings.CutPrefix(key, "["); ok && v.Kind == List {
		var i int
		if _, err := fmt.Sscanf(rest, "%d]", &i); err != nil || i < 0 || i >= len(v.Items) {
			return v
		}
		_, rest, _ = strings.Cut(rest, "]")
		return v.Items[i].Find(rest)
	}
	var best *Entry
	for i, e := range v.Entries { // a key may hold dots, so the longest that fits
		rest, ok := strings.CutPrefix(key, e.Key)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (best == nil || len(e.Key) > len(best.Key)) {
			best = &v.Entries[i]
		}
	}
	if best == nil {
		return v
	}
	return best.Value.Find(key[len(best.Key):])
}

// Hint ends a message about an unknown word: the one that was probably meant, else all that there are.
func Hint(word string, allowed []string) string { return hint(word, allowed) }
