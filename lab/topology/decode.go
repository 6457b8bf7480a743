package topology

import (
	"encoding"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A decoder fills form values from the YAML tree, and remembers where in the file each came from and in which
// order keys were written. Whatever does not fit is reported and left zero, so that later checks skip it.
//
// The YAML library's own decoder stops at its first error and names the wrong field in it.
type decoder struct {
	known    Known
	path     string
	problems Problems
	left     int                 // values that may still be read
	anchors  map[string]ast.Node // by name, as met so far
	where    map[string]position // by key: the value, or the key of a mapping or list
	keys     map[string][]string // by key of a mapping: its keys, in file order
	unknown  map[string]bool     // by key of a mapping: it has a key that its form does not know
}

// file fills the form of the whole file.
func (d *decoder) file(body ast.Node) *fileForm {
	f := &fileForm{}
	d.where[""] = start(body)
	d.fill(body, "", reflect.ValueOf(f).Elem())
	return f
}

// fill reads node n, which is at key, into v.
func (d *decoder) fill(n ast.Node, key string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if n = d.resolve(n, key); n == nil {
		return
	}
	_, parses := v.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case v.Type() == reflect.TypeFor[raWord]():
		d.router(n, key, v)
	case parses || v.Kind() == reflect.String:
		d.text(n, key, v)
	case v.Kind() == reflect.Struct || v.Kind() == reflect.Map:
		d.mapping(n, key, v)
	case v.Kind() == reflect.Slice:
		d.list(n, key, v)
	case v.Kind() == reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.mismatch(n, key, "true or false")
		}
	case v.Kind() == reflect.Int:
		d.number(n, key, v)
	}
}

// resolve follows anchors and aliases. It returns nil when there is nothing to read, which it has reported.
func (d *decoder) resolve(n ast.Node, key string) ast.Node {
	for {
		if d.left--; d.left < 0 {
			if d.left == -1 {
				d.problem(start(n), key, "with its aliases followed the file has more than %d values; write fewer", maxNodes)
			}
			return nil
		}
		switch x := n.(type) {
		case *ast.AnchorNode:
			d.anchors[x.Name.GetToken().Value] = x.Value
			n = x.Value
		case *ast.AliasNode:
			name := x.Value.GetToken().Value
			if n = d.anchors[name]; n == nil {
				d.problem(start(x), key, "alias *%s has no anchor &%s before it; if the star is meant, put quotes around it", name, name)
				return nil
			}
		case *ast.TagNode:
			d.problem(start(x), key, "tag %s is not read here; write the plain value", quote(x.GetToken().Value))
			return nil
		default:
			return n
		}
	}
}

// text reads a scalar that is text: free, one of certain words, or parsed by its type.
func (d *decoder) text(n ast.Node, key string, v reflect.Value) {
	var s string
	switch x := n.(type) {
	case *ast.StringNode:
		s = x.Value
	case *ast.LiteralNode:
		s = x.Value.Value
	case ast.ScalarNode:
		// A bare 3600 is better told that a duration needs a unit than that it needs quotes.
		if err := d.set(reflect.New(v.Type()).Elem(), n.GetToken().Value); err != nil && n.Type() != ast.NullType {
			d.problem(d.where[key], key, "%s", err)
			return
		}
		d.mismatch(n, key, "text")
		return
	default:
		d.mismatch(n, key, "text")
		return
	}
	if s == "" {
		d.problem(d.where[key], key, "is empty; write a value")
		return
	}
	if err := d.set(v, s); err != nil {
		d.problem(d.where[key], key, "%s", err)
	}
}

// set parses s into v, and leaves v zero where only certain words are allowed and s is not one of them.
func (d *decoder) set(v reflect.Value, s string) error {
	if noun, allowed := d.known.words(v.Type()); noun != "" && !slices.Contains(allowed, s) {
		return d.known.unknown(v.Type(), s)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(s))
	}
	v.SetString(s)
	return nil
}

// number reads a whole number within the bounds of its type.
func (d *decoder) number(n ast.Node, key string, v reflect.Value) {
	x, ok := n.(*ast.IntegerNode)
	if !ok {
		d.mismatch(n, key, "a whole number")
		return
	}
	// The parser gives uint64 for what has no sign, int64 for what has one.
	i, signed := x.Value.(int64)
	if u, ok := x.Value.(uint64); ok && u <= math.MaxInt32 {
		i, signed = int64(u), true
	}
	if low, high := limits(v.Type()); !signed || i < int64(low) || i > int64(high) {
		d.problem(d.where[key], key, "%s is out of range; write a number from %d to %d", x.GetToken().Value, low, high)
		return
	}
	v.SetInt(i)
}

// list reads a sequence.
func (d *decoder) list(n ast.Node, key string, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mismatch(n, key, "a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, item := range seq.Values {
		at := key + "[" + strconv.Itoa(i) + "]"
		d.where[at] = start(item)
		d.fill(item, at, v.Index(i))
	}
}

// mismatch reports a value of the wrong kind.
func (d *decoder) mismatch(n ast.Node, key, want string) {
	remedy := ""
	if _, scalar := n.(ast.ScalarNode); scalar && want == "text" {
		remedy = "; put quotes around it"
	}
	if n.Type() == ast.NullType {
		d.problem(d.where[key], key, "has no value; want %s", want)
		return
	}
	d.problem(d.where[key], key, "want %s, not %s%s", want, kind(n), remedy)
}

// kind says what a node is, for messages.
func kind(n ast.Node) string {
	switch x := n.(type) {
	case *ast.StringNode:
		return "the text " + quote(x.Value)
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.BoolNode:
		return strconv.FormatBool(x.Value)
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	}
	return "the number " + strings.Trim(quote(n.GetToken().Value), `"`)
}
