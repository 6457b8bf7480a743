package topology

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
)

// The text types parse one scalar of the file each. Their errors are whole messages: what is wrong with the
// text, and what to write.

// maxName is what a part's name may have: the planner puts up to four characters before it, and Linux allows
// an interface name 15.
const maxName = 11

const (
	nameRule    = `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	partRule    = `^[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?$`
	labNameRule = `^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`
	macRule     = `^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$`
	uuidRule    = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`
)

var (
	nameForm = regexp.MustCompile(nameRule)
	uuidForm = regexp.MustCompile(uuidRule)
	macForm  = regexp.MustCompile(macRule)
)

// labName names a topology.
type labName string

func (n *labName) UnmarshalText(b []byte) error {
	*n = labName(b)
	if !nameForm.Match(b) || len(b) > 40 {
		return fmt.Errorf("bad name %s: use up to 40 of a-z, 0-9 and -, with a letter or digit at both ends", quote(string(b)))
	}
	return nil
}

// partName names a network, a service or a guest.
type partName string

func (n *partName) UnmarshalText(b []byte) error {
	*n = partName(b)
	if !nameForm.Match(b) || len(b) > maxName {
		return fmt.Errorf("bad name %s: it becomes part of an interface name, so use up to %d of a-z, 0-9 and -, "+
			"with a letter or digit at both ends", quote(string(b)), maxName)
	}
	return nil
}

// address is an IP address without a zone.
type address struct{ netip.Addr }

func (a *address) UnmarshalText(b []byte) error {
	v, err := netip.ParseAddr(string(b))
	if err != nil || v.Zone() != "" || v.Is4In6() {
		return fmt.Errorf("%s is not an IP address; write one such as 192.0.2.1", quote(string(b)))
	}
	a.Addr = v
	return nil
}

// subnet is an IP prefix without host bits.
type subnet struct{ netip.Prefix }

func (s *subnet) UnmarshalText(b []byte) error {
	v, err := netip.ParsePrefix(string(b))
	if err != nil || v.Addr().Is4In6() {
		return fmt.Errorf("%s is not a subnet; write one such as 192.0.2.0/24", quote(string(b)))
	}
	if v != v.Masked() {
		return fmt.Errorf("%s has host bits set; write %s", quote(string(b)), v.Masked())
	}
	s.Prefix = v
	return nil
}

// span is a range of addresses, both ends included.
type span struct{ First, Last netip.Addr }

func (s *span) UnmarshalText(b []byte) error {
	from, to, ok := strings.Cut(string(b), "-")
	first, err1 := netip.ParseAddr(strings.TrimSpace(from))
	last, err2 := netip.ParseAddr(strings.TrimSpace(to))
	if !ok || err1 != nil || err2 != nil || first.Zone() != "" || last.Zone() != "" {
		return fmt.Errorf("%s is not a range; write first-last such as 192.0.2.100-192.0.2.199", quote(string(b)))
	}
	if first.BitLen() != last.BitLen() || last.Less(first) {
		return fmt.Errorf("range %s runs backwards; write the lower address first", quote(string(b)))
	}
	s.First, s.Last = first, last
	return nil
}

// duration is a time longer than zero.
type duration time.Duration

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%s is not a duration; write a number with its unit, such as 30s, 5m or 1h", quote(string(b)))
	}
	if v <= 0 {
		return fmt.Errorf("%s is not longer than zero; write a duration such as 30s", quote(string(b)))
	}
	*d = duration(v)
	return nil
}

// mac is an Ethernet address of one card, in lower case with colons.
type mac string

func (m *mac) UnmarshalText(b []byte) error {
	if !macForm.Match(b) {
		return fmt.Errorf("%s is not a MAC address; write six bytes such as 52:54:00:12:34:56", quote(string(b)))
	}
	hw, err := net.ParseMAC(string(b))
	if err != nil {
		return fmt.Errorf("%s is not a MAC address: %w", quote(string(b)), err)
	}
	if hw[0]&1 != 0 {
		return fmt.Errorf("%s is a multicast address, which no card may have; make the first byte even, such as 52", quote(string(b)))
	}
	if hw.String() == "00:00:00:00:00:00" {
		return fmt.Errorf("%s stands for no address; write one such as 52:54:00:12:34:56", quote(string(b)))
	}
	*m = mac(hw.String())
	return nil
}

// uuid is a machine's UUID as SMBIOS prints it, in lower case.
type uuid string

func (u *uuid) UnmarshalText(b []byte) error {
	if !uuidForm.Match(b) {
		return fmt.Errorf("%s is not a UUID; write one such as 564d4c41-4200-4000-8000-000000000001", quote(string(b)))
	}
	text := strings.ToLower(string(b))
	digits, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil {
		return fmt.Errorf("%s is not a UUID: %w", quote(string(b)), err)
	}
	// SMBIOS (DSP0134, 7.2.1): all zeros is "not present", all ones "not set".
	if s := string(digits); s == strings.Repeat("\x00", 16) || s == strings.Repeat("\xff", 16) {
		return fmt.Errorf("%s means that the machine has no UUID; write another, or none for the default", quote(string(b)))
	}
	*u = uuid(text)
	return nil
}

// pattern is a regular expression in Go's syntax (RE2). It is only parsed here, since compiling is what costs
// time and cannot find a further error.
type pattern string

func (p *pattern) UnmarshalText(b []byte) error {
	if _, err := syntax.Parse(string(b), syntax.Perl); err != nil {
		why := err.Error()
		if e := new(syntax.Error); errors.As(err, &e) {
			why = fmt.Sprintf("%s in %s", e.Code, quote(e.Expr))
		}
		return fmt.Errorf("bad regular expression: %s; a sign that stands for itself needs a \\ before it", why)
	}
	*p = pattern(b)
	return nil
}
