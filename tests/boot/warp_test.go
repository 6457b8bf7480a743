package boot

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
)

// TestFidelity holds a warped boot to a real one: every shipped topology gives the same normalised events
// under both clocks.
func TestFidelity(t *testing.T) {
	needBoots(t)
	for _, file := range shipped(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			real := boots(t, file, "--clock", "real")
			warp := boots(t, file, "--clock", "warp")
			for _, g := range real.plan.Guests {
				if diff := cmp.Diff(normalised(real.events, g.Name), normalised(warp.events, g.Name)); diff != "" {
					t.Errorf("guest %s: warp differs from real time (- real, + warp):\n%s", g.Name, diff)
				}
			}
		})
	}
}

var (
	hexNumber = regexp.MustCompile(`\b[0-9a-f]{8}\b`)
	nonce     = regexp.MustCompile(`\b[A-Z2-9]{16}\b`)
	dots      = regexp.MustCompile(`\.{2,}`)
)

// normalised is what a guest did in its last boot, less what differs between any two boots: times, nonces,
// transaction numbers, and how often a firmware repeated a question it keeps asking for a fixed time.
func normalised(events []event.Event, guest string) []string {
	boot := 0
	for _, e := range events {
		if e.Guest == guest {
			boot = max(boot, e.Boot)
		}
	}
	var out []string
	for _, e := range events {
		if e.Guest != guest || e.Boot != boot {
			continue
		}
		line := ""
		switch {
		case e.Kind == event.Console && strings.HasPrefix(e.Text, "PXELAB"):
			line = "console " + dots.ReplaceAllString(hexNumber.ReplaceAllString(nonce.ReplaceAllString(e.Text, "NONCE"), "HEX"), "..")
		case e.Packet != nil && (e.Packet.DHCP != nil || e.Packet.TFTP != nil):
			if repeated(e.Packet) {
				continue
			}
			line = fmt.Sprintf("packet %s %v %s", e.Service, e.Packet.FromGuest, hexNumber.ReplaceAllString(e.Packet.Info, "HEX"))
		}
		if line != "" {
			out = append(out, line)
		}
	}
	return slices.Compact(out)
}

func repeated(p *event.Packet) bool {
	return p.DHCP != nil && p.DHCP.Repeat > 0 || p.TFTP != nil && p.TFTP.Repeat > 0
}

// TestBesideLoad boots the trio while every core is busy with something else: the verdicts must still be
// right, whether the warped boots are believed or run again in real time.
func TestBesideLoad(t *testing.T) {
	needBoots(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range runtime.NumCPU() {
		hog := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
		if err := hog.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { cancel(); _ = hog.Wait() }()
	}
	for _, name := range []string{"firmware-trio", "missing-file", "no-bootfile"} {
		r := boots(t, topologyFile(t, name), "--clock", "warp")
		if r.code != 0 {
			t.Errorf("%s beside load:\n%s", name, r.explain())
		}
		for _, e := range r.events {
			if e.Kind == event.BootDiscarded {
				t.Logf("%s: guest %s was booted again: %s", name, e.Guest, e.Text)
			}
		}
	}
}
