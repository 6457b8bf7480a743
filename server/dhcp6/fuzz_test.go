package dhcp6

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// FuzzAnswer feeds two datagrams to one server: whatever they are, no panic, no answer to an answer or to garbage, no
// reply that does not parse, and no address given to two associations.
func FuzzAnswer(f *testing.F) {
	for _, r := range []*Request{
		message(solicit, 1, ia(1), edk2), message(request, 1, ia(1, "2001:db8::100"), server(ours), edk2),
		message(renew, 1, ia(1, "2001:db8::100"), server(ours)), message(rebind, 1, ia(1, "2001:db8::101"), ia(2)),
		message(confirm, 1, ia(1, "2001:db8:9::1")), message(release, 1, ia(1, "2001:db8::100"), server(ours)),
		message(decline, 1, ia(1, "2001:db8::100"), server(ours)), message(inform, 1, edk2),
		message(solicit, 1, opt(&dhcpv6.OptIAPD{}), opt(&dhcpv6.OptIATA{}), class("HTTPClient:Arch:00006")),
	} {
		b := r.Message.ToBytes()
		f.Add(b, message(request, 2, ia(1, "2001:db8::100"), server(ours)).Message.ToBytes(), r.To.IsMulticast())
		f.Add(b[:len(b)-3], b[:5], false)
	}
	f.Add([]byte{12, 0}, []byte{7, 1, 2, 3, 0, 1, 0, 4, 0, 9, 9, 9}, true)
	f.Fuzz(func(t *testing.T, one, two []byte, group bool) {
		cfg, leases := testConfig(), NewLeases()
		cfg.RapidCommit = true
		to := AllServers
		if !group {
			to = cfg.Address.Addr()
		}
		holder := map[string]string{}
		for i, datagram := range [][]byte{one, two, one} {
			req, err := ParseRequest(datagram, netip.MustParseAddrPort("[fe80::5054:ff:fe00:1]:546"), to)
			if err != nil {
				continue
			}
			r, d := Answer(req, cfg, leases, t0.Add(time.Duration(i)*time.Second))
			if d.Reason == "" || d.Request == "" || d.Client == "" {
				t.Fatalf("decision without a reason: %+v", d)
			}
			if r != nil {
				if err := answerable(datagram); err != nil {
					t.Fatalf("%x answered, although %v", datagram, err)
				}
				checkReply(t, req, r, d, holder)
			}
		}
	})
}

// answerable judges a datagram by its octets alone (RFC 8415 sections 8, 16 and 21.1), without the codec: whether it is a
// whole message that a client may send to this server.
func answerable(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("%d octets are no message", len(b))
	}
	options := map[uint16][]byte{}
	for rest := b[4:]; len(rest) > 0; {
		if len(rest) < 4 || len(rest)-4 < int(binary.BigEndian.Uint16(rest[2:])) {
			return errors.New("an option is cut short")
		}
		code, end := binary.BigEndian.Uint16(rest), 4+int(binary.BigEndian.Uint16(rest[2:]))
		if _, twice := options[code]; !twice {
			options[code] = rest[4:end]
		}
		rest = rest[end:]
	}
	client, hasClient := options[1]
	server, hasServer := options[2]
	named := string(server) == string(ours.ToBytes())
	switch b[0] {
	case 1, 4, 6: // SOLICIT, CONFIRM, REBIND go to all servers
		if !hasClient || hasServer {
			return fmt.Errorf("type %d with client %x and server %x", b[0], client, server)
		}
	case 3, 5, 8, 9: // REQUEST, RENEW, RELEASE, DECLINE go to one
		if !hasClient || !named {
			return fmt.Errorf("type %d with client %x and server %x", b[0], client, server)
		}
	case 11: // INFORMATION-REQUEST
		if hasServer && !named {
			return fmt.Errorf("for server %x", server)
		}
	default:
		return fmt.Errorf("type %d is not for servers", b[0])
	}
	return nil
}

func checkReply(t *testing.T, req *Request, r *Reply, d Decision, holder map[string]string) {
	t.Helper()
	m, err := dhcpv6.MessageFromBytes(r.Message.ToBytes())
	if err != nil {
		t.Fatalf("reply does not parse: %v", err)
	}
	if m.MessageType != dhcpv6.MessageTypeReply && m.MessageType != dhcpv6.MessageTypeAdvertise || d.Reply == "" {
		t.Fatalf("%s answered with %s as %q", req.Message.MessageType, m.MessageType, d.Reply)
	}
	if err := req.valid(ours); err != nil {
		t.Fatalf("answered although %v", err)
	}
	if m.TransactionID != req.Message.TransactionID || !m.Options.ServerID().Equal(ours) || r.To.Port() != ClientPort {
		t.Fatalf("reply to %s with xid %s of %s", r.To, m.TransactionID, m.Options.ServerID())
	}
	for _, ia := range m.Options.IANA() {
		for _, a := range ia.Options.Addresses() {
			key, at := req.key(ia.IaId), a.IPv6Addr.String()
			if who, held := holder[at]; held && who != key && a.ValidLifetime > 0 && m.MessageType == dhcpv6.MessageTypeReply &&
				req.Message.MessageType == request {
				t.Fatalf("%s given to %q and %q", at, who, key)
			}
			if a.ValidLifetime > 0 && m.MessageType == dhcpv6.MessageTypeReply {
				holder[at] = key
			}
		}
	}
	switch req.Message.MessageType {
	case release, decline: // what was given up may be given to another
		clear(holder)
	}
}
