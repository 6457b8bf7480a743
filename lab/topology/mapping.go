package topology

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// pair is one "key: value" of a mapping.
type pair struct {
	key   string
	at    position // of the key
	value ast.Node
}

// mapping reads a mapping into a struct, whose keys are fixed, or into a map, whose keys are the file's.
func (d *decoder) mapping(n ast.Node, key string, v reflect.Value) {
	fields := fieldsOf(v.Type())
	pairs, ok := d.pairs(n, key)
	if !ok {
		want := "a mapping (key: value)"
		if t := v.Type(); t == reflect.TypeFor[tftpForm]() || t == reflect.TypeFor[httpForm]() || t == reflect.TypeFor[echoForm]() {
			want = "a mapping ({} for the defaults)"
		}
		d.mismatch(n, key, want)
		return
	}
	d.keys[key] = []string{}
	for _, p := range pairs {
		d.keys[key] = append(d.keys[key], p.key)
		at := join(key, p.key)
		d.where[at] = p.at
		if _, scalar := p.value.(ast.ScalarNode); scalar && p.value.Type() != ast.NullType {
			d.where[at] = start(p.value)
		}
		if v.Kind() == reflect.Map {
			d.entry(p, key, v)
		} else {
			d.field(p, key, v, fields)
		}
	}
	for _, f := range fields {
		// A mistyped key was reported as unknown; that it is missing is the same mistake.
		wrote := func(p pair) bool { return p.key == f.key || d.unknown[key] && nearest(p.key, []string{f.key}) != "" }
		if f.required && !slices.ContainsFunc(pairs, wrote) {
			d.problem(d.where[key], key, "needs %q%s", f.key, d.example(v.Type(), f))
		}
	}
}

// entry reads one pair of a mapping whose keys are the file's.
func (d *decoder) entry(p pair, key string, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	name := reflect.New(v.Type().Key()).Elem()
	if err := d.set(name, p.key); err != nil {
		d.problem(p.at, key, "%s", err)
		name.SetString(p.key)
	}
	value := reflect.New(v.Type().Elem()).Elem()
	d.fill(p.value, join(key, p.key), value)
	v.SetMapIndex(name, value)
}

// field reads one pair of a mapping whose keys are fixed. One of its fields may take the words of some type as
// further keys: the architectures of boot stand beside its other keys.
func (d *decoder) field(p pair, key string, v reflect.Value, fields []field) {
	var have []string
	for _, f := range fields {
		if f.key == p.key {
			d.fill(p.value, join(key, p.key), v.Field(f.index))
			return
		}
		if f.rest {
			_, words := d.known.words(v.Field(f.index).Type().Key())
			if slices.Contains(words, p.key) {
				d.entry(p, key, v.Field(f.index))
				return
			}
			have = append(have, words...)
			continue
		}
		have = append(have, f.key)
	}
	d.unknown[key] = true
	d.problem(p.at, key, "unknown key %s %s", quote(p.key), hint(p.key, have))
}

// pairs gives a mapping's pairs, each key once, and false if n is no mapping.
func (d *decoder) pairs(n ast.Node, key string) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		values = x.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{x}
	default:
		return nil, false
	}
	seen := map[string]position{}
	var pairs []pair
	for _, x := range values {
		p := pair{at: place(x.Key.GetToken()), value: x.Value}
		name, err := keyText(x.Key)
		if err != nil {
			d.problem(p.at, key, "%s", err)
			continue
		}
		if first, dup := seen[name]; dup {
			d.problem(p.at, key, "duplicate key %s; the first is on line %d", quote(name), first.line)
			continue
		}
		p.key = name
		seen[name] = p.at
		pairs = append(pairs, p)
	}
	return pairs, true
}

// keyText gives a key's text. A number or a word such as true may be a name, too.
func keyText(n ast.Node) (string, error) {
	switch x := n.(type) {
	case *ast.MergeKeyNode:
		return "", fmt.Errorf("merge keys (<<) are not read; write the keys out")
	case *ast.MappingKeyNode:
		if x.Value != nil {
			return keyText(x.Value)
		}
	case *ast.StringNode:
		return x.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return n.GetToken().Value, nil
	}
	return "", fmt.Errorf("a key must be plain text")
}

// field is a key of a form type, from its tags.
type field struct {
	key            string
	index          int
	required, rest bool
	example        string
}

// fieldsOf lists the keys of a form type in their order, and none for a map, whose keys are the file's.
func fieldsOf(t reflect.Type) []field {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var fields []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		f := field{key: tag.Get("json"), index: i, example: tag.Get("example")}
		_, f.rest = tag.Lookup("rest")
		f.required = strings.HasPrefix(tag.Get("jsonschema"), "required")
		fields = append(fields, f)
	}
	return fields
}

// example ends the message about a missing key: what it may be.
func (d *decoder) example(t reflect.Type, f field) string {
	if noun, allowed := d.known.words(t.Field(f.index).Type); noun != "" {
		return " " + hint("", allowed)
	}
	if f.example != "" {
		return fmt.Sprintf(", such as %s: %s", f.key, f.example)
	}
	return ""
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
