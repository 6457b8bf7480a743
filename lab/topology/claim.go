package topology

import (
	"regexp"
	"strconv"
	"strings"
)

// Implied is what is expected of a guest for which a topology claims nothing: its boot program runs, and if that
// program is a probe, it finishes its report. As text, an Expectation without a claim is this word.
const Implied = "boots"

// String is the claim as one writes it in YAML, in flow style on one line.
func (x Expectation) String() string {
	switch {
	case x.Booted != nil:
		return "booted: " + flow("image", x.Booted.Image, "from", x.Booted.From)
	case x.Address != nil:
		return "address: " + flow("from", x.Address.From, "via", x.Address.Via)
	case x.Offer != nil:
		return "offer: " + flow("from", x.Offer.From, "file", x.Offer.File, "via", x.Offer.Via)
	case x.DHCP != nil:
		return "dhcp: " + x.DHCP.flow()
	case x.Silent != nil && x.Silent.Reason == "":
		return "silent: " + flow("from", x.Silent.From)
	case x.Silent != nil:
		return "silent: {from: " + scalar(x.Silent.From, false) + ", reason: " + scalar(x.Silent.Reason, true) + "}"
	case x.Note != "":
		return "note: " + scalar(x.Note, false)
	case x.Served != nil:
		return "served: " + flow("file", x.Served.File, "from", x.Served.From, "over", x.Served.Over)
	case x.Stage != nil && x.Stage.Within > 0:
		return "stage: " + flow("reaches", x.Stage.Reaches.String(), "within", x.Stage.Within.String())
	case x.Stage != nil:
		return "stage: " + flow("reaches", x.Stage.Reaches.String())
	case x.Stops != nil:
		return "stops: " + flow("at", x.Stops.At.String(), "reason", x.Stops.Reason)
	case x.Serial != "":
		return "serial: " + scalar(x.Serial, true)
	case x.Sees != nil:
		return "sees: " + flow("from", x.Sees.From, "packet", x.Sees.Packet)
	case x.Never != nil && x.Never.From != "":
		return "never: " + flow("from", x.Never.From, "packet", x.Never.Packet)
	case x.Never != nil && x.Never.Packet != "":
		return "never: {packet: " + scalar(x.Never.Packet, true) + "}"
	case x.Never != nil && x.Never.Log != "":
		return "never: {log: " + scalar(x.Never.Log, true) + "}"
	case x.Log != "":
		return "log: " + scalar(x.Log, true)
	case x.Exits != nil:
		return "exits: " + strconv.Itoa(*x.Exits)
	case x.Restarts != nil:
		return "restarts: " + strconv.Itoa(*x.Restarts)
	case x.Sent != nil:
		return "sent: " + x.Sent.flow()
	case x.Never != nil:
		return "never: {serial: " + scalar(x.Never.Serial, true) + "}"
	case x.Ends != "":
		return "ends: " + scalar(x.Ends, false)
	case x.OS != nil:
		return "os: " + x.OS.String()
	case len(x.Fetched) > 0:
		return "fetched: " + list(x.Fetched)
	}
	return Implied
}

// flow writes a mapping of key, value, key, value ...; keys without a value are left out.
func flow(pairs ...string) string {
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, pairs[i]+": "+scalar(pairs[i+1], false))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// bare is what needs no quotes.
var bare = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)

// scalar quotes a string for YAML when it must, or always. A backslash stays as it is in single quotes only.
func scalar(s string, always bool) string {
	switch {
	case !always && bare.MatchString(s):
		return s
	case !strings.ContainsAny(s, "\"\\"):
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
