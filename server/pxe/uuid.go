package pxe

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// UUID is a client machine identifier as option 97 carries it (RFC 4578 section 2.3): the 16 octets of the SMBIOS
// System UUID, whose first three fields are little-endian (SMBIOS 2.6, section 7.2.1).
type UUID [16]byte

// smbiosOrder[i] is the place in the printed form of wire octet i.
var smbiosOrder = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

// ParseUUID reads the usual text form, "00112233-4455-6677-8899-aabbccddeeff", in either case, as QEMU's -uuid and
// virsh take it.
func ParseUUID(text string) (UUID, error) {
	var u UUID
	printed, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(printed) != len(u) || !dashesInPlace(text) {
		return UUID{}, fmt.Errorf("%q is not a UUID (want 00112233-4455-6677-8899-aabbccddeeff)", text)
	}
	for i := range u {
		u[i] = printed[smbiosOrder[i]]
	}
	return u, nil
}

func dashesInPlace(text string) bool {
	if len(text) != 36 {
		return false
	}
	for _, i := range []int{8, 13, 18, 23} {
		if text[i] != '-' {
			return false
		}
	}
	return true
}

// String gives the text form that SMBIOS tools and virsh print.
func (u UUID) String() string {
	var p [16]byte
	for i := range u {
		p[smbiosOrder[i]] = u[i]
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", p[0:4], p[4:6], p[6:8], p[8:10], p[10:16])
}

// IsZero reports whether the machine has no UUID: firmware then sends 16 zero octets, the same for every such machine.
func (u UUID) IsZero() bool { return u == UUID{} }

// BigEndian gives the octets in printed order, as a client sends them that reads SMBIOS without regard to its byte order.
func (u UUID) BigEndian() UUID {
	var p UUID
	for i := range u {
		p[smbiosOrder[i]] = u[i]
	}
	return p
}
