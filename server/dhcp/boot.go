package dhcp

import (
	"fmt"
	"net/netip"

	"github.com/pxelab/pxelab/server/pxe"
)

// boot is what a reply says about booting; file is empty when it says nothing.
type boot struct {
	file    string
	next    netip.Addr
	noProxy bool
	class   string // option 60 of the reply; empty sends none
	why     string
}

// bootFor decides what the client is told to boot. Who names its architecture (option 93) or asks for a boot file
// (67 in its parameter list) gets one, whether its class is PXEClient or not: BOOTP-minded programs ask that way.
//
// An iPXE client whose architecture IPXE does not name gets the file of Files: the network card ROM that QEMU plugs in
// is itself iPXE, so "is iPXE" does not mean "already chain-loaded".
func (c *Config) bootFor(r *Request, reservedFile string) boot {
	if r.Client.HTTP {
		return c.bootHTTP(r, reservedFile)
	}
	b := boot{next: c.Address.Addr()}
	if c.Boot == nil && reservedFile == "" {
		return b
	}
	cl := r.Client
	switch {
	case !cl.PXE && !cl.IPXE && len(cl.Archs) == 0 && !r.asks(optBootFile):
		b.why = "not a boot client"
	case reservedFile != "":
		b.file, b.why = reservedFile, "boot file reserved for it"
	default:
		b.file, b.why = c.Boot.For(cl)
	}
	if c.Boot != nil {
		b.noProxy = c.Boot.NoProxy && cl.IPXE
		if c.Boot.NextServer.IsValid() {
			b.next = c.Boot.NextServer
		}
	}
	return b
}

// For chooses a client's boot file by its architecture, of a list of them the first that has a file, and says why.
func (b *Boot) For(cl pxe.Client) (file, why string) {
	source := "option 93"
	if cl.FromClass {
		source = "no option 93, and option 60's Arch"
	}
	if cl.IPXE {
		if f, why := forArch(b.IPXE, cl.Archs, source); f != "" {
			return f, "iPXE, and " + why
		}
	}
	if f, why := forArch(b.Files, cl.Archs, source); f != "" {
		return f, why
	}
	if f := b.Files[pxe.ArchBIOS.String()]; f != "" && len(cl.Archs) == 0 && cl.PXE {
		return f, "a PXEClient that names no architecture, so bios"
	}
	if b.Default != "" {
		return b.Default, "default file: " + noFile(cl.Archs)
	}
	return "", "no boot file: " + noFile(cl.Archs)
}

// forArch gives the file of the first architecture of a list that has one.
func forArch(files map[string]string, archs []pxe.Arch, source string) (file, why string) {
	for _, a := range archs {
		for _, name := range a.Names() {
			if f := files[name]; f != "" {
				return f, fmt.Sprintf("%s = %d, so %s", source, uint16(a), name)
			}
		}
	}
	return "", ""
}

func noFile(archs []pxe.Arch) string {
	if len(archs) == 0 {
		return "it names no architecture"
	}
	return fmt.Sprintf("none is configured for %s", archs[0])
}
