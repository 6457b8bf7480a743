package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAwaitCard: a card that appears late is waited for, one that never does is not waited for without end.
func TestAwaitCard(t *testing.T) {
	for _, c := range []struct {
		name, cmdline string
		appears       int // after this many pauses; 0: never
		pauses        int // -1: as many as fit the patience
	}{
		{"no BOOTIF", "console=ttyS0", 0, 0},
		{"there at once", "BOOTIF=01-52-54-00-12-34-56", -1, 0},
		{"late", "quiet BOOTIF=01-52-54-00-12-34-56", 3, 3},
		{"in capitals", "BOOTIF=01-52-54-00-AB-CD-EF", 2, 2},
		{"never", "BOOTIF=01-52-54-00-12-34-56", 0, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			put := func(path, text string) {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, path), []byte(text+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			put("proc/cmdline", c.cmdline)
			put("sys/class/net/lo/address", "00:00:00:00:00:00")
			plug := func() {
				_, mac, _ := strings.Cut(c.cmdline, "BOOTIF=01-")
				put("sys/class/net/usb0/address", strings.ToLower(strings.ReplaceAll(mac, "-", ":")))
			}
			if c.appears < 0 {
				plug()
			}
			clock, pauses := time.Unix(0, 0), 0
			read := func(path string) string {
				b, _ := os.ReadFile(filepath.Join(root, path))
				return strings.TrimSpace(string(b))
			}
			awaitCard(root, read, func() time.Time { return clock }, func(d time.Duration) {
				clock = clock.Add(d)
				if pauses++; pauses == c.appears {
					plug()
				}
			})
			if want := c.pauses; want >= 0 && pauses != want || want < 0 && pauses != int(cardPatience/cardPause) {
				t.Errorf("%d pauses", pauses)
			}
		})
	}
}
