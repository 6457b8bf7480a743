package event

import (
	"fmt"
	"slices"
)

// Stage is one step of a network boot. Every boot is a walk through them in this order; a firmware that
// needs no proxy or boot server skips those two. A stage is reached by what is seen, never by time.
type Stage int

// The stages and what marks each as reached.
const (
	StagePower      Stage = iota // QEMU runs and the machine is on
	StageFirmware                // the firmware spoke on the serial console
	StageLink                    // the guest sent its first frame
	StageDiscover                // DHCPDISCOVER (or BOOTREQUEST) left the guest
	StageOffer                   // an offer reached the guest
	StageAddress                 // DHCPACK (or BOOTREPLY) reached the guest
	StageProxy                   // a request to port 4011 left the guest without a boot item
	StageBootServer              // a boot server request (option 43.71) left the guest
	StageDownload                // the guest asked for the boot file (RRQ, HTTP GET)
	StageStarted                 // the boot program ran: its first line on the console
	StageReported                // the boot program finished its report
	StageOff                     // the machine powered itself off
)

var stageNames = []string{"power", "firmware", "link", "discover", "offer", "address", "proxy", "boot-server",
	"download", "started", "reported", "off"}

// StageNames lists the names of all stages in order.
func StageNames() []string { return slices.Clone(stageNames) }

func (s Stage) String() string {
	if s < 0 || int(s) >= len(stageNames) {
		return fmt.Sprintf("stage(%d)", int(s))
	}
	return stageNames[s]
}

// MarshalText writes the stage's name.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a stage's name.
func (s *Stage) UnmarshalText(b []byte) error {
	i := slices.Index(stageNames, string(b))
	if i < 0 {
		return fmt.Errorf("unknown stage %q (have %v)", b, stageNames)
	}
	*s = Stage(i)
	return nil
}
