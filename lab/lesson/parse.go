package lesson

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/pxelab/pxelab/lab/topology"
)

// maxSize is how many octets a lesson may have: far more than a class can read.
const maxSize = 256 << 10

// nameForm is what a lesson, and a topology, may be called.
var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// markdown is CommonMark with tables. It leaves raw HTML and dangerous links out, which is goldmark's default.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

// Parse reads a lesson, whose name is that of its file without ".md". The error is a topology.Problems with everything that is wrong,
// in file order.
func Parse(file string, data []byte) (*Lesson, error) {
	r := &reader{file: file, data: data, lesson: &Lesson{Name: strings.TrimSuffix(path.Base(file), ".md"), file: file}}
	r.read()
	if len(r.problems) == 0 {
		return r.lesson, nil
	}
	slices.SortStableFunc(r.problems, func(a, b topology.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return nil, r.problems
}

// reader reads one file, and gathers what is wrong with it.
type reader struct {
	file     string
	data     []byte
	lesson   *Lesson
	problems topology.Problems
}

func (r *reader) problem(at place, key, format string, args ...any) {
	r.problems = append(r.problems, topology.Problem{Path: r.file, Line: at.line, Column: at.column, Key: key, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) read() {
	switch {
	case len(r.data) > maxSize:
		r.problem(place{1, 1}, "", "the file has %d octets; a lesson may have %d (256 KiB)", len(r.data), maxSize)
		return
	case !utf8.Valid(r.data):
		r.problem(place{1, 1}, "", "the file is not UTF-8; save it as UTF-8")
		return
	}
	r.data = bytes.ReplaceAll(r.data, []byte("\r\n"), []byte("\n"))
	if !nameForm.MatchString(r.lesson.Name) {
		r.problem(place{1, 1}, "", "bad name %q: a lesson's file is NAME.md, of up to 40 of a-z, 0-9 and dash", r.lesson.Name)
	}
	if body, ok := r.frontMatter(); ok {
		r.sections(body)
	}
}

// frontMatter reads what stands between the two lines "---", and tells where the text begins.
func (r *reader) frontMatter() (body int, ok bool) {
	const fence = "---\n"
	end := bytes.Index(r.data, []byte("\n"+fence))
	if !bytes.HasPrefix(r.data, []byte(fence)) || end < 0 {
		r.problem(place{1, 1}, "", `a lesson begins with its front matter: a line "---", keys such as "title: What PXE is", and a line "---"`)
		return 0, false
	}
	b := r.block(r.data[len(fence):end+1], place{2, 1}, "front matter", []string{"title", "about", "minutes", "topology", "order"})
	if b == nil {
		return end + 1 + len(fence), true
	}
	l := r.lesson
	l.Title, l.About, l.Topology = b.need("title", "What PXE is"), b.need("about", "How a machine finds its boot program."), b.need("topology", "proxy-beside-dhcp")
	l.Minutes, l.Order = b.number("minutes", 1, 240), b.number("order", 1, 1000)
	if l.Topology != "" && !nameForm.MatchString(l.Topology) {
		r.problem(b.place("topology"), "topology", "bad name %q: it is that of a file in topologies/ or beside the lesson, without .yaml", l.Topology)
	}
	return end + 1 + len(fence), true
}

// sections reads the text from an offset on.
func (r *reader) sections(from int) {
	source := slices.Clone(r.data)
	for i := range source[:from] { // blank it, so that offsets stay those of the file
		if source[i] != '\n' {
			source[i] = ' '
		}
	}
	var now *section
	end := func() {
		if now != nil {
			r.lesson.Sections = append(r.lesson.Sections, now.finish(source))
		}
	}
	doc := markdown.Parser().Parse(text.NewReader(source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		heading, isHeading := n.(*ast.Heading)
		switch {
		case isHeading && heading.Level == 1:
			r.problem(r.placeOf(n), "", "the title is in the front matter; a section begins with ##")
		case isHeading && heading.Level == 2:
			end()
			now = &section{reader: r, number: len(r.lesson.Sections) + 1}
			now.Title = plain(n, source)
		case now == nil:
			r.problem(r.placeOf(n), "", "text before the first section; begin with a line such as \"## A machine without a disk\"")
		default:
			now.add(n, source)
		}
		r.rawHTML(n)
	}
	end()
	if len(r.lesson.Sections) == 0 && len(r.problems) == 0 {
		r.problem(r.placeAt(from), "", "a lesson has sections, each below a line such as \"## A machine without a disk\"; this one has none")
	}
}

// rawHTML reports what would be left out.
func (r *reader) rawHTML(n ast.Node) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function gives no error
		at := -1
		switch x := n.(type) {
		case *ast.RawHTML:
			at = x.Segments.At(0).Start
		case *ast.HTMLBlock:
			at = x.Lines().At(0).Start
		}
		if entering && at >= 0 {
			r.problem(r.placeAt(at), "", "raw HTML is left out; put `...` around what is meant as text")
		}
		return ast.WalkContinue, nil
	})
}

// section is one that is being read.
type section struct {
	Section
	*reader
	number int // from 1
	nodes  []ast.Node
	notes  map[ast.Node]bool // those for the trainer
}

// forTrainer begins a blockquote that students do not see.
const forTrainer = "For the trainer"

// add takes the next block of the section.
func (s *section) add(n ast.Node, source []byte) {
	if code, ok := n.(*ast.FencedCodeBlock); ok {
		switch string(code.Language(source)) {
		case "checkpoint":
			s.checkpoint(code, source)
			return
		case "question":
			s.question(code, source)
			return
		}
	}
	if _, ok := n.(*ast.Blockquote); ok && strings.HasPrefix(plain(n, source), forTrainer) {
		n.SetAttributeString("class", []byte("trainer"))
		if s.notes == nil {
			s.notes = map[ast.Node]bool{}
		}
		s.notes[n] = true
	}
	s.nodes = append(s.nodes, n)
}

// finish renders the section.
func (s *section) finish(source []byte) Section {
	var all, students, trainer bytes.Buffer
	for _, n := range s.nodes {
		var html bytes.Buffer
		if err := markdown.Renderer().Render(&html, source, n); err != nil {
			s.problem(s.placeOf(n), "", "cannot be turned into HTML: %v", err)
		}
		all.Write(html.Bytes())
		if s.notes[n] {
			trainer.Write(html.Bytes())
		} else {
			students.Write(html.Bytes())
		}
	}
	s.HTML, s.students, s.trainer = all.String(), students.String(), trainer.String()
	return s.Section
}

// plain is the text of a block.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function gives no error
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// placeOf is where a block begins.
func (r *reader) placeOf(n ast.Node) place {
	for at := n; at != nil; at = at.FirstChild() {
		if at.Type() == ast.TypeBlock && at.Lines().Len() > 0 {
			return r.placeAt(at.Lines().At(0).Start)
		}
	}
	if p := n.Parent(); p != nil {
		return r.placeOf(p)
	}
	return place{1, 1}
}

// placeAt is the place of an offset.
func (r *reader) placeAt(offset int) place {
	before := r.data[:min(offset, len(r.data))]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return place{1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[begin:])}
}

// problemsOf are those of a reader of YAML, moved to where its text stands in the file.
func problemsOf(err error, at place) topology.Problems {
	var list topology.Problems
	if !errors.As(err, &list) {
		return topology.Problems{{Line: at.line, Column: at.column, Message: err.Error()}}
	}
	for i := range list {
		list[i].Line += at.line - 1
		list[i].Column += at.column - 1
	}
	return list
}
