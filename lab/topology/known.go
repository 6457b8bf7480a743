package topology

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
)

// Known lists the words that a topology may use and that others own. The caller gives them, so that this
// package depends on none of their owners.
type Known struct {
	Firmwares []string // what a guest's firmware may be: "bios", "ovmf-x64"
	NICs      []string // what a guest's nic may be: "virtio", "e1000"
	Sticks    []string // what a guest's stick may be: "pxe-client"
	Images    []string // catalogue names of the boot programs: "probe"
	Reporters []string // those of Images that report from inside what ran: "probe"
	Archs     []string // client architectures that boot may name: "efi-x64"
	Reasons   []string // why a boot may be expected to stop: "no-offer"
	Notes     []string // what may be noted of a boot: "duplicate-mac"

	HTTPFirmwares []string // those of Firmwares that have an HTTP boot client of their own
}

// words gives what a text of type t may be, and what one of them is called. The noun is empty for a type
// whose text is free.
func (k Known) words(t reflect.Type) (noun string, allowed []string) {
	switch t {
	case reflect.TypeFor[firmwareWord]():
		return "firmware", k.Firmwares
	case reflect.TypeFor[nicWord]():
		return "NIC model", k.NICs
	case reflect.TypeFor[stickWord]():
		return "USB stick", k.Sticks
	case reflect.TypeFor[reporterWord]():
		return "image", k.Reporters
	case reflect.TypeFor[archWord]():
		return "architecture", k.Archs
	case reflect.TypeFor[noteWord]():
		return "note", k.Notes
	case reflect.TypeFor[reasonWord]():
		return "reason", k.Reasons
	case reflect.TypeFor[stageWord]():
		return "stage", event.StageNames()
	case reflect.TypeFor[clockWord]():
		return "clock", []string{"auto", "real", "warp"}
	case reflect.TypeFor[endsWord]():
		return "ending", []string{"off", "running"}
	case reflect.TypeFor[policyWord]():
		return "policy", relayPolicies
	case reflect.TypeFor[restartWord]():
		return "policy", restartPolicies
	case reflect.TypeFor[overWord]():
		return "protocol", []string{"tftp", "http"}
	case reflect.TypeFor[sentOver]():
		return "protocol", sentOvers
	case reflect.TypeFor[messageWord]():
		return "message", []string{"DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM", "BOOTREQUEST", "BOOTREPLY"}
	case reflect.TypeFor[deedWord]():
		return "fault", fault.Deeds
	case reflect.TypeFor[packetWord]():
		return "packet", fault.Packets
	case reflect.TypeFor[controlWord]():
		return "control", pxeWords["control"]
	case reflect.TypeFor[offerFlaw]():
		return "flaw", pxeWords["flaw"]
	case reflect.TypeFor[proxyFlaw]():
		return "flaw", pxeWords["proxy flaw"]
	case reflect.TypeFor[bootServerFlaw]():
		return "flaw", pxeWords["boot server flaw"]
	case reflect.TypeFor[credentialsFlaw]():
		return "flaw", credentialsFlaws
	case reflect.TypeFor[bootpFlaw]():
		return "flaw", pxeWords["bootp flaw"]
	}
	return "", nil
}

// unknown says that a text of type t is none of the words that it may be.
func (k Known) unknown(t reflect.Type, word string) error {
	noun, allowed := k.words(t)
	if t == reflect.TypeFor[reporterWord]() && k.isImage(word) {
		return fmt.Errorf("image %s does not report from inside, so nothing could prove that it ran (%s does); claim what it leads to instead, by os or fetched",
			quote(word), strings.Join(allowed, ", "))
	}
	return fmt.Errorf("unknown %s %s %s", noun, quote(word), hint(word, allowed))
}

// hint ends a message about an unknown word: the one that was probably meant, else all that there are.
func hint(word string, allowed []string) string {
	if best := nearest(word, allowed); best != "" {
		return fmt.Sprintf("(did you mean %q?)", best)
	}
	if len(allowed) == 0 {
		return "(there is none)"
	}
	return "(have " + strings.Join(allowed, ", ") + ")"
}

// nearest gives the allowed word that a slip of the fingers turns into word, or "".
func nearest(word string, allowed []string) string {
	const longest = 40 // nobody mistypes more, and the distance costs the square of it
	if len(word) > longest {
		return ""
	}
	best, least := "", min(len(word), 1+(len(word)+2)/3)
	for _, a := range allowed {
		if len(a) > longest {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(a)); d < least {
			best, least = a, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to turn a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// isFile tells the name of a file on the wire from the name of an image: it holds a dot or a slash. Without
// that rule a mistyped image would silently become a file that nobody serves.
func isFile(name string) bool { return strings.ContainsAny(name, "./") }

// isImage tells whether the catalogue has an image of that name.
func (k Known) isImage(name string) bool { return slices.Contains(k.Images, name) }
