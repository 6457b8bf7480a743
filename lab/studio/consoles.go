package studio

import (
	"bytes"
	"cmp"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/story"
	"github.com/pxelab/pxelab/lab/story/cast"
)

// consoles are the recordings of the guests' consoles in a bundle, read as they grow. They are used by one goroutine at a time.
type consoles struct {
	list  []*console
	whole bool // they do not grow any more, and have been read
}

// console is a recording and how far it has been read.
type console struct {
	path   string
	file   *os.File // nil: there is none, or not yet
	rest   []byte   // of a line that is not whole yet
	begun  bool     // its header has been read
	broken bool     // a line of it is none
	prints story.Prints
}

func newConsoles(dir string, p *plan.Plan) *consoles {
	c := &consoles{}
	for _, g := range p.Guests {
		c.list = append(c.list, &console{path: bundle.Folder(dir).Cast(g.Name), prints: story.Prints{Guest: g.Name}})
	}
	return c
}

// more gives what has been printed since, by time.
func (c *consoles) more() []story.Printed {
	if c.whole {
		return nil
	}
	var out []story.Printed
	for _, x := range c.list {
		out = append(out, x.more()...)
	}
	slices.SortStableFunc(out, func(a, b story.Printed) int { return cmp.Compare(a.At, b.At) })
	return out
}

// line is a line of a console of which there is no recording: the log has its lines, without colours and places on the screen.
func (c *consoles) line(e *event.Event) (story.Printed, bool) {
	if e.Kind != event.Console {
		return story.Printed{}, false
	}
	i := slices.IndexFunc(c.list, func(x *console) bool { return x.prints.Guest == e.Guest })
	if i < 0 || c.list[i].file != nil {
		return story.Printed{}, false
	}
	return story.Printed{At: e.At, Print: story.Print{Guest: e.Guest, Boot: e.Boot, Data: e.Text + "\r\n"}}, true
}

func (c *consoles) close() {
	for _, x := range c.list {
		if x.file != nil {
			x.file.Close()
		}
	}
}

func (x *console) more() []story.Printed {
	if x.file == nil {
		file, err := os.Open(x.path)
		if err != nil {
			return nil
		}
		x.file = file
	}
	if x.broken {
		return nil
	}
	data, err := io.ReadAll(x.file)
	if err != nil || len(data) == 0 {
		return nil
	}
	var out []story.Printed
	x.rest = append(x.rest, data...)
	for {
		line, rest, whole := bytes.Cut(x.rest, []byte("\n"))
		if !whole {
			return out
		}
		x.rest = rest
		if !x.begun { // the header says nothing that is not known here
			x.begun = true
			continue
		}
		e, err := cast.Parse(line)
		if err != nil {
			x.broken = true // what was read stays
			return out
		}
		if p, ok := x.prints.Next(e); ok {
			out = append(out, p)
		}
	}
}

// look is how often recordings are looked at while the lab's log says nothing.
const look = 100 * time.Millisecond

// feed adds an event to the story, and what was printed until then.
func (s *Source) feed(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.consoles != nil {
		s.printed = append(s.printed, s.consoles.more()...)
		if p, ok := s.consoles.line(&e); ok {
			s.printed = append(s.printed, p)
		}
	}
	if e.Kind == event.RunEnded {
		s.print(forever) // nothing comes after its end
	}
	s.print(e.At)
	s.tale.add(s.story.Add(e)...)
	s.reached(e)
}

// forever is later than any moment of a run.
const forever = time.Duration(math.MaxInt64)

// print adds what was printed until that time.
func (s *Source) print(until time.Duration) {
	n := 0
	for ; n < len(s.printed) && s.printed[n].At <= until; n++ {
		s.tale.add(s.story.Print(s.printed[n].At, s.printed[n].Print))
	}
	s.printed = s.printed[n:]
}

// listen adds all that was printed. The log of a lab that runs may be behind.
func (s *Source) listen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.printed = append(s.printed, s.consoles.more()...)
	s.print(forever)
}
