package console_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/guest/console"
	"github.com/pxelab/pxelab/tests/golden"
)

// clean returns the lines of a stream fed in chunks of the given size, and what was still pending at its end.
func clean(stream []byte, size int) (lines []string, pending string) {
	var c console.Cleaner
	for chunk := range slices.Chunk(stream, size) {
		for _, l := range c.Feed(chunk) {
			lines = append(lines, l.Text)
		}
	}
	pending = c.Pending().Text
	for _, l := range c.Flush() {
		lines = append(lines, l.Text)
	}
	return lines, pending
}

func TestCleaner(t *testing.T) {
	const reset = "\x1bc\x1b[?7l\x1b[2J\x1b[0m" // how SeaBIOS's serial console begins
	full := strings.Repeat("x", 79)
	tests := []struct {
		name, stream string
		want         []string
	}{
		{"line/crlf", "one\r\ntwo\r\n", []string{"one", "two"}},
		{"line/lf", "one\ntwo\n", []string{"one", "two"}},
		{"line/blank", "\r\n \r\none\r\n\r\n", []string{"one"}},
		{"line/indent", "  Server IP address is 192.0.2.1\r\n", []string{"  Server IP address is 192.0.2.1"}},
		{"line/unfinished", "iPXE> ", []string{"iPXE>"}},
		{"line/tab", "a\tb\n", []string{"a       b"}},
		{"escape/colour", "\x1b[0;1miPXE\x1b[0m -- \x1b[0;36mhttp\r\n", []string{"iPXE -- http"}},
		{"escape/edk2-start", "\x1b[2J\x1b[01;01H\x1b[=3h\x1b[2J\x1b[01;01H\r\n>>Start PXE\r\n", []string{">>Start PXE"}},
		{"escape/title", "a\x1b]0;a title\ab\n", []string{"ab"}},
		{"escape/title-never-ended", "a\x1b]0;b\nc\n", []string{"a", "c"}},
		{"escape/charset", "\x1b(Ba\n", []string{"a"}},
		{"escape/broken", "a\x1b[3\nb\n", []string{"a", "b"}},
		{"escape/stray", "a\x1b\nb\n", []string{"a", "b"}},
		{"escape/forward", "a\x1b[3Cb\n", []string{"a   b"}},
		{"backspace/spinner", "wait -\b\\\b|\b \bdone\n", []string{"wait done"}},
		{"backspace/countdown", "boot (3)\b\b\b(2)\b\b\b(1)\n", []string{"boot (1)"}},
		{"backspace/wiped-and-reused", "Press\b \b\b \b\b \b\b \b\b \bnet0\n", []string{"net0"}},
		{"backspace/at-the-edge", "\b\bab\n", []string{"ab"}},
		{"return/progress", "Loading 1%\rLoading 50%\rLoading 100%\r\n", []string{"Loading 100%"}},
		{"return/erase", "Loading 100%\rdone\x1b[K\r\n", []string{"done"}},
		{"return/wiped-before-its-end", "Press Ctrl-B\r" + strings.Repeat(" ", 79) + "\r\nok\n", []string{"Press Ctrl-B", "ok"}},
		{"return/wiped-twice", "Loading 100%\rdone\x1b[K\r\x1b[K\r\n", []string{"done"}},
		{"wrap/word", reset + full + "m\r\nethods\r\nnext\r\n", []string{full + "methods", "next"}},
		{"wrap/at-a-space", reset + full + " \r\nsucceeded\r\n", []string{full + " succeeded"}},
		{"wrap/colour", reset + full + "h\r\n\x1b[0mttp\r\n", []string{full + "http"}},
		{"wrap/twice", reset + full + "1\r\n" + full + "2\r\n3\r\n", []string{full + "1" + full + "23"}},
		{"wrap/line-as-wide-as-the-screen", reset + full + "y\r\n\nnext\r\n", []string{full + "y", "next"}},
		{"wrap/one-short", reset + full + "\r\nnext\r\n", []string{full, "next"}},
		{"wrap/painted-row", reset + "A" + strings.Repeat(" ", 79) + "\r\nB" + strings.Repeat(" ", 79) + "\r\n", []string{"A", "B"}},
		{"wrap/painted-row-repainted", reset + " C. Local" + strings.Repeat(" ", 71) + "\r B. Other" + strings.Repeat(" ", 71) + "\r\n", []string{" C. Local", " B. Other"}},
		{"wrap/sender-does-not-cut", full + "y\r\nnext\r\n", []string{full + "y", "next"}},
		{"wrap/sender-does-not-cut/longer", full + full + "\r\nnext\r\n", []string{full + full, "next"}},
		{"wrap/kernel-after-firmware", reset + full + full + "\r\n" + full + "y\r\nnext\r\n", []string{full + full, full + "y", "next"}},
		{"mark/long", reset + "PXELAB " + full + full + "\r\nPXELAB x\r\n", []string{"PXELAB " + full + full, "PXELAB x"}},
		{"mark/as-wide-as-the-screen", reset + "PXELAB " + full[:73] + "\r\nPXELAB x\r\n", []string{"PXELAB " + full[:73], "PXELAB x"}},
		{"mark/after-a-full-row", reset + full + "y\r\nPXELAB x\r\n", []string{full + "y", "PXELAB x"}},
		{"mark/keeps-wrapping-for-others", reset + "PXELAB " + full + "\r\n" + full + "a\r\nb\r\n", []string{"PXELAB " + full, full + "ab"}},
		{"mark/cursor-escape-within", "PXELAB ab\x1b[05;01Hcd\r\n", []string{"PXELAB abcd"}},
		{"mark/positioned", "menu\x1b[12;05HPXELAB a\x1b[2;2Hb\r\n", []string{"menu", "PXELAB ab"}},
		{"mark/inside-a-line", reset + "a PXELAB" + full[:72] + "\r\nb\r\n", []string{"a PXELAB" + full[:72] + "b"}},
		{"cursor/countdown", "Press F8 \r\n\x1b[04;10H(5) \x1b[04;10H(4) \x1b[04;10H(3) \r\nok\r\n", []string{"Press F8", "(3)", "ok"}},
		{"cursor/menu", "\x1b[2J\x1b[05;10HFirst\x1b[06;10HSecond\x1b[07;10HThird", []string{"First", "Second", "Third"}},
		{"cursor/columns-of-a-row", "\x1b[05;02HName\x1b[05;12HValue\x1b[06;01H", []string{"Name      Value"}},
		{"cursor/restated", reset + "Una\x1b[25;03H\x1b[25;04Hble to locate\r\r\nnext\r\n", []string{"Unable to locate", "next"}}, // PXELINUX
		{"cursor/restated-and-next-row", reset + "C000\x1b[05;04H\x1b[06;05H\rPress\r\n", []string{"C000", "Press"}},
		{"cursor/line-feed", reset + "C000\x1b[06;05H\rPress\r\n", []string{"C000", "Press"}}, // iPXE's ROM
		{"cursor/clear", "old\x1b[2Jnew\n", []string{"old", "new"}},
		{"cursor/beyond-the-screen", "\x1b[99999;99999Hx\n", []string{"x"}},
		{"rune/utf8", "caf\xc3\xa9\n", []string{"café"}},
		{"rune/cp437", "\xda\xc4\xc4\n", []string{"┌──"}},
		{"rune/cut-short", "a\xe2\x94\n", []string{"aΓö"}},
		{"rune/control", "a\x00\x07\x7f\u202eb\n", []string{"ab"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, len(tt.stream)} {
				got, _ := clean([]byte(tt.stream), size)
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("in chunks of %d (-want +got):\n%s", size, d)
				}
			}
		})
	}
}

// Every fixture is the serial stream of a real boot, recorded byte for byte.
func TestRecordedBoots(t *testing.T) {
	files, err := filepath.Glob("testdata/*.serial")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded boots: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".serial"), func(t *testing.T) {
			stream, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines, pending := clean(stream, len(stream))
			got := strings.Join(lines, "\n") + "\n"
			golden.Check(t, strings.TrimSuffix(file, ".serial")+".golden", got)
			for _, size := range []int{1, 3, 80, 333} {
				inPieces, p := clean(stream, size)
				if !slices.Equal(lines, inPieces) || p != pending {
					t.Errorf("chunks of %d change the lines:\n%s", size, cmp.Diff(lines, inPieces))
				}
			}
		})
	}
}

// What an explanation or a verdict matches on must be one line, whatever the firmware's screen did to it.
func TestMessagesAreWhole(t *testing.T) {
	for _, tt := range []struct{ boot, want string }{
		{"seabios-no-dhcp", "No configuration methods succeeded (http://ipxe.org/040ee119)"},
		{"seabios-file-missing", "No such file or directory (http://ipxe.org/2d12603b)"},
		{"seabios-success", "PXELAB-PROBE END"},
		{"ovmf-x64-success", `BdsDxe: starting Boot0001 "UEFI PXEv4 (MAC:525400123456)" from PciRoot(0x0)/Pci(0x2,0x0)/MAC(525400123456,0x1)/IPv4(0.0.0.0,0x0,DHCP,0.0.0.0,0.0.0.0,0.0.0.0)`},
		{"ovmf-ia32-tftp-error", "PXE-E23: Client received TFTP error from server."},
		{"ovmf-ia32-no-server", "PXE-E18: Server response timeout."},
	} {
		t.Run(tt.boot, func(t *testing.T) {
			stream, err := os.ReadFile(filepath.Join("testdata", tt.boot+".serial"))
			if err != nil {
				t.Fatal(err)
			}
			lines, _ := clean(stream, len(stream))
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, tt.want) }) {
				t.Errorf("no line has %q; lines were:\n%s", tt.want, strings.Join(lines, "\n"))
			}
		})
	}
}

func TestPending(t *testing.T) {
	var c console.Cleaner
	if got := c.Pending(); got.Text != "" {
		t.Errorf("pending before anything came: %q", got.Text)
	}
	c.Feed([]byte("one\r\nPress F8 for boot menu "))
	want := console.Line{Text: "Press F8 for boot menu", Partial: true}
	if got := c.Pending(); got != want {
		t.Errorf("pending %+v, want %+v", got, want)
	}
	if got := c.Feed([]byte("\r\n")); len(got) != 1 || got[0] != (console.Line{Text: want.Text}) {
		t.Errorf("the line, ended, is %+v", got)
	}
	if got := c.Pending(); got.Text != "" {
		t.Errorf("pending after the line ended: %q", got.Text)
	}
}

func TestLineIsBounded(t *testing.T) {
	lines, _ := clean([]byte(strings.Repeat("x", 10000)), 10000)
	for _, l := range lines {
		if len(l) > 4096 {
			t.Errorf("a line of %d bytes", len(l))
		}
	}
	if got := len(strings.Join(lines, "")); got != 10000 {
		t.Errorf("%d bytes came out of 10000", got)
	}
}
