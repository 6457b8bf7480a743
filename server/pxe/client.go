package pxe

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// The options by which a client says what it is.
const (
	OptClassID   = 60  // RFC 2132 section 9.13: "PXEClient:Arch:00007:UNDI:003000"
	OptUserClass = 77  // RFC 3004; iPXE sends a bare "iPXE"
	OptArch      = 93  // RFC 4578 section 2.1
	OptNII       = 94  // RFC 4578 section 2.2
	OptUUID      = 97  // RFC 4578 section 2.3
	OptEtherboot = 175 // encapsulated options of gPXE and iPXE
)

// EtherbootNoProxy is the sub-option of option 175 that, set to 1, tells iPXE not to wait for a proxyDHCP offer.
const EtherbootNoProxy = 176

// Client is what one request says about its sender.
type Client struct {
	Class     string // option 60 as sent
	PXE       bool   // option 60 begins with "PXEClient"
	HTTP      bool   // option 60 begins with "HTTPClient": UEFI HTTP boot, which takes a URI and no TFTP file name
	IPXE      bool   // user class "iPXE", or option 175 present
	Archs     []Arch // in the client's order of preference
	FromClass bool   // Archs was read from option 60, because there was no option 93
	NII       NII    // zero when absent or malformed
	UUID      UUID   // zero when absent, malformed or all zero
	NoUUID    bool   // it sent an option 97 of 16 zeros: a machine without a UUID says so
	Vendor    Vendor // option 43 of a PXE client, as far as it could be read
}

// NII is a client network interface identifier (RFC 4578 section 2.2): type 1 is UNDI.
type NII struct{ Type, Major, Minor byte }

// Identify reads a request's options, a map from option code to value. Malformed values count as absent.
func Identify(options map[uint8][]byte) Client {
	c := Client{Class: strings.TrimRight(string(options[OptClassID]), "\x00")}
	c.PXE = strings.HasPrefix(c.Class, "PXEClient")
	c.HTTP = strings.HasPrefix(c.Class, "HTTPClient")
	_, etherboot := options[OptEtherboot]
	c.IPXE = etherboot || hasUserClass(options[OptUserClass], "iPXE")
	c.Archs = archList(options[OptArch])
	if len(c.Archs) == 0 {
		c.Archs = archOfClass(c.Class)
		c.FromClass = len(c.Archs) > 0
	}
	if v := options[OptNII]; len(v) == 3 {
		c.NII = NII{v[0], v[1], v[2]}
	}
	if v := options[OptUUID]; len(v) == 17 && v[0] == 0 {
		c.UUID = UUID(v[1:])
		c.NoUUID = c.UUID.IsZero()
	}
	if v, ok := options[OptVendor]; ok && c.PXE {
		if vendor, err := ParseVendor(v); err == nil {
			c.Vendor = *vendor
		}
	}
	return c
}

// EFI reports whether the client says that it boots by UEFI.
func (c Client) EFI() bool { return slices.ContainsFunc(c.Archs, Arch.EFI) }

// hasUserClass accepts the bare string that iPXE has always sent and RFC 3004's list of length-prefixed strings.
func hasUserClass(v []byte, class string) bool {
	if strings.TrimRight(string(v), "\x00") == class {
		return true
	}
	for len(v) > 0 && int(v[0]) < len(v) {
		n := 1 + int(v[0])
		if string(v[1:n]) == class {
			return true
		}
		v = v[n:]
	}
	return false
}

func archList(v []byte) []Arch {
	if len(v)%2 != 0 {
		return nil
	}
	var archs []Arch
	for ; len(v) > 0; v = v[2:] {
		archs = append(archs, Arch(binary.BigEndian.Uint16(v)))
	}
	return archs
}

// archOfClass reads the decimal in "PXEClient:Arch:00007:...", the only place where a PXE client without option 93
// names its architecture.
func archOfClass(class string) []Arch {
	f := strings.Split(class, ":")
	if len(f) < 3 || f[1] != "Arch" {
		return nil
	}
	n, err := strconv.ParseUint(f[2], 10, 16)
	if err != nil {
		return nil
	}
	return []Arch{Arch(n)}
}
