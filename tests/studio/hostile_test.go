package studio

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestHostile shows a run in which a guest asked for a file whose name is markup, and printed what terminals obey: both are shown, and
// do nothing.
func TestHostile(t *testing.T) {
	needs(t)
	t.Parallel()
	dir := hostile(t, recorded(t))
	_, watch := studio(t, dir)
	b := openTab(t, watch, 1280, 720)
	b.whole()
	title := value[string](b, `document.title`)
	b.click("#first")
	b.click("#now")
	b.click("#tab-x64")
	b.until(`document.querySelector(".console:not([hidden])").innerText.includes("after the storm")`)
	if now := value[string](b, `document.title`); now != title {
		t.Errorf("the console has set the page's title: %q", now)
	}
	if links := value[int](b, `document.querySelectorAll(".console a, .console [href]").length`); links > 0 {
		t.Errorf("%d links are on the console", links)
	}
	b.markup()
	row := value[int](b, `studio.timeline.rows.find((r) => r.first.kind === "transfer" && r.first.label.includes("<b onclick")).id`)
	value[bool](b, `studio.diagram.reveal(`+strconv.Itoa(row)+`) || true`)
	b.until(`document.querySelector("#packet-body").innerText.includes("<b onclick=1>")`)
	if !b.hasRow("<b onclick=1>") {
		t.Errorf("the name is not shown: %q", b.rows())
	}
	b.click("#packet-tools [data-place=verdicts]")
	b.markup()
	b.shot("hostile")
	openFile(t, b.save("#share", "This run as one HTML file")).markup()
}

// markup finds elements that came of text.
func (b *tab) markup() {
	b.t.Helper()
	if found := value[int](b, `document.querySelectorAll("b[onclick], img, iframe, object, [onerror], [onload]").length`); found > 0 {
		b.t.Errorf("%d elements in the page came out of the run", found)
	}
}

// storm is what a console may send that a terminal obeys: a title, the clipboard, links, questions, and markup.
const storm = `\u001b]0;owned\u0007\u001b]2;owned\u001b\\\u001b]52;c;b3duZWQ=\u0007\u001b]8;;https://example.invalid/\u001b\\click me\u001b]8;;\u001b\\ https://example.invalid/` +
	`\u001b[c\u001b[>c\u001b[6n\u001b[?6n\u001b[21t\u001b]10;?\u0007\u001bP$qm\u001b\\\u001b[?1003h\u001b[?1004h<img src=x onerror=document.title=1>\u001b[2J\u001b[Hafter the storm`

// hostile is a run whose x86-64 machine misbehaves: a file name of 13 octets is another one, wherever it stands.
func hostile(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "hostile")
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, from)
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(dir, name), 0o777)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch filepath.Base(path) {
		case "events.jsonl", "wire.pcapng":
			data = bytes.ReplaceAll(data, []byte("probe-x64.efi"), []byte("<b onclick=1>"))
		case "console.cast":
			data = append(data, []byte(`[60, "o", "`+storm+"\"]\n")...)
		}
		return os.WriteFile(filepath.Join(dir, name), data, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
