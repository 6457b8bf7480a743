package results

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/report"
)

//go:embed page.gohtml
var pageText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// page is the one template; html/template alone decides what text of guests becomes.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"show":    report.Visible,
	"mark":    markOf,
	"class":   class,
	"day":     day,
	"seconds": func(s Seconds) string { return fmt.Sprintf("%.2f s", float64(s)) },
	"join":    func(list []string) string { return report.Visible(strings.Join(list, ", ")) },
	"next":    func(i int) int { return i + 1 },
	"bars":    bars,
}).Parse(pageText))

// HTML is the report as one page that needs nothing else: its style and its few lines of script are in it, and its policy lets a
// browser run and load nothing but these.
func (r *Report) HTML() ([]byte, error) {
	verdict, outcome := mark{"✗", "failed"}, matrix.Failed
	if r.Passed {
		verdict, outcome = mark{"✓", "passed"}, matrix.Passed
	}
	var good []*Case
	for i := range r.Cases {
		if r.Cases[i].Outcome.Good() {
			good = append(good, &r.Cases[i])
		}
	}
	data := map[string]any{
		"Report": r, "Verdict": verdict, "Class": class(outcome), "Summary": r.summary(), "Legend": r.legend(), "Grid": r.grid(),
		"Bad": r.bad(), "Good": good, "History": []section(nil),
		"Style": template.CSS(pageStyle), "Script": template.JS(pageScript),
		"Policy": fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hash(pageStyle), hash(pageScript)),
	}
	if r.History != nil {
		data["History"] = r.History.sections()
	}
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("write the report of %q as HTML: %w", r.Name, err)
	}
	return out.Bytes(), nil
}

// hash is how a content security policy names a text that it lets through (CSP level 2, section 4.2.5).
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// class is an outcome as a class of the page's style.
func class(o matrix.Outcome) string {
	if _, ok := marks[o]; ok {
		return string(o)
	}
	return string(matrix.Broken)
}

// legendEntry is one outcome with the number of its cases.
type legendEntry struct {
	Outcome string
	Mark    mark
	Count   int
}

func (r *Report) legend() []legendEntry {
	var out []legendEntry
	for _, o := range shown {
		if n := *r.Counts.of(o); n > 0 {
			out = append(out, legendEntry{string(o), marks[o], n})
		}
	}
	return out
}

// Shown is what the page shows of the attempt that counts; nil when its bundle could not be read.
func (c *Case) Shown() *Detail { return c.detail }

// Explained are the boots that the page explains: of a case that is as it should be, those that stopped, as they should.
func (c *Case) Explained() []explain.Explanation {
	if c.detail == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.detail.Boots), func(x explain.Explanation) bool {
		return c.Outcome == matrix.Passed && x.End == explain.Booted
	})
}

// bar is one stage on the page: where its time begins and how long it is, in thousandths of the whole.
type bar struct {
	Stage    string
	At, Took Seconds
	X, Width int
}

// bars lays the stages of a guest out along its boot.
func bars(g Guest) []bar {
	stages := inTime(g.Stages)
	if len(stages) == 0 {
		return nil
	}
	whole := float64(max(stages[len(stages)-1].Seconds, 0.001))
	var out []bar
	var before Seconds
	for _, s := range stages {
		x, width := int(float64(before)/whole*1000), int(float64(s.Seconds-before)/whole*1000)
		width = max(width, 4) // so that there is something to see
		out = append(out, bar{Stage: s.Stage, At: s.Seconds, Took: s.Seconds - before, X: min(x, 1000-width), Width: width})
		before = s.Seconds
	}
	return out
}
