package pxeclient

import (
	"fmt"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
)

// Problem is one thing that a server did wrong, or that is right by the letter and still stops a client in the field.
type Problem struct {
	Rule    string `json:"rule"`    // which rule, in a few words that do not change
	Section string `json:"section"` // where it is written, or the client that insists on it
	Packet  int    `json:"packet"`  // index of the packet in the trace that shows it
	Text    string `json:"text"`    // what was seen
}

// String tells a problem in one line.
func (p Problem) String() string {
	return fmt.Sprintf("packet %d: %s: %s (%s)", p.Packet+1, p.Rule, p.Text, p.Section)
}

// pair is a reply and the request that it answers.
type pair struct {
	q      *Message // request
	qp     *Packet
	client pxe.Client // that sent it
	item   *pxe.Item  // boot item it asks for; nil: none
	r      *Reply
	rp     *Packet
}

// rule finds one kind of problem in a pair; empty is none.
type rule struct {
	name, section string
	find          func(*pair) string
}

// Check looks for what the servers in a trace did wrong: in each reply held against its request, and in requests that
// nobody answered. It is a function of the trace alone.
func Check(t Trace) []Problem {
	var found []Problem
	add := func(name, section string, packet int, text string) {
		if text != "" {
			found = append(found, Problem{name, section, packet, text})
		}
	}
	for i := range t {
		r := t[i].Reply()
		if r == nil {
			continue
		}
		p := t.pair(i, r)
		if p == nil {
			add("reply to no request", "RFC 2131 section 4.1", i, t.stray(i, r))
			continue
		}
		for _, rule := range rules {
			add(rule.name, rule.section, i, rule.find(p))
		}
	}
	for i := range t {
		add("nobody on port 4011", "PXE 2.1 section 2.2", i, t.silent(i))
	}
	return found
}

// pair finds the request that a reply answers: the last one before it with its xid.
func (t Trace) pair(i int, r *Reply) *pair {
	for j := i - 1; j >= 0; j-- {
		q := t[j].Message
		if !t[j].Sent || q == nil || q.XID != r.XID || q.CHAddr.String() != r.CHAddr.String() {
			continue
		}
		p := &pair{q: q, qp: &t[j], r: r, rp: &t[i], client: pxe.Identify(q.options())}
		p.item = q.item()
		return p
	}
	return nil
}

// options gives the options as a map, as package pxe takes them.
func (m *Message) options() map[uint8][]byte {
	all := map[uint8][]byte{}
	for _, o := range m.Options {
		all[o.Code] = append(all[o.Code], o.Value...)
	}
	return all
}

// item gives the boot item that a request asks for.
func (m *Message) item() *pxe.Item {
	b, ok := m.Get(optVendor)
	if !ok {
		return nil
	}
	v, _ := pxe.ParseVendor(b)
	return v.Item
}

// stray tells of a reply that no request fits, if it was for this client.
func (t Trace) stray(i int, r *Reply) string {
	for _, p := range t[:i] {
		if p.Sent && p.Message != nil && p.Message.CHAddr.String() == r.CHAddr.String() {
			return fmt.Sprintf("%s of %s has xid %08x, with which nothing was sent", r.Name(), r.Server(), r.XID)
		}
	}
	return ""
}

// silent tells of a server that called itself a PXE server and does not answer on the port that this promises.
func (t Trace) silent(i int) string {
	q := &t[i]
	if !q.Sent || q.Message == nil || q.Dst.Port() != BootPort || q.Dst.Addr().IsMulticast() || q.Message.item() != nil {
		return ""
	}
	icmp := ""
	for _, p := range t[i+1:] {
		again := p.Sent && p.Message != nil && p.Message.XID == q.Message.XID
		answered := !p.Sent && p.Message != nil && p.Message.XID == q.Message.XID
		if again || answered {
			return "" // told of the last try alone
		}
		if p.ICMP != "" && p.Dst == q.Dst {
			icmp = "; " + strings.ToLower(p.ICMP)
		}
	}
	text := fmt.Sprintf("%s does not answer%s", q.Dst, icmp)
	for _, p := range t[:i] {
		if r := p.Reply(); r != nil && r.Server() == q.Dst.Addr() && r.Type() == dhcpv4.MessageTypeOffer {
			text += fmt.Sprintf(", though its offer says PXEClient and no more: EDK2 stops here%s", inVain(r))
		}
	}
	return text
}

func inVain(r *Reply) string {
	if f := r.bootFile(); f != "" {
		return fmt.Sprintf(" and never fetches %q", f)
	}
	return ""
}

// RuleNames lists the names that a Problem's Rule may have.
func RuleNames() []string {
	names := []string{"reply to no request", "nobody on port 4011"}
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}
