package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/runner"
	"github.com/pxelab/pxelab/lab/report"
)

// matrixShow shows a matrix on its way: a line per attempt that ended, and on a terminal a display below that is redrawn in place.
type matrixShow struct {
	mu     sync.Mutex
	name   string
	cases  []matrix.Case
	cores  int
	live   bool
	color  bool
	begun  time.Time
	p      *report.MatrixProgress
	height int // lines of the display that stand on the screen
	done   chan struct{}
	drawn  chan struct{}
	once   sync.Once
}

// showMatrix begins to show.
func showMatrix(name string, cases []matrix.Case, cores int) *matrixShow {
	m := &matrixShow{name: name, cases: cases, cores: cores, begun: time.Now(), done: make(chan struct{}), drawn: make(chan struct{})}
	m.live = term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == ""
	m.color = report.UseColor(term.IsTerminal(int(os.Stdout.Fd())), os.Getenv("TERM"), os.Getenv("NO_COLOR"))
	m.p = report.NewMatrixProgress(name, cases, len(cases), cores, nil)
	go m.redraw()
	return m
}

// redraw keeps the display going until close.
func (m *matrixShow) redraw() {
	defer close(m.drawn)
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.done:
			return
		case <-tick.C:
			m.mu.Lock()
			m.draw("")
			m.mu.Unlock()
		}
	}
}

// draw prints lines that stay, and the display below them.
func (m *matrixShow) draw(lines string) {
	if !m.live {
		fmt.Print(lines)
		return
	}
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		width = 80
	}
	frame := m.p.Frame(width, time.Since(m.begun))
	out := ""
	if m.height > 0 {
		out = fmt.Sprintf("\x1b[%dA", m.height)
	}
	out += strings.ReplaceAll(lines+frame, "\n", "\x1b[K\n") + "\x1b[J"
	fmt.Print(out)
	m.height = strings.Count(frame, "\n")
}

// close takes the display away; the lines stay.
func (m *matrixShow) close() {
	m.once.Do(func() {
		close(m.done)
		<-m.drawn
		if m.live && m.height > 0 {
			fmt.Printf("\x1b[%dA\x1b[J", m.height)
		}
		m.live = false
	})
}

func (m *matrixShow) style() report.Style {
	return report.Style{Width: styleOf(os.Stdout, "").Width, Color: m.color}
}

// Begin implements runner.Show.
func (m *matrixShow) Begin(attempts int, kept []matrix.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p = report.NewMatrixProgress(m.name, m.cases, attempts, m.cores, kept)
	m.p.Color = m.color
	if len(kept) > 0 {
		m.draw(fmt.Sprintf("kept from before: %d of %d\n", len(kept), attempts))
	}
}

// Started implements runner.Show.
func (m *matrixShow) Started(j runner.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Started(j.Case, j.Attempt, time.Since(m.begun))
}

// Event implements runner.Show.
func (m *matrixShow) Event(j runner.Job, e event.Event) {
	if !m.live {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Event(j.Case, e)
}

// Ended implements runner.Show.
func (m *matrixShow) Ended(j runner.Job, r matrix.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.draw(m.p.Ended(j.Case, r, time.Since(m.begun), m.style()))
}

// Width implements runner.Show.
func (m *matrixShow) Width(cores int, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cores == m.cores {
		m.p.Width(cores, "")
		m.draw(fmt.Sprintf("%7.1f s  on all %d cores again\n", time.Since(m.begun).Seconds(), cores))
		return
	}
	m.p.Width(cores, why)
	m.draw(fmt.Sprintf("%7.1f s  on %d of %d cores: %s\n", time.Since(m.begun).Seconds(), cores, m.cores, why))
}
