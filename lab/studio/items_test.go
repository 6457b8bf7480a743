package studio

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/story"
)

// hostile is what a machine may print, ask for, or call itself.
const hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028\x1b]0;title\x07\x1b]52;c;eHg=\x07<!--"

// hostileEvents print it, and ask for a file of that name.
func hostileEvents() []event.Event {
	return []event.Event{
		{Kind: event.Console, At: time.Hour, Guest: "x64", Boot: 1, Text: hostile},
		{Kind: event.PacketSeen, At: time.Hour, Network: "lan", Guest: "x64", Boot: 1, Packet: &event.Packet{
			Frame: 9, Src: "192.0.2.101:2070", Dst: "192.0.2.1:69", Proto: "tftp", FromGuest: true, Info: "RRQ " + hostile,
			TFTP: &event.TFTP{Op: "RRQ", File: hostile}}},
	}
}

// lines reads a stream of items to its end. Each line is one.
func lines(t *testing.T, text string) []story.Item {
	t.Helper()
	var out []story.Item
	for line := range strings.Lines(text) {
		if line == "\n" {
			continue
		}
		var i story.Item
		if err := json.Unmarshal([]byte(line), &i); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, i)
	}
	return out
}

// TestItems: a bundle's story comes whole, from any item on; hostile text comes as it was, as data.
func TestItems(t *testing.T) {
	source, err := OpenBundle(bundleOf(t, hostileEvents()...), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, source, Options{})
	text := s.get("/api/items")
	if strings.Contains(text, "<") {
		t.Error("a < is not escaped")
	}
	items := lines(t, text)
	for i, item := range items {
		if item.N != i+1 {
			t.Fatalf("item %d has the number %d", i+1, item.N)
		}
	}
	if rest := lines(t, s.get("/api/items?from=100")); len(rest) != len(items)-99 || rest[0].N != 100 {
		t.Errorf("from 100: %d items from %d on; there are %d in all", len(rest), rest[0].N, len(items))
	}
	if !slices.ContainsFunc(items, func(i story.Item) bool { return i.Print != nil && i.Print.Data == hostile+"\r\n" }) {
		t.Error("what the console printed is not in the story as it was")
	}
	if !slices.ContainsFunc(items, func(i story.Item) bool { return i.Row != nil && strings.Contains(i.Row.Label, "<script>") }) {
		t.Error("the file name is not in the story as it was")
	}
	if frame := s.get("/api/frames/9"); !strings.Contains(frame, `"layers":[{"path":"eth"`) || !strings.Contains(frame, `"guest":"x64"`) || !strings.Contains(frame, `"hex":"`) {
		t.Errorf("frame 9: %s", frame)
	}
	wire, err := os.ReadFile(source.path)
	if err != nil || s.get("/api/capture.pcapng") != string(wire) {
		t.Errorf("the capture is another than the bundle's: %v", err)
	}
	for _, path := range []string{"/api/diagram.svg", "/api/diagram.mmd"} {
		if text := s.get(path); !strings.Contains(text, "OFFER") || strings.Contains(text, "<script") {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// TestFollow: the story of a lab that runs is followed, the stream ends with the lab, and a reader that does not read holds up nobody.
func TestFollow(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{})
	idle, err := http.DefaultClient.Do(s.request(http.MethodGet, "/api/items", "")) // and never read
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Body.Close()
	res, err := http.DefaultClient.Do(s.request(http.MethodGet, "/api/items", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewReader(res.Body)
	l.add(event.Event{Kind: event.RunStarted, Run: &event.Run{}})
	const told = 80
	go func() {
		var cast strings.Builder
		cast.WriteString(`{"version":2,"width":80,"height":25}` + "\n")
		for range told { // 10 MB in all: more than sockets hold
			cast.WriteString(`[1.0, "o", "` + strings.Repeat("x", 128<<10) + "\"]\n")
		}
		dir := filepath.Join(l.files, "guests", "x64")
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "console.cast"), []byte(cast.String()), 0o600)); err != nil {
			t.Error(err)
		}
		l.add(event.Event{At: time.Minute, Kind: event.RunEnded, Text: "enough"})
	}()
	prints, ended := 0, false
	for n := 1; !ended; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			t.Fatalf("after %d prints: %v", prints, err)
		}
		if len(line) == 1 {
			continue
		}
		if !bytes.HasPrefix(line, fmt.Appendf(nil, `{"n":%d,`, n)) {
			t.Fatalf("item %d: %.100s", n, line)
		}
		n++
		if bytes.Contains(line[:min(100, len(line))], []byte(`"print"`)) {
			prints++
		}
		ended = bytes.Contains(line, []byte(`"end":{`))
	}
	if prints != told {
		t.Errorf("%d prints, want %d", prints, told)
	}
}

// TestClosed: a stream ends when its client goes, and all end when the studio is closed.
func TestClosed(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{})
	for _, goes := range []func(*http.Response) error{
		func(res *http.Response) error { return res.Body.Close() },
		func(res *http.Response) error { return errors.Join(s.Close(), res.Body.Close()) },
	} {
		res, err := http.DefaultClient.Do(s.request(http.MethodGet, "/api/items", ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := goes(res); err != nil {
			t.Error(err)
		}
		if path := <-s.ended; path != "/api/items" {
			t.Errorf("%s has ended", path)
		}
	}
}

// TestConsoles: recordings are told among the events by their time, as they grow, and keep what was typed apart.
func TestConsoles(t *testing.T) {
	dir := bundleOf(t)
	cast := `{"version":2,"width":80,"height":25}` + "\n" +
		"[2.0, \"o\", \"first\\u001b[2J\"]\n[4.0, \"i\", \"\\u0002\"]\n[9000.0, \"m\", \"boot 2\"]\n[9001.0, \"o\", \"last\"]\n[9002.0, \"o\", \"cut o"
	if err := os.WriteFile(filepath.Join(dir, "guests", "x64", "console.cast"), []byte(cast), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := OpenBundle(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, source, Options{})
	items := lines(t, s.get("/api/items"))
	var got []string
	for i, item := range items {
		if p := item.Print; p != nil && p.Guest == "x64" {
			got = append(got, p.Data)
			if item.At < 9000*time.Second && i+1 < len(items) && (items[i-1].At > item.At || items[i+1].At < item.At) {
				t.Errorf("%q at %v stands between %v and %v", p.Data, item.At, items[i-1].At, items[i+1].At)
			}
			if p.Typed != (p.Data == "\x02") || (p.Boot == 2) != (p.Data == "last") {
				t.Errorf("%+v", p)
			}
		}
	}
	if want := []string{"first\x1b[2J", "\x02", "last"}; !slices.Equal(got, want) {
		t.Errorf("printed %q, want %q: no line of the log besides", got, want)
	}
	if s.get("/api/guests/x64/console.cast") != cast {
		t.Error("the recording is another than the bundle's")
	}
}

// TestGrowingConsole: what a lab that runs prints is told while its log says nothing.
func TestGrowingConsole(t *testing.T) {
	l := newLab(t)
	dir := filepath.Join(l.files, "guests", "x64")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := serveLab(t, l, Options{})
	res, err := http.DefaultClient.Do(s.request(http.MethodGet, "/api/items", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	file, err := os.Create(filepath.Join(dir, "console.cast"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := bufio.NewReader(res.Body)
	for _, part := range []string{`{"version":2,"width":80,"height":25}` + "\n[1.0, \"o\", \"half", " a line\"]\n", "[1.5, \"o\", \"more\"]\n"} {
		if _, err := file.WriteString(part); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"half a line", "more"} {
		line, err := in.ReadString('\n')
		if err != nil || !strings.Contains(line, `"`+want+`"`) {
			t.Fatalf("%q, %v; want %q", line, err, want)
		}
	}
}

// TestFrameOnItsWay: a frame that a running lab has told of is waited for until it is on the disk.
func TestFrameOnItsWay(t *testing.T) {
	l := newLab(t)
	wire, err := capture.Create(filepath.Join(l.files, "wire.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	cable := wire.AddInterface("x64", "")
	s := serveLab(t, l, Options{})
	if _, err := cable.Write(make([]byte, 60), time.Unix(1, 0), true, ""); err != nil { // which goes to the disk by and by
		t.Fatal(err)
	}
	if text := s.get("/api/frames/1"); !strings.Contains(text, `"size":60`) {
		t.Errorf("frame 1: %s", text)
	}
}

// TestKilled: the bundle of a lab that was killed is shown as far as it goes.
func TestKilled(t *testing.T) {
	dir := bundleOf(t)
	for _, name := range []string{"events.jsonl", "wire.pcapng"} {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, whole[:len(whole)*2/3+1], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	source, err := OpenBundle(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, source, Options{})
	if items := lines(t, s.get("/api/items")); len(items) < 50 || items[len(items)-1].End != nil {
		t.Errorf("%d items, the last %+v", len(items), items[len(items)-1])
	}
	s.get("/api/frames/5")
	if res, text := s.do(s.request(http.MethodGet, "/api/frames/5000", "")); res.StatusCode != 404 {
		t.Errorf("a frame that is not there: %s: %s", res.Status, text)
	}
}

// TestCapture: a capture from elsewhere, also packed, has the machines' boots, any frame, and no consoles.
func TestCapture(t *testing.T) {
	const path = "../wire/testdata/ovmf-x64.pcap"
	packed := filepath.Join(t.TempDir(), "boot.pcap.gz")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(file)
	if _, err := w.Write(whole); err != nil {
		t.Fatal(err)
	}
	if w.Close() != nil || file.Close() != nil {
		t.Fatal("packing failed")
	}
	var first string
	for _, path := range []string{path, packed} {
		source, err := OpenCapture(path)
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, source, Options{})
		about := s.get("/api/about")
		if !strings.Contains(about, `"kind":"capture"`) || !strings.Contains(about, `"arch":"efi-x64"`) || !strings.Contains(about, `"live":false`) {
			t.Errorf("about: %s", about)
		}
		text := s.get("/api/items")
		items := lines(t, text)
		if first == "" {
			first = text
		} else if text != first {
			t.Error("packed, it is another story")
		}
		if !slices.ContainsFunc(items, func(i story.Item) bool { return i.Verdict != nil && i.Verdict.End == "booted" }) || items[len(items)-1].End == nil {
			t.Errorf("no verdict, or no end:\n%s", text)
		}
		for n := 1; n <= 40; n++ { // those that rows are of, and the middle of the file
			s.get("/api/frames/" + []string{"1", "7", "20", "21", "33"}[n%5])
		}
		if s.get("/api/capture.pcapng") == "" {
			t.Error("no capture")
		}
		for path, want := range map[string]int{"/api/frames/100000": 404, "/api/guests/x64/console.cast": 404, "/api/held": 409, "/api/lesson": 404} {
			if res, text := s.do(s.request(http.MethodGet, path, "")); res.StatusCode != want {
				t.Errorf("%s: %s: %s", path, res.Status, text)
			}
		}
	}
	if _, err := OpenCapture("items_test.go"); err == nil || !strings.Contains(err.Error(), "no capture") {
		t.Errorf("a text gave %v", err)
	}
}

// unpacked is a block of an exported page.
func unpacked(t *testing.T, text string, into any) {
	t.Helper()
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err == nil {
		err = json.NewDecoder(r).Decode(into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
