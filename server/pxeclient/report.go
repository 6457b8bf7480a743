package pxeclient

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/pxelab/pxelab/server/pxe"
)

// Report is a walk for people and programs to read.
type Report struct {
	Steps    []Told     `json:"steps"`
	Problems []Problem  `json:"problems"`
	End      string     `json:"end,omitempty"` // why there is no boot program, in a clause
	Packets  []Datagram `json:"packets"`
}

// Told is what one server said at one step.
type Told struct {
	Step string `json:"step"`
	Text string `json:"text"`
}

// Datagram is a packet of the trace; boot files in transfer are left out.
type Datagram struct {
	Time      time.Time `json:"time"`
	Sent      bool      `json:"sent"`
	Src       string    `json:"src"`
	Dst       string    `json:"dst"`
	Name      string    `json:"name,omitempty"` // DHCPOFFER
	XID       string    `json:"xid,omitempty"`
	Malformed string    `json:"malformed,omitempty"`
	ICMP      string    `json:"icmp,omitempty"`
	Payload   string    `json:"payload,omitempty"` // of UDP, in hexadecimal
}

// String tells a datagram in one line.
func (d Datagram) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s from %s to %s %s", d.Name, d.Src, d.Dst, d.ICMP))
}

// NewReport tells a walk and what Check finds in its trace. The packet numbers of problems count from 0 in Packets.
func NewReport(w *Walk, t Trace) Report {
	var talk Trace
	for _, p := range t {
		if p.Message != nil || p.ICMP != "" || p.Malformed != "" {
			talk = append(talk, p)
		}
	}
	r := Report{Steps: w.steps(), Problems: Check(talk), End: w.End}
	for _, p := range talk {
		d := Datagram{Time: p.Time, Sent: p.Sent, Src: p.Src.String(), Dst: p.Dst.String(), Malformed: p.Malformed, ICMP: p.ICMP,
			Payload: hex.EncodeToString(p.Raw)}
		if p.Message != nil {
			d.Name, d.XID = p.Message.Name(), fmt.Sprintf("%08x", p.Message.XID)
		}
		r.Packets = append(r.Packets, d)
	}
	return r
}

func (w *Walk) steps() []Told {
	var all []Told
	add := func(step string, format string, a ...any) { all = append(all, Told{step, fmt.Sprintf(format, a...)}) }
	for _, o := range w.Offers {
		kind, why := o.Kind()
		if why != "" {
			why = " (" + why + ")"
		}
		add("offer", "%s%s: %s", kind, why, o.says())
	}
	if w.Offers != nil {
		add("choice", "%s", w.Choice.Reason)
	}
	for _, p := range w.Choice.Passed {
		add("passed", "%s", p)
	}
	if w.Lease != nil {
		add("address", "%s", w.Lease.says())
	}
	if w.Proxy != nil {
		add("port 4011", "%s", w.Proxy.says())
	}
	if w.Menu != nil {
		add("menu", "%s", w.Menu.text())
	}
	if w.Picked != nil {
		add("picked", "%q of type %s", w.Picked.Text, typeText(w.Picked.Type))
	}
	if w.BootServer != nil {
		add("boot server", "%s", w.BootServer.says())
	}
	if w.File != nil {
		add("file", "%s", w.File.text())
	}
	if w.MTFTP != nil {
		add("mtftp", "%s", w.MTFTP)
	}
	if w.Program != nil {
		add("download", "%d octets, SHA-256 %x", len(w.Program), sha256.Sum256(w.Program))
	}
	return append(all, w.checked()...)
}

// checked tells how the boot program was checked by BIS.
func (w *Walk) checked() []Told {
	var all []Told
	if w.Credentials != nil {
		all = append(all, Told{"credentials", w.Credentials.says()})
	}
	if w.CredentialsFile != nil {
		all = append(all, Told{"file", w.CredentialsFile.text()})
	}
	if w.SignedBy != nil {
		all = append(all, Told{"verified", fmt.Sprintf("signed by %q", w.SignedBy.Subject)})
	}
	return all
}

// says tells a reply in one line.
func (r *Reply) says() string {
	parts := []string{"from " + r.Server().String()}
	add := func(format string, a ...any) { parts = append(parts, fmt.Sprintf(format, a...)) }
	if r.YIAddr.IsValid() {
		add("address %s", r.YIAddr)
	}
	if v, _ := r.Get(optLeaseTime); len(v) == 4 {
		add("for %s", time.Duration(binary.BigEndian.Uint32(v))*time.Second)
	}
	if r.SIAddr.IsValid() {
		add("next server %s", r.SIAddr)
	}
	if f := r.bootFile(); f != "" {
		add("file %q", f)
	}
	if v, ok := r.Get(optClassID); ok {
		add("class %q", v)
	}
	parts = append(parts, vendorText(r.Vendor)...)
	return strings.Join(parts, ", ")
}

func vendorText(v *pxe.Vendor) []string {
	var parts []string
	add := func(format string, a ...any) { parts = append(parts, fmt.Sprintf(format, a...)) }
	if v.Control != nil {
		add("discovery control %#02x", byte(*v.Control))
	}
	if v.Multicast.IsValid() {
		add("group %s", v.Multicast)
	}
	for _, s := range v.Servers {
		add("type %s at %v", typeText(s.Type), s.Addrs)
	}
	if v.Menu != nil {
		add("%d menu items", len(v.Menu))
	}
	if m := v.MTFTP; m != nil {
		add("MTFTP to %s port %d, asked for at port %d", m.Addr, m.ClientPort, m.ServerPort)
	}
	if v.Item != nil {
		add("item of type %s layer %#x", typeText(v.Item.Type), v.Item.Layer)
	}
	return parts
}

func (m Menu) text() string {
	var b strings.Builder
	switch {
	case m.Timeout < 0:
		b.WriteString("shown at once")
	case m.Timeout == 0:
		b.WriteString("not shown: the first item is taken at once")
	default:
		fmt.Fprintf(&b, "prompt %q for %s", m.Prompt, m.Timeout)
	}
	for _, i := range m.Items {
		fmt.Fprintf(&b, "; %q of type %s", i.Text, typeText(i.Type))
	}
	return b.String()
}

func (f File) text() string {
	if !f.Server.IsValid() {
		return f.Name
	}
	return fmt.Sprintf("tftp://%s/%s", f.Server, strings.TrimPrefix(f.Name, "/"))
}
