package boot

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/plan"
)

// severityWarning is the least severity (PI_WARN in Wireshark's epan/proto.h) that counts against a frame of ours.
const severityWarning = 0x600000

// spoken are the protocols in which a frame of our servers must be without a warning, by tshark's names; "dhcp" is BOOTP
// and PXE, too, and "tftp" MTFTP.
var spoken = []string{"dhcp", "dhcpv6", "tftp"}

// remark is what tshark has to say against one frame.
type remark struct {
	frame    int
	from     string // the sender's hardware address
	proto    string
	text     string
	ours     bool // one of our servers made it
	severity int
}

func (r remark) String() string {
	return fmt.Sprintf("frame %d of %s: %s: %s", r.frame, r.from, r.proto, r.text)
}

// excused are remarks of tshark that say nothing against a server.
//
//   - tshark marks every TFTP packet of opcode 5 with a warning, because a transfer failed. RFC 1350 section 5 has
//     servers send it, to a client that asks for a file that is not there (PXELINUX tries a dozen names of its
//     configuration) or that has fallen silent. Whether a transfer may fail is for the topology's expectations to say.
var excused = []struct{ proto, text string }{
	{"tftp", "TFTP ERROR packet"},
}

// faults picks the remarks that fail a run: a frame that anybody sent is malformed, or one of ours draws a warning.
func faults(remarks []remark) []remark {
	return slices.DeleteFunc(slices.Clone(remarks), func(r remark) bool {
		if r.proto == malformed {
			return false
		}
		return !r.ours || r.severity < severityWarning || !slices.Contains(spoken, r.proto) ||
			slices.ContainsFunc(excused, func(e struct{ proto, text string }) bool { return e.proto == r.proto && e.text == r.text })
	})
}

// malformed is what tshark names the rest of a frame that it could not read.
const malformed = "_ws.malformed"

// opinion has tshark read a capture and gives all that it remarks, in order of the frames.
func opinion(t *testing.T, capture string, p *plan.Plan) []remark {
	t.Helper()
	filter := fmt.Sprintf("%s || (_ws.expert.severity >= %d && (%s))", malformed, severityWarning, strings.Join(spoken, " || "))
	args := []string{"-n", "-r", capture, "-Y", filter, "-T", "pdml"}
	for _, port := range groupPorts(p) {
		args = append(args, "-d", fmt.Sprintf("udp.port==%d,tftp", port))
	}
	out, ok := tool(t, "tshark", args...)
	if !ok {
		return nil
	}
	remarks, err := readRemarks(strings.NewReader(out), senders(p))
	if err != nil {
		t.Fatalf("tshark's description of %s: %v", capture, err)
	}
	return remarks
}

// groupPorts are the ports that multicast files go to, which tshark does not know as TFTP's: it goes by the server's port,
// which may be another protocol's. With them are those of MTFTP servers: Intel's are not IANA's.
func groupPorts(p *plan.Plan) []int {
	var ports []int
	for _, s := range p.Services {
		if s.Server != nil && s.Server.TFTP != nil && s.Server.TFTP.Multicast != nil {
			ports = append(ports, int(s.Server.TFTP.Multicast.Port))
		}
		if s.Server == nil || s.Server.MTFTP == nil {
			continue
		}
		for _, f := range s.Server.MTFTP.Files {
			tags := s.Server.MTFTP.Tags(f.Name)
			ports = append(ports, tags.ClientPort, tags.ServerPort)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// senders gives the addresses of our servers by the hardware address that their frames come from: their own, or that of
// a router of the lab that passes them on. Hosts whose program is not ours are not among them.
func senders(p *plan.Plan) map[string][]netip.Addr {
	var addrs []netip.Addr
	for _, s := range p.Services {
		if s.Exec != nil {
			continue
		}
		addrs = append(addrs, s.Address.Addr(), s.Address6.Addr())
		for _, l := range s.Links {
			addrs = append(addrs, l.Address.Addr())
		}
	}
	by := map[string][]netip.Addr{}
	for _, s := range p.Services {
		by[s.MAC] = addrs
		for _, l := range s.Links {
			by[l.MAC] = addrs
		}
	}
	return by
}

// isOurs tells whether a server of ours made a frame. Link-local addresses are in no plan; but no router passes them on,
// so that the hardware address tells whose they are.
func isOurs(by map[string][]netip.Addr, mac, source string) bool {
	addrs, known := by[mac]
	a, err := netip.ParseAddr(source)
	return known && err == nil && (a.IsLinkLocalUnicast() || slices.Contains(addrs, a))
}

// field is an element of tshark's PDML, of which a packet is a tree.
type field struct {
	Name   string  `xml:"name,attr"`
	Show   string  `xml:"show,attr"`
	Fields []field `xml:"field"`
}

// value finds what a field says, anywhere below.
func (f field) value(name string) string {
	if f.Name == name {
		return f.Show
	}
	for _, below := range f.Fields {
		if v := below.value(name); v != "" {
			return v
		}
	}
	return ""
}

// readRemarks reads PDML (Wireshark's doc/README.xml-output).
func readRemarks(pdml io.Reader, by map[string][]netip.Addr) ([]remark, error) {
	var all []remark
	for dec := xml.NewDecoder(pdml); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "packet" {
			continue
		}
		var packet struct {
			Protos []field `xml:"proto"`
		}
		if err := dec.DecodeElement(&packet, &start); err != nil {
			return nil, err
		}
		all = append(all, packetRemarks(packet.Protos, by)...)
	}
}

// packetRemarks gives the remarks on one packet.
func packetRemarks(protos []field, by map[string][]netip.Addr) []remark {
	whole := field{Fields: protos}
	number, _ := strconv.Atoi(whole.value("frame.number"))
	source := whole.value("ip.src")
	if source == "" {
		source = whole.value("ipv6.src")
	}
	about := remark{frame: number, from: whole.value("eth.src")}
	about.ours = isOurs(by, about.from, source)
	var all []remark
	for _, p := range protos {
		about.proto = p.Name
		all = append(all, about.under(p)...)
	}
	return all
}

// under collects the expert remarks of a protocol's tree.
func (r remark) under(f field) []remark {
	var all []remark
	if f.Name == malformed {
		r.proto = malformed
	}
	if f.Name == "_ws.expert" {
		severity, _ := strconv.ParseInt(f.value("_ws.expert.severity"), 0, 64)
		r.severity, r.text = int(severity), f.value("_ws.expert.message")
		return []remark{r}
	}
	for _, below := range f.Fields {
		all = append(all, r.under(below)...)
	}
	return all
}
