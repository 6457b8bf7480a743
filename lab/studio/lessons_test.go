package studio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/lesson"
)

const shortLesson = `---
title: Asking
about: A machine asks.
minutes: 5
topology: firmware-trio
order: 1
---

## It asks

` + "```checkpoint\nsays: x64 asked\nguest: x64\npacket: discover\nhold: true\n```\n\n```question\nask: What is option 93?\nanswer: dhcp.option.93\nexplain: It says so.\n```\n"

// TestLesson: a checkpoint is reached by a held packet, and again as it travels on; its question is answered from the packet, by who
// watches, too; the right answer is nowhere before.
func TestLesson(t *testing.T) {
	taught, err := lesson.Parse("lessons/asking.md", []byte(shortLesson))
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t)
	wire := filepath.Join(l.files, "wire.pcapng")
	captured(t, wire)
	s := serveLesson(t, l, taught)
	answer := func(text string) (status int, out struct {
		Right                 bool
		Explain, Field, Error string
		Frame                 int
	}) {
		body, err := json.Marshal(map[string]string{"question": "1.1", "answer": text})
		if err != nil {
			t.Fatal(err)
		}
		r := s.request(http.MethodPost, "/api/lesson/answer", string(body))
		r.Header.Set("Authorization", "Bearer "+s.watchToken)
		res, got := s.do(r)
		if err := json.Unmarshal([]byte(got), &out); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		return res.StatusCode, out
	}
	if status, a := answer("7"); status != 409 || a.Right || a.Error == "" {
		t.Errorf("before anything has happened: %d, %+v", status, a)
	}
	number, discover := 0, []byte(nil)
	for n := 1; discover == nil; n++ {
		f, err := s.source.frames.Frame(n)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(f.data, []byte("PXEClient")) {
			number, discover = n, f.data
		}
	}
	steps := s.steps(t)
	l.add(event.Event{Kind: event.RunStarted, Run: &event.Run{}})
	l.add(event.Event{Kind: event.GuestPowered, Guest: "x64", Boot: 1, Power: &event.Power{}})
	l.add(event.Event{Kind: event.LabHeld, Guest: "x64", Boot: 1, Hold: &event.Hold{On: true, Data: discover, FromGuest: true}})
	if step := <-steps; step.Frame != 0 || step.Section != 0 {
		t.Errorf("held, it is reached by %+v", step)
	}
	if status, a := answer("7"); status != 200 || !a.Right || a.Frame != 0 || a.Field != "dhcp.option.93" {
		t.Errorf("at the held packet: %d, %+v", status, a)
	}
	l.add(event.Event{Kind: event.LabHeld, Hold: &event.Hold{}})
	l.add(event.Event{Kind: event.PacketSeen, Guest: "x64", Boot: 1, Packet: &event.Packet{Frame: number, FromGuest: true, Proto: "dhcp", Src: "0.0.0.0:68",
		Dst: "255.255.255.255:67", Info: "DHCPDISCOVER", DHCP: &event.DHCP{Type: "DISCOVER", XID: "00000001", ClassID: "PXEClient", CHAddr: "52:54:00:70:78:02"}}})
	if step := <-steps; step.Frame != number || step.Row == 0 {
		t.Errorf("travelling, it is reached by %+v, want frame %d and its row", step, number)
	}
	if status, a := answer("0x0007"); status != 200 || !a.Right || a.Frame != number {
		t.Errorf("in the recording: %d, %+v", status, a)
	}
	if status, a := answer("6"); status != 200 || a.Right || a.Explain == "" {
		t.Errorf("a wrong answer: %d, %+v", status, a)
	}
	then := 0
	for _, i := range s.told() {
		if i.Hold != nil && i.Hold.On {
			then = i.N
		}
	}
	if text := s.get(fmt.Sprintf("/api/held?item=%d", then)); !strings.Contains(text, "DHCPDISCOVER") {
		t.Errorf("the packet that was held then: %s", text)
	}
	for _, item := range []string{"1", "0", "-1", "x", "100000"} {
		if res, text := s.do(s.request(http.MethodGet, "/api/held?item="+item, "")); res.StatusCode < 400 {
			t.Errorf("held at item %s: %s", item, text)
		}
	}
	if text := s.get("/api/lesson"); strings.Contains(text, "option.93") || !strings.Contains(text, "What is option 93?") {
		t.Errorf("the lesson, as the page is told it: %s", text)
	}
	if text := s.get("/api/lessons"); !strings.Contains(text, `"name":"what-pxe-is"`) {
		t.Errorf("the lessons: %s", text)
	}
	var out bytes.Buffer
	if err := Export(&out, s.source, "v0.test"); err != nil || !strings.Contains(out.String(), `id="studio-lesson"`) || !strings.Contains(out.String(), `id="studio-held"`) {
		t.Errorf("the exported page lacks the lesson, or the packet that was held: %v", err)
	}
}
