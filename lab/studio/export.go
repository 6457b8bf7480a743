package studio

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/story"
)

// framesAtOnce is how many opened frames are packed together: few enough to be there at a click.
const framesAtOnce = 100

// Export writes all that a source has told so far as one page that needs nothing else: no server, no network. Its policy lets a browser
// run and load nothing but what is in it.
func Export(w io.Writer, s *Source, version string) error {
	page, err := newExported(assets, Vendored())
	if err != nil {
		return err
	}
	items, _ := s.tale.since(1)
	about := s.about(version)
	about.Live, about.Bundle = false, ""
	if err := page.plain("studio-about", about); err != nil {
		return err
	}
	if s.lesson != nil {
		if err := errors.Join(page.plain("studio-lesson", s.lesson), page.packed("studio-answers", "", s.answerKeys())); err != nil {
			return err
		}
	}
	if err := page.packed("studio-items", "", items); err != nil {
		return err
	}
	if err := errors.Join(page.frames(s, items), page.held(s, items)); err != nil {
		return err
	}
	if _, err := io.WriteString(w, page.text()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// exported is a page being put together.
type exported struct {
	html    string
	nonce   string
	styles  []string // how the policy names the styles in it,
	scripts []string // and the scripts
	blocks  strings.Builder
}

var (
	styleTag  = regexp.MustCompile(`<link rel="stylesheet" href="/(page/[\w/.-]+)">`)
	scriptTag = regexp.MustCompile(`<script( type="module")? src="/(page/[\w/.-]+)"(?: defer)?></script>`)
	leftTag   = regexp.MustCompile(`(?i)<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)="?[^d"][^>]*>`) // of anything but data:
)

// newExported takes the page with its styles and scripts inside it. Scripts go to the end: in a file none is deferred.
func newExported(files fs.FS, terminal bool) (*exported, error) {
	p := &exported{nonce: rand.Text()}
	text, err := index(files, terminal, p.nonce)
	if err != nil {
		return nil, fmt.Errorf("this pxelab was built without its page: %w", err)
	}
	var problems []error
	read := func(name string) string {
		data, err := fs.ReadFile(files, name)
		problems = append(problems, err)
		return string(data)
	}
	text = styleTag.ReplaceAllStringFunc(text, func(tag string) string {
		style := read(styleTag.FindStringSubmatch(tag)[1])
		p.styles = append(p.styles, hash(style))
		return inside("style", style, &problems)
	})
	var scripts strings.Builder
	text = scriptTag.ReplaceAllStringFunc(text, func(tag string) string {
		m := scriptTag.FindStringSubmatch(tag)
		script := ""
		if m[1] == "" {
			script = read(m[2])
		} else {
			linked, err := link(files, m[2])
			problems = append(problems, err)
			script = linked
		}
		p.scripts = append(p.scripts, hash(script))
		scripts.WriteString(inside("script", script, &problems) + "\n")
		return ""
	})
	for _, needed := range []string{charset, "</body>"} {
		if !strings.Contains(text, needed) {
			problems = append(problems, fmt.Errorf("the page has no %s", needed))
		}
	}
	if left := leftTag.FindString(text); left != "" {
		problems = append(problems, fmt.Errorf("the page loads %s, which an exported page cannot", left))
	}
	p.html = strings.Replace(text, "</body>", blocksMark+scripts.String()+"</body>", 1)
	return p, errors.Join(problems...)
}

// charset stands first in the page, and the policy behind it: a browser looks for it in the first 1024 octets alone.
const charset = `<meta charset="utf-8">`

// blocksMark is where the data goes: before the scripts that read it.
const blocksMark = "<!-- data -->\n"

// inside puts a text into an element, which it may not end, nor hide the end of (HTML, "restrictions for contents of script elements").
func inside(element, text string, problems *[]error) string {
	for _, no := range []string{"</" + element, "<!--"} {
		if strings.Contains(strings.ToLower(text), no) {
			*problems = append(*problems, fmt.Errorf("a %s of the page contains %s, which it cannot in a page", element, no))
		}
	}
	return "<" + element + ">" + text + "</" + element + ">"
}

// hash is how a content security policy names a text that it lets through (CSP level 2, section 4.2.5).
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// plain adds a block of data as it is. In JSON as it is made here < is never written as itself, so nothing ends the element.
func (p *exported) plain(id string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", id, err)
	}
	fmt.Fprintf(&p.blocks, "<script type=\"application/json\" id=\"%s\">%s</script>\n", id, data)
	return nil
}

// packed adds a block of JSON that is packed by gzip and written in base64.
func (p *exported) packed(id, attributes string, v any) error {
	var out bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &out)
	packer, _ := gzip.NewWriterLevel(text, gzip.BestCompression) // which is a level
	if err := errors.Join(json.NewEncoder(packer).Encode(v), packer.Close(), text.Close()); err != nil {
		return fmt.Errorf("pack %s: %w", id, err)
	}
	fmt.Fprintf(&p.blocks, "<script type=\"application/gzip\" id=\"%s\"%s>%s</script>\n", id, attributes, &out)
	return nil
}

// frames adds the frames that the items are about, opened. One that is not in the capture any more is left out.
func (p *exported) frames(s *Source, items []story.Item) error {
	for list := range slices.Chunk(mentioned(items), framesAtOnce) {
		opened := map[int]Opened{}
		for _, number := range list {
			if f, err := s.open(number); err == nil {
				opened[number] = f
			}
		}
		first, last := list[0], list[len(list)-1]
		attributes := fmt.Sprintf(` data-from="%d" data-to="%d"`, first, last)
		if err := p.packed(fmt.Sprintf("studio-frames-%d", first), attributes, opened); err != nil {
			return err
		}
	}
	return nil
}

// held adds the packets that the lab was held at, opened, by the numbers of the items that say so.
func (p *exported) held(s *Source, items []story.Item) error {
	opened := map[int]Opened{}
	for i := range items {
		if h := items[i].Hold; h != nil && len(h.Data) > 0 {
			opened[items[i].N] = s.opened(frame{data: h.Data, guest: h.Guest, fromGuest: h.FromGuest})
		}
	}
	if len(opened) == 0 {
		return nil
	}
	return p.packed("studio-held", "", opened)
}

// mentioned lists the frames that items are about, in order.
func mentioned(items []story.Item) []int {
	known := map[int]bool{}
	for i := range items {
		if r := items[i].Row; r != nil {
			known[r.Frame], known[r.Finished] = true, true
		}
		if v := items[i].Verdict; v != nil {
			for _, a := range v.Answers {
				for _, e := range a.Evidence {
					known[e.Frame] = true
				}
			}
		}
		if r := items[i].Step; r != nil {
			known[r.Frame] = true
		}
	}
	delete(known, 0)
	var list []int
	for number := range known {
		list = append(list, number)
	}
	slices.Sort(list)
	return list
}

// text is the whole page.
func (p *exported) text() string {
	policy := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s 'nonce-%s'; img-src data:; base-uri 'none'; form-action 'none'",
		strings.Join(p.scripts, " "), strings.Join(p.styles, " "), p.nonce)
	html := strings.Replace(p.html, charset, charset+"\n<meta http-equiv=\"Content-Security-Policy\" content=\""+policy+"\">", 1)
	return strings.Replace(html, blocksMark, p.blocks.String(), 1)
}
