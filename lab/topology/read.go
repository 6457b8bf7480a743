package topology

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on what is read at all. A lab that one machine can run is far below them; without them a hostile
// file could keep the reader busy for minutes, as the YAML parser takes the square of the number of tokens.
const (
	maxSize   = 1 << 20 // octets
	maxTokens = 10_000  // words and signs of the file
	maxDepth  = 32      // brackets in brackets, or dashes before one value
	maxNodes  = 10_000  // values, after every alias is followed
)

// Parse reads one topology file. The path is only used in messages. What the file leaves out and has one
// obvious value is filled in: the only network, the default NIC. The error is a Problems with everything
// that is wrong, in file order; after an error of YAML syntax, which hides the rest, it holds that alone.
func Parse(path string, data []byte, k Known) (*Topology, error) {
	d := newDecoder(path, k)
	body := d.body(data, "topology")
	if body == nil {
		return nil, d.problems
	}
	c := &checker{decoder: d, form: d.file(body), topo: &Topology{Path: path}}
	c.check()
	if len(d.problems) == 0 {
		return c.topo, nil
	}
	d.problems.sort()
	return nil, d.problems
}

func newDecoder(path string, k Known) *decoder {
	return &decoder{known: k, path: path, left: maxNodes, anchors: map[string]ast.Node{}, where: map[string]position{},
		keys: map[string][]string{}, unknown: map[string]bool{}}
}

// body finds the file's one document, or reports why there is none to read and returns nil. The noun is what the file holds.
func (d *decoder) body(data []byte, noun string) ast.Node {
	start := position{1, 1}
	if len(data) > maxSize {
		d.problem(start, "", "the file has %d octets; a %s may have %d (1 MiB)", len(data), noun, maxSize)
		return nil
	}
	if at, ok := invalidUTF8(data); ok {
		d.problem(at, "", "not UTF-8 from here on; save the file as UTF-8")
		return nil
	}
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(data, []byte("\ufeff"))))
	if len(tokens) > maxTokens {
		d.problem(start, "", "the file has %d words and signs; a %s may have %d", len(tokens), noun, maxTokens)
		return nil
	}
	if at, ok := tooDeep(tokens); ok {
		d.problem(at, "", "values are nested more than %d deep here; a %s needs fewer than 10", maxDepth, noun)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err, data)
		return nil
	}
	return d.document(file, noun)
}

// least is what a file must have.
var least = map[string]string{"topology": "name, networks and guests", "matrix": "name, topologies and axes"}

// tooDeep gives the first bracket, or dash among many on one line, that is nested too deep: the parser follows
// them by recursion. Deeper indentation alone is no danger, as it takes the square of its depth in octets.
func tooDeep(tokens token.Tokens) (position, bool) {
	depth, line, dashes := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, dashes = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			if depth++; depth > maxDepth {
				return place(tk), true
			}
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			if dashes++; dashes > maxDepth {
				return place(tk), true
			}
		}
	}
	return position{}, false
}

// document picks the only document of a file.
func (d *decoder) document(file *ast.File, noun string) ast.Node {
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if body != nil {
			d.problem(start(doc.Body), "", "a second document begins here; one file is one %s, so put it in a file of its own", strings.Replace(noun, "topology", "lab", 1))
			return nil
		}
		body = doc.Body
	}
	if body == nil {
		d.problem(position{1, 1}, "", "the file is empty; a %s has at least %s", noun, least[noun])
	}
	return body
}

// syntax reports what the YAML parser says.
func (d *decoder) syntax(err error, data []byte) {
	at, message := position{1, 1}, err.Error()
	var e yaml.Error
	if errors.As(err, &e) {
		message = e.GetMessage()
		if tk := e.GetToken(); tk != nil {
			at = place(tk)
		}
	}
	remedy := "mind indentation, quotes and brackets near here"
	if lines := strings.Split(string(data), "\n"); at.line <= len(lines) {
		near := lines[max(0, at.line-2):at.line]
		begins := func(with string) bool {
			return slices.ContainsFunc(near, func(l string) bool { return strings.HasPrefix(strings.TrimLeft(l, " "), with) })
		}
		switch {
		case begins("*:"):
			remedy = `write "*": with its quotes`
		case begins("\t"):
			remedy = "indent with spaces, as YAML allows no tabs there"
		}
	}
	d.problem(at, "", "not YAML: %s; %s", message, remedy)
}

// invalidUTF8 gives the place of the first octet that is not UTF-8.
func invalidUTF8(data []byte) (position, bool) {
	at := position{1, 1}
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			return at, true
		}
		at.column++
		if r == '\n' {
			at = position{at.line + 1, 1}
		}
		data = data[n:]
	}
	return position{}, false
}

// position is a place in the file, both numbers from 1.
type position struct{ line, column int }

// start is where a node begins. The parser gives a block mapping the place of its first colon.
func start(n ast.Node) position {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return start(x.Values[0])
		}
	case *ast.MappingValueNode:
		return place(x.Key.GetToken())
	}
	return place(n.GetToken())
}

func place(tk *token.Token) position {
	if tk == nil || tk.Position == nil {
		return position{1, 1}
	}
	return position{max(1, tk.Position.Line), max(1, tk.Position.Column)}
}

func (d *decoder) problem(at position, key, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.path, at.line, at.column, key, fmt.Sprintf(format, args...)})
}
