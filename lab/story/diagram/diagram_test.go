package diagram

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/story"
	"github.com/pxelab/pxelab/tests/golden"
)

// told is the story of a run that was recorded.
func told(t testing.TB, dir string) ([]story.Lane, []story.Timed, Style) {
	t.Helper()
	p, events, err := bundle.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := story.New(p)
	var items []story.Item
	for _, e := range events {
		items = append(items, s.Add(e)...)
	}
	return s.Lanes(), story.Rows(items), Style{Title: p.Name, About: p.About}
}

const real = "../../judge/testdata/real/"

func TestGoldens(t *testing.T) {
	for _, name := range []string{"firmware-trio", "missing-file"} {
		lanes, rows, s := told(t, real+name)
		s.Guest = "x64"
		golden.Check(t, filepath.Join("testdata", name+".svg"), string(SVG(lanes, rows, s)))
		s.Guest = ""
		golden.Check(t, filepath.Join("testdata", name+".mmd"), Mermaid(lanes, rows, s))
	}
}

// TestDocumented: the documentation's example is what comes of that run.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/studio.md")
	if err != nil {
		t.Fatal(err)
	}
	lanes, rows, s := told(t, real+"missing-file")
	s.Guest = "x64"
	if want := "```mermaid\n" + Mermaid(lanes, rows, s) + "```"; !strings.Contains(string(text), want) {
		t.Errorf("docs/studio.md has not:\n%s", want)
	}
}

// hostile is text that means something to the languages of diagrams.
var hostile = []string{`</text><script>alert(1)</script>`, `"; end`, "end", "a\nL1->>L2: forged", "#59;", "%%{init: {}}%%", "\x1b[2J\x00\xff", "&amp;", "", "日本語 \u202e rtl", "L1->>L2: x", ":wrap: a"}

// forged is a story whose every text is hostile.
func forged(text string) ([]story.Lane, []story.Timed, Style) {
	lanes := []story.Lane{{ID: "guest:" + text, Kind: "guest", Name: text}, {ID: "service:" + text, Kind: "service", Name: text}}
	var rows []story.Timed
	for i, kind := range []string{story.Message, story.Transfer, story.Note, story.Message} {
		r := story.Row{ID: i + 1, Kind: kind, Guest: text, From: lanes[0].ID, To: lanes[1].ID, Proto: "dhcp", Label: text, Detail: text, Why: text, Bad: text, Outcome: text, Via: lanes[1].ID}
		if i == 3 {
			r.To = story.All
		}
		rows = append(rows, story.Timed{Row: r})
	}
	return lanes, rows, Style{Title: text, About: text}
}

// TestSVGIsSafe: whatever names and messages hold, the picture is well-formed, and has nothing that is run or fetched.
func TestSVGIsSafe(t *testing.T) {
	allowed := map[string]bool{"svg": true, "title": true, "style": true, "rect": true, "line": true, "path": true, "circle": true, "text": true, "g": true}
	check := func(name string, svg []byte) {
		for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			if !allowed[e.Name.Local] {
				t.Errorf("%s has an element %q", name, e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || strings.Contains(a.Value, "url(") {
					t.Errorf("%s has an attribute %s=%q", name, a.Name.Local, a.Value)
				}
			}
		}
	}
	for _, text := range hostile {
		check(text, SVG(forged(text)))
	}
	if strings.Contains(look, "url(") || strings.Contains(look, "@import") {
		t.Error("the style fetches something")
	}
	dirs, _ := filepath.Glob(real + "*")
	for _, dir := range dirs {
		lanes, rows, s := told(t, dir)
		s.Chatter = true
		check(dir, SVG(lanes, rows, s))
	}
	if len(dirs) == 0 {
		t.Error("no runs")
	}
}

// statement is a line of Mermaid as this package writes it: nothing in its text has a meaning to the language but entities.
var statement = regexp.MustCompile(`^    (participant L\d+ as|Note over L\d+:|L\d+(->>|-->>|--x|-\))L\d+:) ([^#;<>%{}&\\` + "`" + `\x00-\x1f]|#\d+;)+$`)

// TestMermaidIsWellFormed holds every line to that, and its lanes to those that it names at first.
func TestMermaidIsWellFormed(t *testing.T) {
	check := func(name, text string) {
		if rest, ok := strings.CutPrefix(text, "---\ntitle: "); ok {
			head, after, _ := strings.Cut(rest, "\n---\n")
			var title string
			if err := json.Unmarshal([]byte(head), &title); err != nil {
				t.Errorf("%s: title %s: %v", name, head, err)
			}
			text = after
		}
		body, ok := strings.CutPrefix(text, "sequenceDiagram\n")
		if !ok {
			t.Fatalf("%s begins %.40q", name, text)
		}
		lanes := map[string]bool{}
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			if !statement.MatchString(line) {
				t.Errorf("%s: %q", name, line)
			}
			declares := strings.Contains(line, "participant ")
			head, _, _ := strings.Cut(line, ":")
			for _, l := range regexp.MustCompile(`\bL\d+\b`).FindAllString(strings.SplitN(head, " as ", 2)[0], -1) {
				if lanes[l] == declares {
					t.Errorf("%s: lane %s in %q", name, l, line)
				}
				lanes[l] = true
			}
		}
	}
	for _, text := range hostile {
		check(text, Mermaid(forged(text)))
	}
	dirs, _ := filepath.Glob(real + "*")
	for _, dir := range dirs {
		lanes, rows, s := told(t, dir)
		check(dir, Mermaid(lanes, rows, s))
	}
}

func TestFolding(t *testing.T) {
	lanes, rows, s := told(t, real+"dead-tftp")
	text := Mermaid(lanes, rows, s)
	for _, want := range []string{"L1-)L4: DISCOVER ×2#44; to all\n", "L1->>L4: TFTP probe.0\n", "5 packets sent again, no answer"} {
		if !strings.Contains(text, strings.ReplaceAll(want, "#44;", ",")) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
