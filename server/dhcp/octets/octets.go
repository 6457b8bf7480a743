// Package octets reads BOOTP and DHCP messages by the letter of their RFCs. Tests hold the servers to it: what they
// answer must be a request by its octets alone, and what they send must keep to the rules that every reply has to. It
// shares no code with the servers, nor with the codec that they use.
package octets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Places of the fixed fields (RFC 951 section 3).
const (
	opAt, htypeAt, hlenAt                      = 0, 1, 2
	xidAt, flagsAt, ciaddrAt, yiaddrAt, chaddr = 4, 10, 12, 16, 28
	fileAt, header                             = 108, 236
)

// Message is one message.
type Message struct {
	Octets  []byte
	Cookie  bool            // the vendor area begins with RFC 1048's magic cookie
	Options map[byte][]byte // those that are there twice joined (RFC 3396)
	Count   map[byte]int    // how often each is there
}

// Read reads a message. One without the magic cookie has no options (RFC 951).
func Read(b []byte) (Message, error) {
	if len(b) < header+4 {
		return Message{}, fmt.Errorf("%d octets are no BOOTP message", len(b))
	}
	if b[hlenAt] > 16 {
		return Message{}, fmt.Errorf("a hardware address of %d octets in a field of 16", b[hlenAt])
	}
	m := Message{Octets: b, Options: map[byte][]byte{}, Count: map[byte]int{}}
	rest, ok := bytes.CutPrefix(b[header:], []byte{99, 130, 83, 99})
	if m.Cookie = ok; !ok {
		return m, nil
	}
	for len(rest) > 0 && rest[0] != 255 { // RFC 1048 asks for the end; BOOTP clients forget it
		if rest[0] == 0 {
			rest = rest[1:]
			continue
		}
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return Message{}, fmt.Errorf("option %d is cut short", rest[0])
		}
		m.Options[rest[0]] = append(m.Options[rest[0]], rest[2:2+int(rest[1])]...)
		m.Count[rest[0]]++
		rest = rest[2+int(rest[1]):]
	}
	return m, nil
}

// Is reports whether the message is a BOOTREQUEST of one of these DHCP types.
func (m Message) Is(types ...byte) bool {
	v := m.Options[53]
	return len(m.Octets) > 0 && m.Octets[opAt] == 1 && len(v) == 1 && bytes.IndexByte(types, v[0]) >= 0
}

// Class reports whether the message has an option 60 that begins so.
func (m Message) Class(begin string) bool { return bytes.HasPrefix(m.Options[60], []byte(begin)) }

// Tags reads an option 43 of PXE (PXE 2.1 table 2-1), and whether tag 255 ends it.
func Tags(v []byte) (tags map[byte][]byte, ended bool, err error) {
	for tags = map[byte][]byte{}; len(v) > 0; {
		switch {
		case v[0] == 255:
			return tags, true, nil
		case v[0] == 0:
			v = v[1:]
			continue
		case len(v) < 2 || len(v) < 2+int(v[1]):
			return nil, false, fmt.Errorf("tag %d is cut short", v[0])
		case tags[v[0]] != nil:
			return nil, false, fmt.Errorf("tag %d is there twice", v[0])
		}
		tags[v[0]] = append([]byte{}, v[2:2+int(v[1])]...)
		v = v[2+int(v[1]):]
	}
	return tags, false, nil
}

// CheckReply holds a reply to a request to the rules that all replies of a server without flaws keep, whatever it has
// to say; the error names each that is broken.
func CheckReply(request, reply Message) error {
	var broken []error
	rule := func(kept bool, format string, args ...any) {
		if !kept {
			broken = append(broken, fmt.Errorf(format, args...))
		}
	}
	q, r, o := request.Octets, reply.Octets, reply.Options
	rule(q[opAt] == 1 && r[opAt] == 2, "op %d answered with op %d", q[opAt], r[opAt])
	rule(len(r) >= 300, "%d octets, less than the 300 of BOOTP (RFC 1542 section 2.1)", len(r))
	rule(bytes.Equal(q[xidAt:xidAt+4], r[xidAt:xidAt+4]), "another transaction (RFC 2131 table 3)")
	rule(q[htypeAt] == r[htypeAt] && q[hlenAt] == r[hlenAt] && bytes.Equal(q[chaddr:chaddr+int(q[hlenAt])], r[chaddr:chaddr+int(q[hlenAt])]),
		"another hardware address (RFC 2131 table 3)")
	rule(request.Cookie == reply.Cookie, "cookie %t answered with cookie %t (RFC 951, RFC 1048)", request.Cookie, reply.Cookie)
	_, overload := o[52]
	rule(!overload, "fields overloaded (option 52), which iPXE does not read")
	_, size := o[13]
	rule(!size, "option 13 (boot file size), which EDK2 believes")
	broken = append(broken, checkPXE(request, reply), checkFile(reply))
	return errors.Join(broken...)
}

// checkPXE holds what a DHCP reply says of PXE.
func checkPXE(request, reply Message) error {
	o := reply.Options
	if uuid, sent := request.Options[97]; sent && o[53] != nil && !bytes.Equal(uuid, o[97]) {
		return fmt.Errorf("option 97 %x returned as %x (RFC 4578 section 2.3)", uuid, o[97])
	}
	if class, told := o[60]; told && string(class) != "PXEClient" && string(class) != "HTTPClient" || told && !request.Class(string(class)) {
		return fmt.Errorf("class %q to a client of class %q (PXE 2.1 section 2.2)", class, request.Options[60])
	}
	v, told := o[43]
	if !told {
		return nil
	}
	_, ended, err := Tags(v)
	if err != nil {
		return fmt.Errorf("option 43 %x: %w", v, err)
	}
	if !ended || v[len(v)-1] != 255 || reply.Count[43] != 1 || string(o[60]) != "PXEClient" {
		return fmt.Errorf("option 43 %x in %d parts, ended: %t, class %q (PXE 2.1 table 2-1)", v, reply.Count[43], ended, o[60])
	}
	return nil
}

// checkFile holds the boot file, which both clients must read from where each looks for it, and what is given with it.
func checkFile(reply Message) error {
	name, told := reply.Options[67]
	field, _, _ := bytes.Cut(reply.Octets[fileAt:header], []byte{0})
	switch {
	case told && (len(name) < 2 || name[len(name)-1] != 0):
		return fmt.Errorf("option 67 %q does not end in NUL, and EDK2 writes one behind it", name)
	case told && len(field) > 0 && string(field)+"\x00" != string(name):
		return fmt.Errorf("file %q and option 67 %q", field, name)
	}
	given, leased := reply.Octets[yiaddrAt:yiaddrAt+4], reply.Options[51] != nil
	if leased && binary.BigEndian.Uint32(given) == 0 {
		return errors.New("a lease time (option 51) of no address")
	}
	return nil
}
