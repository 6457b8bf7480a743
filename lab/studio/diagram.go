package studio

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pxelab/pxelab/lab/story"
	"github.com/pxelab/pxelab/lab/story/diagram"
)

// Diagram is what is drawn of a source: everybody's boot, or one guest's.
type Diagram struct {
	Guest   string // empty: everybody's
	Chatter bool   // with ARP, neighbour discovery and what else seldom tells anything
}

// drawing is the story so far, as it is drawn.
func (s *Source) drawing(d Diagram) ([]story.Lane, []story.Timed, diagram.Style, error) {
	style := diagram.Style{Title: s.plan.Name, About: s.plan.About, Guest: d.Guest, Chatter: d.Chatter}
	if d.Guest != "" && s.guest(d.Guest) != nil {
		return nil, nil, style, fmt.Errorf("%s has no guest %q (have %s)", s.plan.Name, d.Guest, strings.Join(s.Guests(), ", "))
	}
	items, _ := s.tale.since(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.story.Lanes(), story.Rows(items), style, nil
}

// Guests names those whose boots are shown.
func (s *Source) Guests() []string {
	var out []string
	for _, g := range s.plan.Guests {
		out = append(out, g.Name)
	}
	return out
}

// SVG writes the boot so far as a sequence diagram.
func (s *Source) SVG(w io.Writer, d Diagram) error {
	lanes, rows, style, err := s.drawing(d)
	if err != nil {
		return err
	}
	if _, err := w.Write(diagram.SVG(lanes, rows, style)); err != nil {
		return fmt.Errorf("write the diagram: %w", err)
	}
	return nil
}

// Mermaid writes the boot so far as a sequence diagram in Mermaid's language.
func (s *Source) Mermaid(w io.Writer, d Diagram) error {
	lanes, rows, style, err := s.drawing(d)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, diagram.Mermaid(lanes, rows, style)); err != nil {
		return fmt.Errorf("write the diagram: %w", err)
	}
	return nil
}

// getDiagram answers with the boot so far as a diagram, of the guest that is named, or of all.
func (s *Server) getDiagram(write func(io.Writer, Diagram) error, kind, suffix string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var text bytes.Buffer
		if err := write(&text, Diagram{Guest: q.Get("guest"), Chatter: q.Has("all")}); err != nil {
			fail(w, http.StatusNotFound, "%s", err)
			return
		}
		s.download(w, kind, suffix)
		_, _ = w.Write(text.Bytes())
	}
}
