package dhcp6

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/server/lease"
)

// step is one request and what is expected of it; want is the reply's type and what describe says of its contents.
type step struct {
	req    *Request
	after  time.Duration // since the step before
	want   string
	reason string // part of it
}

// describe says what a reply gives: "REPLY 1=2001:db8::100 2=NoAddrsAvail status=Success url=tftp://...".
func describe(r *Reply) string {
	if r == nil {
		return "silent"
	}
	w := []string{messageName(r.Message.MessageType)}
	for _, o := range r.Message.Options.IANA() {
		for _, a := range o.Options.Addresses() {
			dead := ""
			if a.ValidLifetime == 0 {
				dead = " dead"
			}
			w = append(w, fmt.Sprintf("%d=%s%s", o.IaId[3], a.IPv6Addr, dead))
		}
		if s := o.Options.Status(); s != nil {
			w = append(w, fmt.Sprintf("%d=%s", o.IaId[3], s.StatusCode))
		}
	}
	if s := r.Message.Options.Status(); s != nil {
		w = append(w, "status="+s.StatusCode.String())
	}
	if u := r.Message.Options.BootFileURL(); u != "" {
		w = append(w, u)
	}
	if p := r.Message.Options.BootFileParam(); p != nil {
		w = append(w, fmt.Sprintf("params=%q", p))
	}
	if len(r.Message.Options.DNS()) > 0 {
		w = append(w, "dns")
	}
	return strings.Join(w, " ")
}

// TestRules walks through exchanges; each begins with no leases.
func TestRules(t *testing.T) {
	const x64 = " tftp://[2001:db8::1]/x64.efi"
	rapid := opt(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionRapidCommit})
	for _, c := range []struct {
		name   string
		change func(*Config)
		steps  []step
	}{
		{"EDK2: its PXE client and the one beside it", nil, []step{
			{message(solicit, 1, ia(1), edk2), 0, "ADVERTISE 1=2001:db8::100" + x64 + " dns", "next free address; option 61 = 7, so efi-x64"},
			{message(solicit, 1, ia(2), oro(dhcpv6.OptionDNSRecursiveNameServer)), 0, "ADVERTISE 2=2001:db8::101 dns", "not a boot client"},
			{message(request, 1, ia(1, "2001:db8::100"), server(ours), edk2), 0, "REPLY 1=2001:db8::100" + x64 + " dns", "the address it had before"},
			{message(request, 1, ia(2, "2001:db8::101"), server(ours)), 0, "REPLY 2=2001:db8::101", "not a boot client"},
			{message(solicit, 2, ia(1), edk2), 0, "ADVERTISE 1=2001:db8::102" + x64 + " dns", "next free address"},
			{message(release, 1, ia(1, "2001:db8::100"), server(ours)), 0, "REPLY status=Success", "2001:db8::100 is free again"},
		}},
		{"architectures", nil, []step{
			{message(solicit, 1, arch(iana.EFI_IA32)), 0, "ADVERTISE http://[2001:db8::2]/ia32.efi", "it asks for no address; option 61 = 6, so efi-ia32"},
			{message(solicit, 1, arch(iana.EFI_ARM64, 9)), 0, "ADVERTISE" + x64, "option 61 = 9, so efi-x64"},
			{message(solicit, 1, arch(iana.EFI_ARM64)), 0, "ADVERTISE", "no boot file: none is configured for efi-aa64"},
			{message(solicit, 1, class("PXEClient:Arch:00006")), 0, "ADVERTISE http://[2001:db8::2]/ia32.efi", "no option 61, and option 16's Arch = 6"},
			{message(solicit, 1, oro(dhcpv6.OptionBootfileURL)), 0, "ADVERTISE", "no boot file: it names no architecture"},
			{message(solicit, 1, class("HTTPClient:Arch:00006"), arch(iana.EFI_IA32)), 0, "ADVERTISE http://[2001:db8::2]/ia32.efi", "efi-ia32"},
			{message(solicit, 1, class("HTTPClient:Arch:00007"), arch(7)), 0, "ADVERTISE", "an HTTPClient takes an HTTP URL, and this is tftp://[2001:db8::1]/x64.efi"},
		}},
		{"default file, parameters, another server", func(c *Config) {
			c.Boot = &Boot{Default: "/any.efi", Server: ip("2001:db8::9"), Params: []string{"quiet", "root=/dev/ram"}}
		}, []step{
			{message(solicit, 1, edk2), 0, `ADVERTISE tftp://[2001:db8::9]/any.efi params=["quiet" "root=/dev/ram"] dns`, "default file: none is configured for efi-x64"},
		}},
		{"iPXE is told something else", func(c *Config) { c.Boot.IPXE = map[string]string{"efi-x64": "x64.ipxe"} }, []step{
			{message(solicit, 1, edk2), 0, "ADVERTISE" + x64 + " dns", "option 61 = 7, so efi-x64"},
			{message(solicit, 1, edk2, ipxe), 0, "ADVERTISE tftp://[2001:db8::1]/x64.ipxe dns", "iPXE, and option 61 = 7, so efi-x64"},
			{message(solicit, 1, arch(6), ipxe), 0, "ADVERTISE http://[2001:db8::2]/ia32.efi", "option 61 = 6, so efi-ia32"},
		}},
		{"no network boot", func(c *Config) { c.Boot = nil }, []step{
			{message(solicit, 1, ia(1), edk2), 0, "ADVERTISE 1=2001:db8::100 dns", "next free address"},
		}},
		{"rapid commit, where it is allowed", func(c *Config) { c.RapidCommit = true }, []step{
			{message(solicit, 1, ia(1), rapid), 0, "REPLY 1=2001:db8::100", "at once (rapid commit)"},
			{message(solicit, 2, ia(1, "2001:db8::100")), 0, "ADVERTISE 1=2001:db8::101", "next free address"},
		}},
		{"rapid commit, where it is not", nil, []step{
			{message(solicit, 1, ia(1), rapid), 0, "ADVERTISE 1=2001:db8::100", ""},
		}},
		{"wishes and an empty pool", nil, []step{
			{message(solicit, 1, ia(1, "2001:db8::102")), 0, "ADVERTISE 1=2001:db8::102", "the address it asked for"},
			{message(solicit, 1, ia(2, "2001:db8::102", "2001:db8::1")), 0, "ADVERTISE 2=2001:db8::100", "next free address"},
			{message(request, 2, ia(1), ia(2), server(ours)), 0, "REPLY 1=2001:db8::101 2=NoAddrsAvail", "no address is free"},
			{message(solicit, 3, ia(1)), time.Minute, "ADVERTISE 1=2001:db8::100", "idle longest"},
		}},
		{"the client chose another server", nil, []step{
			{message(solicit, 1, ia(1)), 0, "ADVERTISE 1=2001:db8::100", ""},
			{message(request, 1, ia(1, "2001:db8::500"), server(theirs)), 0, "silent", "for another server; the address offered to it is free again"},
			{message(request, 2, ia(1, "2001:db8::100"), server(ours)), 0, "REPLY 1=2001:db8::100", "the address it asked for"},
		}},
		{"renewing", nil, []step{
			{message(request, 1, ia(1), server(ours)), 0, "REPLY 1=2001:db8::100", ""},
			{message(renew, 1, ia(1, "2001:db8::100"), server(ours)), time.Minute, "REPLY 1=2001:db8::100", "renewed"},
			{message(renew, 1, ia(1, "2001:db8::500"), server(ours)), 0, "REPLY 1=2001:db8::500 dead", "[2001:db8::500] may no longer be used"},
			{message(renew, 2, ia(1, "2001:db8::100"), server(ours)), 0, "REPLY 1=2001:db8::100 dead", "may no longer be used"},
			{message(renew, 2, ia(1, "2001:db8::101"), server(ours)), 0, "REPLY 1=2001:db8::101", "no record of the lease: the address is free"},
			{message(renew, 3, ia(1), server(ours)), 0, "REPLY 1=NoBinding", "no record"},
			{message(renew, 1, ia(1, "2001:db8::100"), server(theirs)), 0, "silent", "for another server"},
			{message(renew, 1, ia(1, "2001:db8::100")), 0, "silent", "it names no server"},
		}},
		{"rebinding", nil, []step{
			{message(rebind, 1, ia(1, "2001:db8::101")), 0, "REPLY 1=2001:db8::101", "no record of the lease: the address is free"},
			{message(rebind, 2, ia(1, "2001:db8::500")), 0, "silent", "which may be another server's"},
			{message(rebind, 2, ia(1, "2001:db8:9::1")), 0, "REPLY 1=2001:db8:9::1 dead", "may no longer be used"},
			{message(rebind, 1, ia(1, "2001:db8::101"), server(ours)), 0, "silent", "it names a server"},
		}},
		{"confirming", nil, []step{
			{message(confirm, 1, ia(1, "2001:db8::500")), 0, "REPLY status=Success", "are of this link"},
			{message(confirm, 1, ia(1, "2001:db8::500"), ia(2, "2001:db8:1::1")), 0, "REPLY status=NotOnLink", "not all of this link"},
			{message(confirm, 1, ia(1)), 0, "silent", "no address to confirm"},
		}},
		{"declining and releasing", nil, []step{
			{message(request, 1, ia(1), server(ours)), 0, "REPLY 1=2001:db8::100", ""},
			{message(release, 2, ia(1, "2001:db8::100"), server(ours)), 0, "REPLY 1=NoBinding status=Success", "no address of its own"},
			{message(decline, 1, ia(1, "2001:db8::100"), server(ours)), 0, "REPLY status=Success", "in use by another machine"},
			{message(solicit, 1, ia(1, "2001:db8::100")), 0, "ADVERTISE 1=2001:db8::101", "next free address"},
			{message(solicit, 2, ia(1, "2001:db8::100")), lease.DeclineTime, "ADVERTISE 1=2001:db8::100", "asked for"},
		}},
		{"information only", nil, []step{
			{message(inform, 1, edk2), 0, "REPLY" + x64 + " dns", "configuration without an address"},
			{message(inform, 1, without(dhcpv6.OptionClientID), oro(dhcpv6.OptionDNSRecursiveNameServer)), 0, "REPLY dns", "without an address"},
			{message(inform, 1, server(theirs)), 0, "silent", "for another server"},
			{message(inform, 1, ia(1)), 0, "silent", "it asks for an address too"},
		}},
		{"a server without addresses", func(c *Config) { c.First, c.Last = netip.Addr{}, netip.Addr{} }, []step{
			{message(solicit, 1, ia(1), edk2), 0, "ADVERTISE 1=NoAddrsAvail" + x64 + " dns", "no addresses to give"},
		}},
		{"associations of other kinds", nil, []step{
			{message(solicit, 1, opt(&dhcpv6.OptIAPD{}), opt(&dhcpv6.OptIATA{})), 0, "ADVERTISE", "it asks for no address"},
		}},
		{"unicast", nil, []step{
			{message(solicit, 1, ia(1), to("2001:db8::1")), 0, "silent", "sent to 2001:db8::1, not to ff02::1:2"},
			{message(request, 1, ia(1), server(ours), to("2001:db8::1")), 0, "REPLY status=UseMulticast", "refused: sent to this server alone"},
		}},
		{"what a server does not answer", nil, []step{
			{message(solicit, 1, ia(1), without(dhcpv6.OptionClientID)), 0, "silent", "no client identifier"},
			{message(solicit, 1, ia(1), server(ours)), 0, "silent", "it names a server, which this message may not"},
			{message(solicit, 1, ia(1), from("[2001:db8:5::1]:546")), 0, "silent", "it comes from 2001:db8:5::1, which is not on this link"},
			{message(dhcpv6.MessageTypeAdvertise, 1), 0, "silent", "not a message for servers"},
			{message(dhcpv6.MessageTypeReply, 1), 0, "silent", "not a message for servers"},
			{message(dhcpv6.MessageTypeReconfigure, 1), 0, "silent", "not a message for servers"},
			{message(dhcpv6.MessageTypeLeaseQuery, 1), 0, "silent", "not a message for servers"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, leases, now := testConfig(), NewLeases(), t0
			if c.change != nil {
				c.change(cfg)
			}
			for i, s := range c.steps {
				now = now.Add(s.after)
				r, d := Answer(s.req, cfg, leases, now)
				if got := describe(r); got != s.want || !strings.Contains(d.Reason, s.reason) {
					t.Errorf("step %d: %s (%s)\nwant %s (%s)", i+1, got, d.Reason, s.want, s.reason)
				}
			}
		})
	}
}

// TestReply holds one reply to the last field.
func TestReply(t *testing.T) {
	r, d := Answer(message(request, 7, ia(1), server(ours), edk2), testConfig(), NewLeases(), t0)
	want := Decision{Client: "52:54:00:00:00:07", Request: "REQUEST", Reply: "REPLY", XID: "010207", Address: "2001:db8::100",
		File: "tftp://[2001:db8::1]/x64.efi", Reason: "next free address; option 61 = 7, so efi-x64"}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("decision:\n%s", diff)
	}
	if r.To.String() != "[fe80::5054:ff:fe00:1%svc0]:546" {
		t.Errorf("sent to %s", r.To)
	}
	o := r.Message.Options
	if !o.ServerID().Equal(ours) || o.ClientID() == nil {
		t.Errorf("identifiers %v %v", o.ServerID(), o.ClientID())
	}
	lease := o.IANA()[0]
	if lease.T1 != 30*time.Minute || lease.T2 != 48*time.Minute || lease.Options.OneAddress().ValidLifetime != time.Hour {
		t.Errorf("times %v", lease)
	}
	if o.GetOne(dhcpv6.OptionVendorClass) != nil {
		t.Error("a vendor class makes EDK2 take the server for one to ask again on port 4011's like")
	}
	cfg := testConfig()
	r, _ = Answer(message(solicit, 1, class("HTTPClient:Arch:00006"), arch(iana.EFI_IA32)), cfg, NewLeases(), t0)
	if c := r.Message.Options.VendorClass(343); len(c) != 1 || string(c[0]) != "HTTPClient" {
		t.Errorf("an HTTP boot client is told class %q", c)
	}
}

func TestNames(t *testing.T) {
	for want, r := range map[string]*Request{
		"52:54:00:00:00:03": message(solicit, 3),
		"52:54:00:00:00:01": message(solicit, 3, without(dhcpv6.OptionClientID), opt(dhcpv6.OptClientID(&dhcpv6.DUIDUUID{}))),
		"duid 000400000000000000000000000000000000": message(solicit, 3, without(dhcpv6.OptionClientID),
			opt(dhcpv6.OptClientID(&dhcpv6.DUIDUUID{})), from("[fe80::1]:546")),
		"fe80::1": message(inform, 3, without(dhcpv6.OptionClientID), from("[fe80::1]:546")),
	} {
		if got := r.name(); got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	many := &asking{Message: &dhcpv6.Message{MessageType: solicit}}
	for i := range maxIAs + 1 {
		ia(byte(i))(many)
	}
	for name, c := range map[string]struct {
		datagram []byte
		want     string
	}{
		"nothing":       {nil, "0 octets are no DHCPv6 message"},
		"a relay":       {[]byte{12, 0, 0, 0}, "relays are not served"},
		"a cut option":  {[]byte{1, 0, 0, 1, 0, 1, 0, 9, 0}, "malformed"},
		"an empty DUID": {[]byte{1, 0, 0, 1, 0, 1, 0, 2, 0, 9}, "malformed"},
		"an odd arch":   {[]byte{1, 0, 0, 1, 0, 61, 0, 3, 0, 7, 0}, "malformed"},
		"too many":      {many.ToBytes(), "17 identity associations"},
	} {
		if _, err := ParseRequest(c.datagram, netip.AddrPort{}, netip.Addr{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
