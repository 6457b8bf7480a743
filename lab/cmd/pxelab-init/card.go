package main

import (
	"path/filepath"
	"strings"
	"time"
)

// How long the card that a machine was booted from may take to appear, and how often it is looked for: a card on USB
// is found some 0.3 s after its driver was loaded.
const (
	cardPatience = 5 * time.Second
	cardPause    = 20 * time.Millisecond
)

// awaitCard waits for the card that BOOTIF on the command line names, as far as it can still come: one without a
// driver never does, and is missing from the report then.
func awaitCard(root string, read func(string) string, now func() time.Time, pause func(time.Duration)) {
	mac, named := strings.CutPrefix(argument(read("proc/cmdline"), "BOOTIF"), "01-")
	if !named {
		return
	}
	mac = strings.ReplaceAll(mac, "-", ":")
	for late := now().Add(cardPatience); now().Before(late); pause(cardPause) {
		cards, _ := filepath.Glob(filepath.Join(root, "sys/class/net/*")) // its only error is a bad pattern
		for _, card := range cards {
			if strings.EqualFold(read("sys/class/net/"+filepath.Base(card)+"/address"), mac) {
				return
			}
		}
	}
}
