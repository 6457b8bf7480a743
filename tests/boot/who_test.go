package boot

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/tests/golden"
)

// toldWho are topologies of which the whole of what is said on whose word each guest followed is held: those with IPv6, and
// those where a server heard a guest and stayed silent.
var toldWho = []string{"dual-stack", "http-boot-ipv6", "http-no-uri-ipv6", "ipv6-fallback", "ipv6-no-managed", "ipv6-no-url", "ipv6-tftp",
	"boot-server-no-type", "dead-tftp", "proxy-no-class"}

var (
	whoLease = regexp.MustCompile(`\b192\.0\.2\.1\d\d\b|\b2001:db8::1[0-9a-f][0-9a-f]\b`)
	whoTimes = regexp.MustCompile(`, \d+ times`) // how often a firmware asks before it is served is a matter of time
	whoBoot  = regexp.MustCompile(`, boot \d+`)  // a warped boot that is not believed is repeated
	whoBytes = regexp.MustCompile(`\d+ octets`)
)

// checkWho holds the end of report.txt against a golden.
func checkWho(t *testing.T, r result) {
	t.Helper()
	if !slices.Contains(toldWho, r.plan.Name) {
		return
	}
	text, err := os.ReadFile(filepath.Join(r.bundle, "report.txt"))
	if err != nil {
		t.Fatal(err)
	}
	who := command(t, "judge", r.bundle, "--who").stdout
	if !strings.HasSuffix(string(text), who) {
		t.Errorf("report.txt does not end with what judge --who prints:\n%s", who)
	}
	who = whoBoot.ReplaceAllString(who, "")
	plain := whoBytes.ReplaceAllString(whoTimes.ReplaceAllString(whoLease.ReplaceAllString(who, "LEASE"), ""), "N octets")
	golden.Check(t, filepath.Join("testdata", "who", r.plan.Name+".txt"), sortedOffers(plain))
}

// sortedOffers sorts offers that follow each other: which of two servers is faster is nothing to hold.
func sortedOffers(text string) string {
	lines := strings.Split(text, "\n")
	isOffer := func(line string) bool {
		return strings.HasPrefix(line, "  offer ") || strings.HasPrefix(line, "  taken ")
	}
	for from := 0; from < len(lines); from++ {
		to := from
		for to < len(lines) && isOffer(lines[to]) {
			to++
		}
		slices.Sort(lines[from:to])
		from = max(from, to)
	}
	return strings.Join(lines, "\n")
}
