package tftp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Multicast is what a server gives out to groups of clients (RFC 2090): addresses, both ends included, and the port that
// DATA is sent to. Transfers that share an address differ by the server's own port, as the RFC has it.
type Multicast struct {
	First, Last netip.Addr
	Port        uint16
}

const (
	// strikes is how often a client that does not answer as master client is asked again in a later turn.
	strikes = 1
	// errors of a client that keeps acknowledging although it is not the master client, before it is sent away.
	outOfTurn = 10
)

// group is one file on its way to several clients at once (RFC 2090). DATA is multicast; the oldest client, the master,
// acknowledges, and so says which block comes next. When it has all blocks the next one is made the master, and asks
// for what it missed.
type group struct {
	*conn
	server *Server
	local  netip.Addr // own address that the clients asked
	to     netip.AddrPort
	file   *os.File
	info   os.FileInfo
	blk    int
	last   int64 // final block
	data   []byte
	sentAt time.Time

	mu      sync.Mutex
	members []*member // oldest first, but for those that missed their turn; the first is the master
	over    bool
}

// member is one client of a group.
type member struct {
	req     request
	opening []byte
	client  netip.AddrPort
	terms   terms
	began   time.Time
	acked   int64 // highest block it acknowledged; -1 none
	sent    int   // blocks sent because it asked
	wire    int64 // octets of them
	resent  int
	strikes int
	errors  int
}

// join makes the client of a request a member of the group that is sent its file, or of a new one. It reports false if
// it cannot, and the client is to be served alone.
func (s *Server) join(t *transfer, local netip.Addr, d Decision) bool {
	info, err := t.file.Stat()
	if err != nil {
		return false
	}
	m := &member{req: t.req, opening: t.opening, client: t.client, terms: t.terms, began: time.Now(), acked: -1}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		if g.local == local && g.blk == t.terms.blk && os.SameFile(g.info, info) && g.info.ModTime().Equal(info.ModTime()) && g.add(m) {
			t.file.Close()
			d.Reply, d.Reason = "OACK", fmt.Sprintf("serving %d octets %s, multicast to %s, as listening client", t.size, t.terms, g.to)
			s.observe(d)
			return true
		}
	}
	g := &group{server: s, local: local, file: t.file, info: info, blk: t.terms.blk, last: t.size/int64(t.terms.blk) + 1,
		data: make([]byte, 4+t.terms.blk), to: s.freeGroup(), members: []*member{m}}
	if g.conn, err = openConn(s.link, local); err != nil {
		return false
	}
	if err := g.multicastOn(); err != nil {
		g.close()
		return false
	}
	s.groups = append(s.groups, g)
	d.Reply, d.Reason = "OACK", fmt.Sprintf("serving %d octets %s, multicast to %s, as master client", t.size, t.terms, g.to)
	s.observe(d)
	s.wg.Go(g.run)
	return true
}

// freeGroup gives the first address that no group uses, or else the one that the fewest use. Called with mu held.
func (s *Server) freeGroup() netip.AddrPort {
	m, used := s.cfg.Multicast, map[netip.Addr]int{}
	for _, g := range s.groups {
		used[g.to.Addr()]++
	}
	best := m.First
	for a := m.First; a.Compare(m.Last) <= 0 && used[best] > 0; a = a.Next() {
		if used[a] < used[best] {
			best = a
		}
	}
	return netip.AddrPortFrom(best, m.Port)
}

// add takes a client that comes while the transfer is under way, and tells it to listen.
func (g *group) add(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return false
	}
	g.members = append(g.members, m)
	g.tell(m, false)
	return true
}

// tell sends a client the OACK that makes it the master, or no master.
func (g *group) tell(m *member, master bool) {
	mc := 0
	if master {
		mc = 1
	}
	answer := append(slices.Clone(m.terms.granted), option{optMulticast, fmt.Sprintf("%s,%d,%d", g.to.Addr(), g.to.Port(), mc)})
	g.send(oack(answer), sockaddr(m.client, g.link))
}

// repeated deals with a request of a client that is a member. The same one is answered again; with any other it begins
// anew, and leaves the group.
func (g *group) repeated(client netip.AddrPort, datagram []byte) (again, isMember bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.members, func(m *member) bool { return m.client == client })
	if i < 0 {
		return false, false
	}
	m := g.members[i]
	if string(m.opening) == string(datagram) {
		m.resent++
		g.tell(m, i == 0)
		return true, true
	}
	g.leave(m, ending{outcome: Aborted, reason: "the client began again"})
	return false, true
}

// leave ends one client's part. Called with mu held.
func (g *group) leave(m *member, e ending) {
	i := slices.Index(g.members, m)
	if i < 0 {
		return
	}
	g.members = slices.Delete(g.members, i, i+1)
	if e.tell != "" {
		g.sendError(e.code, e.tell, m.client)
	}
	d := Decision{Client: m.client, Request: m.req.String(), File: m.req.name, Sent: m.wire, Resent: m.resent, Took: time.Since(m.began),
		Outcome: e.outcome, Reason: fmt.Sprintf("%s; %d of %d blocks were sent for it", e.reason, m.sent, g.last),
		Bytes: min(max(0, m.acked)*int64(g.blk), g.info.Size())}
	g.server.observe(d)
}

// run leads one master client after the other until none is left.
func (g *group) run() {
	defer g.close()
	defer g.file.Close()
	for {
		m := g.master()
		if m == nil {
			return
		}
		g.lead(m)
	}
}

// master gives the client whose turn it is; nil ends the group.
func (g *group) master() *member {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if stop := g.stop.Load(); stop != nil {
		for len(g.members) > 0 {
			g.leave(g.members[0], *stop)
		}
	}
	if len(g.members) > 0 {
		return g.members[0]
	}
	g.over = true
	g.server.groups = slices.DeleteFunc(g.server.groups, func(other *group) bool { return other == g })
	return nil
}

// lead makes a client the master and sends what it asks for, until it has all, is gone, or does not answer.
func (g *group) lead(m *member) {
	g.mu.Lock()
	m.acked = -1 // what it had when it was master before may be an older story
	g.tell(m, true)
	g.sentAt = time.Now()
	g.mu.Unlock()
	for tries := 0; ; {
		b, from := g.receive(g.sentAt.Add(m.terms.again))
		if g.stop.Load() != nil {
			return
		}
		g.mu.Lock()
		if g.slept {
			g.sentAt = time.Now() // its time begins anew
		} else if b == nil {
			tries++
			g.unanswered(m, tries)
		} else if g.heard(b, from, m) {
			tries = 0
		}
		gone := len(g.members) == 0 || g.members[0] != m
		g.mu.Unlock()
		if gone {
			return
		}
	}
}

// unanswered sends the master again what it did not acknowledge, or passes its turn on: a client that was never heard
// as master gets another turn, one that stopped in the middle is gone. Called with mu held.
func (g *group) unanswered(m *member, tries int) {
	switch {
	case tries <= retransmits:
		m.resent++
		g.sentAt = time.Now()
		if m.acked < 0 {
			g.tell(m, true)
			return
		}
		g.multicast(m, m.acked+1)
	case m.acked < 0 && m.strikes < strikes && len(g.members) > 1:
		m.strikes++
		g.members = append(g.members[1:], m)
	case m.acked < 0:
		g.leave(m, ending{outcome: Timeout, tell: "timeout", reason: "it did not answer as master client"})
	default:
		g.leave(m, ending{outcome: Timeout, tell: "timeout",
			reason: fmt.Sprintf("no acknowledgement of block %d after %d retransmissions", m.acked+1, retransmits)})
	}
}

// heard takes a datagram, and reports whether the master moved on by it. Called with mu held.
func (g *group) heard(b []byte, from netip.AddrPort, master *member) bool {
	i := slices.IndexFunc(g.members, func(m *member) bool { return m.client == from })
	if i < 0 {
		g.unknown(from)
		return false
	}
	if len(b) < 4 {
		return false
	}
	m, number := g.members[i], int64(binary.BigEndian.Uint16(b[2:]))
	switch binary.BigEndian.Uint16(b) {
	case opERROR:
		g.leave(m, ending{outcome: Aborted,
			reason: fmt.Sprintf("the client sent ERROR %d %q", number, strings.TrimRight(string(b[4:]), "\x00"))})
	case opACK:
		switch {
		case number > g.last:
		case number == g.last: // also from a client that is not the master
			m.acked = number
			g.leave(m, ending{outcome: OK, reason: "transferred whole by multicast"})
		case m != master:
			g.outOfTurn(m)
		default:
			return g.asked(m, number)
		}
	}
	return false
}

// asked takes an acknowledgement of the master: it has all blocks up to this one and wants the next.
func (g *group) asked(m *member, number int64) bool {
	moved := number > m.acked
	if !moved && (number < m.acked || time.Since(g.sentAt) < repeatAfter) {
		return false
	}
	if !moved {
		m.resent++
	}
	m.acked = number
	g.multicast(m, number+1)
	return moved
}

// outOfTurn answers an acknowledgement of a client that is not the master: it is told so, and if it persists sent away.
func (g *group) outOfTurn(m *member) {
	if m.errors++; m.errors > outOfTurn {
		g.leave(m, ending{outcome: Aborted, code: codeIllegal, tell: "not the master client",
			reason: "it kept acknowledging although it is not the master client"})
		return
	}
	g.tell(m, false)
}

// multicast sends a block to the group. Called with mu held.
func (g *group) multicast(m *member, n int64) {
	binary.BigEndian.PutUint16(g.data, opDATA)
	binary.BigEndian.PutUint16(g.data[2:], uint16(n))
	at := (n - 1) * int64(g.blk)
	want := min(int64(g.blk), g.info.Size()-at)
	if _, err := g.file.ReadAt(g.data[4:4+want], at); err != nil {
		g.leave(m, ending{outcome: Aborted, reason: "reading the file: " + err.Error(), tell: "read error"})
		return
	}
	m.sent++
	m.wire += 4 + want
	g.sentAt = time.Now()
	g.send(g.data[:4+want], sockaddr(g.to, g.link))
}
