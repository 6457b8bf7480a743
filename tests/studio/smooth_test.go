package studio

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"

	"github.com/pxelab/pxelab/lab/event"
)

// TestSmooth has a run of more than 20,000 packets scrolled and scrubbed through by a script: no frame takes the page more than 100 ms. A
// busy host holds up any page, so what counts is the time that the page's thread had a processor; how long the frames took is logged.
func TestSmooth(t *testing.T) {
	needs(t)
	t.Parallel()
	dir, packets := many(t, recorded(t), 20000)
	_, watch := studio(t, dir)
	b := openTab(t, watch, 1280, 720)
	b.whole()
	b.click("#chatter")
	b.settle()
	rows := value[int](b, `studio.diagram.count`)
	if rows < packets/3 {
		t.Errorf("%d packets are %d rows", packets, rows)
	}
	if drawn := value[int](b, `document.querySelectorAll("[role=option]").length`); drawn > 100 {
		t.Errorf("%d rows are in the document at once", drawn)
	}
	for _, script := range []string{scroll, scrub} {
		work, wall := b.frames(frames + script)
		t.Logf("the longest frame took %.0f ms, with %.0f ms of work: %s", wall, work, script)
		if work >= 100 || work == 0 {
			t.Errorf("a frame took %.0f ms of work: %s", work, script)
		}
	}
	b.shot("many")
}

// frames does something at each frame, for 60 frames, and gives how long the longest took, in milliseconds.
const frames = `var frames = (act) => new Promise((done) => {
	performance.mark("frames");
	let longest = 0, before = 0, count = 0;
	const frame = (time) => {
		if (before) longest = Math.max(longest, time - before);
		before = time;
		if (count++ === 60) return done(longest);
		act(count / 60);
		requestAnimationFrame(frame);
	};
	requestAnimationFrame(frame);
});
`

const (
	scroll = `(() => { const s = studio.diagram.scroller; return frames((part) => { s.scrollTop = part * (s.scrollHeight - s.clientHeight) })})()`
	scrub  = `(() => { const s = document.querySelector("#scrub"); return frames((part) => {
		s.value = Math.round(s.max * (1 - part));
		s.dispatchEvent(new Event("input"));
	})})()`
)

// frames runs a script of frames, and gives the work of the longest task of the page's thread and the longest frame, in milliseconds.
func (b *tab) frames(script string) (work, wall float64) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var events []traced
	complete := make(chan struct{})
	err := chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *tracing.EventDataCollected:
			for _, raw := range e.Value {
				var one traced
				if json.Unmarshal(raw, &one) == nil {
					events = append(events, one)
				}
			}
		case *tracing.EventTracingComplete:
			close(complete)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	config := &tracing.TraceConfig{IncludedCategories: []string{"toplevel", "disabled-by-default-devtools.timeline", "blink.user_timing"}}
	if _, err := chromedp.Call(ctx, tracing.Start, tracing.StartParams{TraceConfig: config}); err != nil {
		b.t.Fatal(err)
	}
	wall = value[float64](b, script)
	if _, err := chromedp.Call(ctx, tracing.End, cdp.Empty{}); err != nil {
		b.t.Fatal(err)
	}
	select {
	case <-complete:
	case <-ctx.Done():
		b.t.Fatal("the browser does not end its trace")
	}
	return longestTask(events), wall
}

// traced is what matters of an event of Chromium's trace format: tdur is the time of a thread on a processor, in microseconds.
type traced struct {
	Name string  `json:"name"`
	PID  int     `json:"pid"`
	TID  int     `json:"tid"`
	Work float64 `json:"tdur"`
}

// longestTask is the work of the longest task of the thread that made the mark of frames, in milliseconds: the browser has other pages,
// too.
func longestTask(events []traced) float64 {
	longest := 0.0
	for _, mark := range events {
		if mark.Name != "frames" {
			continue
		}
		for _, e := range events {
			if strings.HasSuffix(e.Name, "RunTask") && e.PID == mark.PID && e.TID == mark.TID {
				longest = max(longest, e.Work)
			}
		}
	}
	return longest / 1000
}

// many makes a bundle of a run with that many packets, of one with few: its machines boot again and again.
func many(t *testing.T, from string, want int) (dir string, packets int) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "many")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(from, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []event.Event
	for line := range bytes.Lines(log) {
		var e event.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	last := all[len(all)-1]
	frames := 0
	var out bytes.Buffer
	encode := json.NewEncoder(&out)
	seq := 0
	for round := 0; packets < want; round++ {
		most := 0
		for _, e := range all {
			if e.Kind == event.RunEnded || round > 0 && e.Guest == "" && e.Decision == nil {
				continue
			}
			if e.Boot > 0 {
				e.Boot += round
			}
			if e.Packet != nil {
				p := *e.Packet
				most = max(most, p.Frame)
				p.Frame += frames
				e.Packet = &p
				packets++
			}
			seq++
			e.Seq, e.At = seq, e.At+last.At*time.Duration(round)
			_ = encode.Encode(&e)
		}
		frames += most
	}
	seq++
	last.Seq, last.At = seq, last.At*time.Duration(1+packets)
	_ = encode.Encode(&last)
	if err := os.WriteFile(filepath.Join(dir, "events.jsonl"), out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir, packets
}
