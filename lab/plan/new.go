package plan

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// Options are the choices a user makes at the command line. The zero value asks for the defaults.
type Options struct {
	Clock       string // "", "auto", "real" or "warp"; overrides the topology
	Accel       string // "", "auto", "tcg" or "kvm"
	Start       string // "", "auto", "cold" or "warm"
	AtOnce      int    // guests powered on at the same time; zero lets the plan decide
	Interactive bool   // the lab stays up for people: real time unless told otherwise

	Hypervisor *Hypervisor // the libvirt daemon that is to run the guests; nil: the lab runs them itself
}

// ErrHost is wrapped by every error that another host, or this host after the remedy, would not give.
var ErrHost = errors.New("this host cannot run the lab")

// EchoPort is the UDP port of the echo service that the probes use, unless the topology names another.
const EchoPort = 7777

// New decides everything about a run of t on h. The error lists all that stands in the way, not only the first.
func New(t *topology.Topology, h *host.Host, o Options) (*Plan, error) {
	p := &Plan{Version: Version, Name: t.Name, About: t.About}
	var problems []error
	p.Hypervisor = o.Hypervisor
	p.Accel, problems = accel(h, o, problems)
	if !h.Userns.OK {
		problems = append(problems, fmt.Errorf("a lab lives in namespaces of its own: %s", h.Userns.Why))
	}
	p.Clock = clock(t, o, p.Accel)
	p.Start = start(o, p.Clock)
	p.Cable = cable(h)
	p.Networks = networks(t)
	p.Services, p.Images = services(t, p.Networks)
	problems = append(problems, fromHost(h, p.Images, kernelFor(t))...)
	for i, g := range t.Guests {
		pg, err := guest(t, h, p, g, i+1)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		p.Guests = append(p.Guests, *pg)
	}
	reserve(t, p)
	problems = append(problems, execs(t, h, p)...)
	p.atOnce(h, o)
	if err := memory(p, h); err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("plan %s: %w:\n  %s", t.Name, ErrHost, strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	p.Uses = uses(h, p)
	return p, nil
}

// accel prefers KVM where a firmware boot proved it, and says why not otherwise.
func accel(h *host.Host, o Options, problems []error) (Choice, []error) {
	if o.Hypervisor.Remote() { // this host's KVM proves nothing of that one's
		if o.Accel == "kvm" {
			return Choice{"kvm", "asked for"}, problems
		}
		return Choice{"tcg", "kvm is not proved where " + o.Hypervisor.URI + " leads; --accel kvm takes it unproved"}, problems
	}
	switch o.Accel {
	case "tcg":
		return Choice{"tcg", "asked for"}, problems
	case "kvm":
		if !h.KVM.OK {
			problems = append(problems, fmt.Errorf("accelerator kvm was asked for, but %s; leave out --accel to use tcg", h.KVM.Why))
		}
		return Choice{"kvm", "asked for"}, problems
	}
	if h.KVM.OK {
		return Choice{"kvm", h.KVM.Why}, problems
	}
	return Choice{"tcg", "kvm: " + h.KVM.Why}, problems
}

// clock picks warped or real guest time. Warp needs TCG's instruction counter, and a person at a console
// needs real time.
func clock(t *topology.Topology, o Options, accel Choice) Choice {
	asked, by := o.Clock, "asked for on the command line"
	if asked == "" || asked == "auto" {
		asked, by = t.Clock, "asked for by the topology"
	}
	switch {
	case asked == "real":
		return Choice{"real", by}
	case accel.Value != "tcg" && asked == "warp":
		return Choice{"real", "warp needs the tcg accelerator (--accel tcg)"}
	case accel.Value != "tcg":
		return Choice{"real", "guests run at full speed under " + accel.Value}
	case asked == "warp":
		return Choice{"warp", by}
	case o.Interactive:
		return Choice{"real", "the lab stays up for people"}
	case o.Hypervisor.far():
		return Choice{"real", "frames travel to " + o.Hypervisor.Host + " and back, which a warped clock does not wait for"}
	}
	return Choice{"warp", "tcg: idle guest time passes at once"}
}

// cable tells how guests reach their bridges.
func cable(h *host.Host) Choice {
	if h.Tun.OK {
		return Choice{"tap", "/dev/net/tun opens"}
	}
	return Choice{"packet socket", "on a veth, because " + h.Tun.Why}
}

func networks(t *topology.Topology) []Network {
	var out []Network
	for i, n := range t.Networks {
		out = append(out, Network{Name: n.Name, Bridge: fmt.Sprintf("br%d", i), Subnet: n.Subnet.Masked(),
			Subnet6: n.Subnet6.Masked(), RA: n.RA, Managed: n.Managed})
	}
	return out
}

// reserve turns reservations that name a guest into that guest's planned MAC.
func reserve(t *topology.Topology, p *Plan) {
	resolve := func(asked []topology.Reservation, planned []server.Reservation) {
		for j, r := range asked {
			k := slices.IndexFunc(p.Guests, func(g Guest) bool { return g.Name == r.Guest })
			if r.Guest != "" && k >= 0 {
				planned[j].MAC = p.Guests[k].MAC
			}
		}
	}
	for i, s := range t.Services {
		if s.DHCP != nil {
			resolve(s.DHCP.Reservations, p.Services[i].Server.DHCP.Reservations)
		}
		if s.BOOTP != nil {
			resolve(s.BOOTP.Reservations, p.Services[i].Server.BOOTP.Reservations)
		}
	}
}

// atOnce decides how many guests run at the same time. A warped guest that waits for a core outruns its own
// servers, so there are never more of them than cores; in real time idle guests cost little.
func (p *Plan) atOnce(h *host.Host, o Options) {
	n := len(p.Guests)
	switch {
	case o.AtOnce > 0:
		p.AtOnce, p.WhyAtOnce = min(o.AtOnce, n), "asked for"
	case slices.ContainsFunc(p.Guests, func(g Guest) bool { return g.Clock == "warp" }):
		p.AtOnce = min(max(h.Cores, 1), n)
		p.WhyAtOnce = fmt.Sprintf("a warped guest needs a core of its own, and there are %d", h.Cores)
	default:
		p.AtOnce, p.WhyAtOnce = n, "in real time guests wait more than they work"
	}
}

// memory checks that the guests that run at once fit.
func memory(p *Plan, h *host.Host) error {
	var sizes []int
	for _, g := range p.Guests {
		sizes = append(sizes, g.Memory+overheadMiB)
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	need := 0
	for _, s := range sizes[:min(p.AtOnce, len(sizes))] {
		need += s
	}
	if need > h.FreeMiB {
		return fmt.Errorf("%d guests at once need %d MiB of memory, and %d MiB are free: run fewer at once (--at-once), or free some",
			min(p.AtOnce, len(sizes)), need, h.FreeMiB)
	}
	return nil
}

// overheadMiB is what QEMU itself needs beside the guest's memory (measured: 60 to 100 MiB with OVMF).
const overheadMiB = 80

func prefix(n []Network, name string, a netip.Addr) netip.Prefix {
	for _, x := range n {
		if x.Name == name && a.Is6() {
			return netip.PrefixFrom(a, x.Subnet6.Bits())
		}
		if x.Name == name {
			return netip.PrefixFrom(a, x.Subnet.Bits())
		}
	}
	return netip.PrefixFrom(a, a.BitLen())
}

// wireFile gives the file name on the wire of an image named by a topology for an architecture: the
// catalogue's, or the word itself when it is no catalogue name.
func wireFile(image, arch string) string {
	if img, ok := images.Lookup(image, arch); ok {
		return img.File
	}
	return strings.TrimPrefix(image, "/")
}
