package wire

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DHCP options that an event tells of.
const (
	optPad       = 0   // RFC 2132 section 3.1
	optBootSize  = 13  // RFC 2132 section 3.15
	optVendor    = 43  // RFC 2132 section 8.4
	optRequested = 50  // RFC 2132 section 9.1
	optOverload  = 52  // RFC 2132 section 9.3
	optType      = 53  // RFC 2132 section 9.6
	optServerID  = 54  // RFC 2132 section 9.7
	optMessage   = 56  // RFC 2132 section 9.9
	optClassID   = 60  // RFC 2132 section 9.13
	optBootfile  = 67  // RFC 2132 section 9.5
	optUserClass = 77  // RFC 3004
	optArch      = 93  // RFC 4578 section 2.1
	optUUID      = 97  // RFC 4578 section 2.3
	optEnd       = 255 // RFC 2132 section 3.2

	subBootItem = 71 // within option 43: PXE 2.1 table 2-1, PXE_BOOT_ITEM
)

// options are DHCP options as they stand in the packet: codecs lose order, repetition and a missing END, and
// each of these breaks some firmware.
type options struct {
	order []string       // numbers in the order sent, "255" if END is there; without PAD
	value map[int][]byte // repeated options are concatenated (RFC 3396)
	err   string         // where the walk had to stop
}

// walk reads options up to END or the end of the area. Firmware in the field sends areas without END,
// so that is no error; the list of numbers shows it.
func (o *options) walk(area []byte) {
	if o.value == nil {
		o.value = map[int][]byte{}
	}
	for len(area) > 0 {
		code := int(area[0])
		switch code {
		case optPad:
			area = area[1:]
			continue
		case optEnd:
			o.order = append(o.order, "255")
			return
		}
		if len(area) < 2 {
			o.err = fmt.Sprintf("option %d has no length", code)
			return
		}
		n := int(area[1])
		if n > len(area)-2 {
			o.err = fmt.Sprintf("option %d says %d octets, %d are left", code, n, len(area)-2)
			return
		}
		o.order = append(o.order, strconv.Itoa(code))
		o.value[code] = append(o.value[code], area[2:2+n]...)
		area = area[2+n:]
	}
}

// text gives an option as text; some servers count the terminating NUL as part of it.
func (o *options) text(code int) string { return printable(cutNUL(o.value[code])) }

// bootItem gives the boot server type and layer inside option 43, if there is one.
func (o *options) bootItem() []byte {
	if !strings.HasPrefix(string(o.value[optClassID]), "PXEClient") {
		return nil // option 43 then belongs to another vendor
	}
	var sub options
	sub.walk(o.value[optVendor])
	return sub.value[subBootItem]
}

// userClass gives option 77. RFC 3004 wants a list of counted strings; iPXE sends bare text.
func (o *options) userClass() string {
	raw := o.value[optUserClass]
	var list []string
	for rest := raw; len(rest) > 0; {
		n := int(rest[0])
		if n == 0 || n > len(rest)-1 {
			return printable(cutNUL(raw))
		}
		list = append(list, printable(rest[1:1+n]))
		rest = rest[1+n:]
	}
	return strings.Join(list, ",")
}

// cutNUL ends a C string.
func cutNUL(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

// maxText bounds what one field of a hostile packet can put into the log.
const maxText = 512

// printable gives octets from the wire as text for a log line: what does not print is escaped as \xNN. A
// backslash stays as it is, because boot file names contain them.
func printable(b []byte) string {
	more := ""
	if len(b) > maxText {
		b, more = b[:maxText], "..."
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if (r == utf8.RuneError && n == 1) || !unicode.IsPrint(r) {
			for _, c := range b[:n] {
				fmt.Fprintf(&s, `\x%02x`, c)
			}
		} else {
			s.Write(b[:n])
		}
		b = b[n:]
	}
	return s.String() + more
}
