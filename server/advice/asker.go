// Package advice asks the boot servers of a network as one machine after the other, and tells what each would be told and
// which traps lie in that, before any machine boots.
//
// Survey is the only part that speaks on the network. Traps is a function of what was collected.
package advice

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// Asker is one machine to ask as.
type Asker struct {
	Arch pxe.Arch `json:"arch"`           // option 93
	HTTP bool     `json:"http,omitempty"` // HTTPClient in place of PXEClient
	IPXE bool     `json:"ipxe,omitempty"` // with iPXE's user class, option 77
	// Wanted says that somebody named this architecture, so that having no boot file for it is a trap.
	Wanted bool `json:"wanted,omitempty"`
}

// String gives a short name: "efi-x64", or "efi-x64 iPXE". 7 and 9 have names of their own.
func (a Asker) String() string {
	name := a.Arch.Names()[0]
	if a.IPXE {
		name += " iPXE"
	}
	return name
}

// Askers lists the machines that are asked as when nobody says which: the architectures that boot today.
func Askers() []Asker {
	var all []Asker
	for _, a := range []pxe.Arch{pxe.ArchBIOS, pxe.ArchEFIIA32, pxe.ArchEFIX64, pxe.ArchEFIBC, 10, pxe.ArchEFIAA64, 27} {
		all = append(all, Asker{Arch: a})
	}
	for _, a := range []pxe.Arch{pxe.ArchBIOS, pxe.ArchEFIIA32, pxe.ArchEFIX64, pxe.ArchEFIAA64} {
		all = append(all, Asker{Arch: a, IPXE: true})
	}
	for _, a := range []pxe.Arch{pxe.ArchHTTPIA32, 16, 19} {
		all = append(all, Asker{Arch: a, HTTP: true})
	}
	return all
}

// AskersOf lists the machines of one architecture: its firmware, and iPXE where that is not HTTP boot.
func AskersOf(a pxe.Arch) []Asker {
	if httpArch(a) {
		return []Asker{{Arch: a, HTTP: true, Wanted: true}}
	}
	return []Asker{{Arch: a, Wanted: true}, {Arch: a, IPXE: true}}
}

// httpArch reports whether IANA's registry has the code for HTTP boot.
func httpArch(a pxe.Arch) bool {
	return a >= pxe.ArchHTTPIA32 && a <= 20 || a == 28
}

// config is the client that speaks as the asker's firmware does.
func (a Asker) config() pxeclient.Config {
	switch {
	case a.IPXE:
		return pxeclient.LikeIPXE(a.Arch)
	case a.Arch == pxe.ArchBIOS:
		return pxeclient.Config{Archs: []pxe.Arch{a.Arch}, UUID: &pxe.UUID{}}
	}
	c := pxeclient.LikeEDK2(a.Arch)
	c.HTTP = a.HTTP
	return c
}

// Answer is what one asker was told.
type Answer struct {
	Asker
	Walk     *pxeclient.Walk
	Problems []pxeclient.Problem // what pxeclient.Check found in the packets
	Look     *Look               // at the boot file; nil: there was none to look at
}

// file gives the boot program that the asker would fetch.
func (a *Answer) file() (pxeclient.File, bool) {
	if w := a.Walk.File; w != nil && a.takesURIs() && isURI(w.Name) {
		return pxeclient.File{Name: w.Name}, true // from where it says, not from siaddr
	} else if w != nil {
		return *w, true
	}
	if b := a.Walk.Choice.Boot; a.IPXE && b != nil && a.Walk.Choice.AskBoot() && b.SIAddr.IsValid() {
		f, err := b.File() // iPXE asks port 4011 only if the offer itself names no file and server
		return f, err == nil && f.Name != ""
	}
	return pxeclient.File{}, false
}

// takesURIs tells whether the asker would fetch a URI, in place of a file of that name by TFTP.
func (a Asker) takesURIs() bool { return a.IPXE || a.HTTP }

// isURI tells a URI from the name of a file.
func isURI(name string) bool { return strings.Contains(name, "://") }

func name(f pxeclient.File) string {
	if !f.Server.IsValid() {
		return f.Name
	}
	return fmt.Sprintf("tftp://%s/%s", f.Server, f.Name)
}
