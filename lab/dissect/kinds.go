package dissect

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// kind is how octets are written as text, and read back. What show writes, parse makes the same octets of.
type kind struct {
	want  string                        // what it is, for errors: "an IPv4 address"
	show  func(v []byte) (string, bool) // false: these octets are none of the kind
	parse func(text string, was []byte) ([]byte, error)
}

// hexPrefix begins octets in hexadecimal, which every field takes.
const hexPrefix = "hex:"

func hexed(v []byte) string { return hexPrefix + hex.EncodeToString(v) }

// read makes octets of text, for a field that held others.
func (k kind) read(text string, was []byte) ([]byte, error) {
	if digits, ok := strings.CutPrefix(text, hexPrefix); ok {
		v, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "-", "").Replace(digits))
		if err != nil {
			return nil, fmt.Errorf("%q are not octets in hexadecimal (want hex:0a1b2c)", text)
		}
		return v, nil
	}
	v, err := k.parse(text, was)
	if err != nil {
		if err.Error() == "" {
			err = fmt.Errorf("%q is not %s", text, k.want)
		}
		return nil, fmt.Errorf("%w, nor octets as hex:0a1b2c", err)
	}
	return v, nil
}

var errKind = errors.New("") // the text is not of the kind

var (
	kindAddress  = kind{"an IPv4 address", showAddress, parseAddress}
	kindAddress6 = kind{"an IPv6 address", showAddress6, parseAddress6}
	kindMAC      = kind{"a hardware address of 6 octets", showMAC, parseMAC}
	kindOctets   = kind{"octets", func(v []byte) (string, bool) { return hexed(v), true }, parseNone}
	kindText     = kind{"text", showText, parseText}
	kindByte     = number(1)
	kindWord     = number(2)
	kindLong     = number(4)
	kindSigned   = kind{"a number from -2147483648 to 2147483647", showSigned, parseSigned}
	kindHex8     = hexNumber(1)
	kindHex16    = hexNumber(2)
	kindHex32    = hexNumber(4)
	kindFlag     = kind{"0 (no) or 1 (yes)", showFlag, parseFlag}
	kindList     = list(kindAddress, 4, "IPv4 addresses")
	kindNothing  = kind{"nothing (it has no value)", showNothing, parseNothing}
	kindList6    = list(kindAddress6, 16, "IPv6 addresses")
	kindPairs    = pairs()
	kindBytes    = list(kindByte, 1, "numbers from 0 to 255")
	kindWords    = list(kindWord, 2, "numbers from 0 to 65535")
	kindLongs    = list(kindHex32, 4, "numbers of 32 bits")
)

func showAddress(v []byte) (string, bool) {
	if len(v) != 4 {
		return "", false
	}
	return netip.AddrFrom4([4]byte(v)).String(), true
}

func parseAddress(text string, _ []byte) ([]byte, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return nil, errKind
	}
	return a.AsSlice(), nil
}

func showAddress6(v []byte) (string, bool) {
	if len(v) != 16 {
		return "", false
	}
	return netip.AddrFrom16([16]byte(v)).String(), true
}

func parseAddress6(text string, _ []byte) ([]byte, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return nil, errKind
	}
	return a.AsSlice(), nil
}

func showMAC(v []byte) (string, bool) {
	return net.HardwareAddr(v).String(), len(v) == 6
}

func parseMAC(text string, _ []byte) ([]byte, error) {
	m, err := net.ParseMAC(text)
	if err != nil || len(m) != 6 {
		return nil, errKind
	}
	return m, nil
}

func parseNone(string, []byte) ([]byte, error) { return nil, errKind }

func showNothing(v []byte) (string, bool) { return "", len(v) == 0 }

func parseNothing(text string, _ []byte) ([]byte, error) {
	if text != "" {
		return nil, errKind
	}
	return nil, nil
}

// number is a big-endian number of so many octets, in decimal. Names behind it in parentheses are for the reader.
func number(octets int) kind {
	most := uint64(1)<<(8*octets) - 1
	return kind{fmt.Sprintf("a number from 0 to %d", most), func(v []byte) (string, bool) {
		return strconv.FormatUint(big(v), 10), len(v) == octets
	}, func(text string, _ []byte) ([]byte, error) { return parseNumber(text, octets) }}
}

// hexNumber is the same, written in hexadecimal.
func hexNumber(octets int) kind {
	k := number(octets)
	k.show = func(v []byte) (string, bool) {
		return fmt.Sprintf("0x%0*x", 2*octets, big(v)), len(v) == octets
	}
	return k
}

func big(v []byte) uint64 {
	var n uint64
	for _, b := range v {
		n = n<<8 | uint64(b)
	}
	return n
}

func parseNumber(text string, octets int) ([]byte, error) {
	n, err := strconv.ParseUint(text, 0, 8*octets)
	if err != nil {
		return nil, errKind
	}
	return binary.BigEndian.AppendUint64(nil, n)[8-octets:], nil
}

func showSigned(v []byte) (string, bool) {
	return strconv.Itoa(int(int32(big(v)))), len(v) == 4
}

func parseSigned(text string, _ []byte) ([]byte, error) {
	n, err := strconv.ParseInt(text, 0, 32)
	if err != nil {
		return nil, errKind
	}
	return binary.BigEndian.AppendUint32(nil, uint32(n)), nil
}

func showFlag(v []byte) (string, bool) {
	return strconv.FormatUint(big(v), 10), len(v) == 1 && v[0] <= 1
}

func parseFlag(text string, _ []byte) ([]byte, error) {
	if text != "0" && text != "1" {
		return nil, errKind
	}
	return []byte{text[0] - '0'}, nil
}

// named is a kind whose numbers have names: "5 (ACK)". Both can be written, or either.
func named(k kind, names map[uint64]string) kind {
	show, parse := k.show, k.parse
	k.show = func(v []byte) (string, bool) {
		text, ok := show(v)
		if name := names[big(v)]; ok && name != "" {
			text += " (" + name + ")"
		}
		return text, ok
	}
	k.parse = func(text string, was []byte) ([]byte, error) {
		bare, _, _ := strings.Cut(text, " (")
		for n, name := range names {
			if strings.EqualFold(name, bare) {
				return parse(strconv.FormatUint(n, 10), was)
			}
		}
		return parse(bare, was)
	}
	return k
}

// list is a list of values of one size, with commas between.
func list(one kind, octets int, want string) kind {
	return kind{want + ", with commas between", func(v []byte) (string, bool) {
		var words []string
		for at := 0; at+octets <= len(v); at += octets {
			w, _ := one.show(v[at : at+octets])
			words = append(words, w)
		}
		return strings.Join(words, ", "), len(v)%octets == 0
	}, func(text string, _ []byte) ([]byte, error) {
		var v []byte
		for _, w := range split(text) {
			b, err := one.parse(w, nil)
			if err != nil {
				return nil, errKind
			}
			v = append(v, b...)
		}
		return v, nil
	}}
}

// pairs is a list of pairs of addresses: "192.0.2.0 255.255.255.0, ...".
func pairs() kind {
	k := list(kindAddress, 4, "pairs of IPv4 addresses")
	flat := k.show
	k.show = func(v []byte) (string, bool) {
		text, _ := flat(v)
		words := split(text)
		var s strings.Builder
		for i, w := range words {
			s.WriteString([]string{", ", " "}[i%2] + w)
		}
		return strings.TrimPrefix(s.String(), ", "), len(v)%8 == 0
	}
	return k
}

// split cuts a list at commas and blanks.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
