package dissect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

// The kinds of options that say who a client is, or where something is.
var (
	kindUUID     = kind{"a UUID, as 00112233-4455-6677-8899-aabbccddeeff", showUUID, parseUUID}
	kindClientID = kind{"a hardware address, as 52:54:00:12:34:56", showClientID, parseClientID}
	kindNII      = kind{"a type and a version, as UNDI 3.0", showNII, parseNII}
	kindNames    = kind{"domain names, with commas between", showNames, parseNames}
	kindArchs    = kind{`architectures by number or name, as "7" or "efi-x64"`, showArchs, parseArchs}
	kindRoutes   = kind{`routes, as "192.0.2.0/24 198.51.100.1, 0.0.0.0/0 198.51.100.2"`, showRoutes, parseRoutes}
)

// orHex shows what is not in the usual form as octets, which is no mistake.
func orHex(k kind) kind {
	show := k.show
	k.show = func(v []byte) (string, bool) {
		if text, ok := show(v); ok {
			return text, true
		}
		return hexed(v), true
	}
	return k
}

func showUUID(v []byte) (string, bool) {
	if len(v) != 17 || v[0] != 0 {
		return "", false
	}
	return pxe.UUID(v[1:]).String(), true
}

func parseUUID(text string, _ []byte) ([]byte, error) {
	u, err := pxe.ParseUUID(text)
	if err != nil {
		return nil, errKind
	}
	return append([]byte{0}, u[:]...), nil
}

func showClientID(v []byte) (string, bool) {
	if len(v) != 7 || v[0] != 1 {
		return "", false
	}
	return showMAC(v[1:])
}

func parseClientID(text string, _ []byte) ([]byte, error) {
	m, err := parseMAC(text, nil)
	return append([]byte{1}, m...), err
}

func showNII(v []byte) (string, bool) {
	if len(v) != 3 || v[0] != 1 {
		return "", false
	}
	return fmt.Sprintf("UNDI %d.%d", v[1], v[2]), true
}

func parseNII(text string, _ []byte) ([]byte, error) {
	version, ok := strings.CutPrefix(text, "UNDI ")
	major, minor, dot := strings.Cut(version, ".")
	v, err1 := parseNumber(major, 1)
	w, err2 := parseNumber(minor, 1)
	if !ok || !dot || err1 != nil || err2 != nil {
		return nil, errKind
	}
	return []byte{1, v[0], w[0]}, nil
}

// showNames shows names of DNS (RFC 1035 section 3.1) that have none of its pointers.
func showNames(v []byte) (string, bool) {
	var names, labels []string
	for len(v) > 0 {
		n := int(v[0])
		if n >= 64 || n >= len(v) && n > 0 {
			return "", false
		}
		if n == 0 {
			names, labels, v = append(names, strings.Join(labels, ".")), nil, v[1:]
			continue
		}
		label := string(v[1 : 1+n])
		if !simple(label) {
			return "", false
		}
		labels, v = append(labels, label), v[1+n:]
	}
	return strings.Join(names, ", "), labels == nil && !hasEmpty(names)
}

func hasEmpty(names []string) bool {
	for _, n := range names {
		if n == "" {
			return true
		}
	}
	return false
}

func parseNames(text string, _ []byte) ([]byte, error) {
	var v []byte
	for _, name := range split(text) {
		for _, label := range strings.Split(name, ".") {
			if !simple(label) || len(label) > 63 {
				return nil, errKind
			}
			v = append(append(v, byte(len(label))), label...)
		}
		v = append(v, 0)
	}
	return v, nil
}

// showRoutes shows classless routes: of each subnet only the octets that have a part in it.
func showRoutes(v []byte) (string, bool) {
	var routes []string
	for len(v) > 0 {
		bits, n := int(v[0]), (int(v[0])+7)/8
		if bits > 32 || len(v) < 1+n+4 {
			return "", false
		}
		subnet := [4]byte{}
		copy(subnet[:], v[1:1+n])
		to, _ := showAddress(subnet[:])
		via, _ := showAddress(v[1+n : 5+n])
		routes = append(routes, fmt.Sprintf("%s/%d %s", to, bits, via))
		v = v[5+n:]
	}
	return strings.Join(routes, ", "), true
}

func parseRoutes(text string, _ []byte) ([]byte, error) {
	var v []byte
	words := split(text)
	for ; len(words) >= 2; words = words[2:] {
		p, err := netip.ParsePrefix(words[0])
		via, err2 := parseAddress(words[1], nil)
		if err != nil || err2 != nil || !p.Addr().Is4() {
			return nil, errKind
		}
		a := p.Addr().As4()
		v = append(append(append(v, byte(p.Bits())), a[:(p.Bits()+7)/8]...), via...)
	}
	if len(words) > 0 {
		return nil, errKind
	}
	return v, nil
}

// showArchs shows architectures with what the numbers stand for.
func showArchs(v []byte) (string, bool) {
	var archs []string
	for at := 0; at+2 <= len(v); at += 2 {
		a := pxe.Arch(big(v[at : at+2]))
		text := fmt.Sprint(uint16(a))
		if title := a.Title(); title != "" {
			text += " (" + title + ")"
		}
		archs = append(archs, text)
	}
	return strings.Join(archs, ", "), len(v)%2 == 0
}

// inParentheses is what a number stands for, behind it.
var inParentheses = regexp.MustCompile(`\([^)]*\)`)

func parseArchs(text string, _ []byte) ([]byte, error) {
	var v []byte
	for _, w := range split(inParentheses.ReplaceAllString(text, "")) {
		n, err := parseNumber(w, 2)
		if archs, unknown := pxe.ParseArch(w); unknown == nil {
			n, err = binary.BigEndian.AppendUint16(nil, uint16(archs[0])), nil
		}
		if err != nil {
			return nil, err
		}
		v = append(v, n...)
	}
	return v, nil
}
