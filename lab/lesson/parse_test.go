package lesson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lessons"
)

// TestProblems holds what is said of lessons with problems, each with its place.
func TestProblems(t *testing.T) {
	a, err := txtar.ParseFile("testdata/problems.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		file := a.Files[i]
		t.Run(file.Name, func(t *testing.T) {
			_, err := lesson.Parse(file.Name, file.Data)
			if err == nil {
				t.Fatal("no problem is found")
			}
			if diff := cmp.Diff(string(a.Files[i+1].Data), err.Error()+"\n"); diff != "" {
				t.Errorf("- want, + got\n%s", diff)
			}
		})
	}
}

// front begins the lessons of these tests.
const front = `---
title: A title
about: What it is about.
minutes: 10
order: 1
topology: x
---
`

// TestHTML holds what becomes of Markdown: scripts in links go, notes for the trainer are marked.
func TestHTML(t *testing.T) {
	l, err := lesson.Parse("x.md", []byte(front+`
## Of *tables* & such

| a | b |
|---|---|
| 1 | 2 &lt; 3 |

[bad](javascript:alert(1)) [good](https://example.org/)

> **For the trainer.** Wait.

> A quotation.
`))
	if err != nil {
		t.Fatal(err)
	}
	s := l.Sections[0]
	if s.Title != "Of tables & such" {
		t.Errorf("title %q", s.Title)
	}
	for _, want := range []string{"<table>", "<td>2 &lt; 3</td>", `<a href="https://example.org/">good</a>`,
		"<blockquote class=\"trainer\"><p><strong>For the trainer.</strong> Wait.</p>", "<blockquote>\n<p>A quotation.</p>"} {
		if !strings.Contains(s.HTML, want) {
			t.Errorf("lacks %q:\n%s", want, s.HTML)
		}
	}
	for _, bad := range []string{"javascript:"} {
		if strings.Contains(s.HTML, bad) {
			t.Errorf("has %q:\n%s", bad, s.HTML)
		}
	}
}

// TestSecrets holds that what answers a question is not in the JSON that goes to a page.
func TestSecrets(t *testing.T) {
	l, err := lesson.Parse("x.md", []byte(front+`
## One

`+"```question"+`
ask: Which?
choices: [one, two]
right: two
shows: dhcp.secretfield
matches: secretpattern
explain: secretreason
hint: look
`+"```"+`
`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"questions":[{"id":"1.1","ask":"Which?","choices":["one","two"],"hint":"look"}]`; !strings.Contains(string(text), want) || strings.Contains(string(text), "secret") {
		t.Errorf("%s\nwant %s, and no secret", text, want)
	}
}

func FuzzParse(f *testing.F) {
	a, err := txtar.ParseFile("testdata/problems.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range a.Files {
		f.Add(file.Data)
	}
	data, err := lessons.Files.ReadFile("what-pxe-is.md")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := lesson.Parse("x.md", data)
		if (l == nil) == (err == nil) {
			t.Fatalf("%v, %v", l, err)
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "x.md:") {
					t.Errorf("a problem without its place: %q", line)
				}
			}
		}
	})
}
