package topology

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/fault"
)

// faultForm is one fault: what is done, and when.
type faultForm struct {
	Do      deedWord   `json:"do" jsonschema:"required" example:"drop" jsonschema_description:"What becomes of the frame. delay holds it up, jitter for a time of its own, reorder puts it behind later ones, rate sends it over a slow line, corrupt turns one bit over, truncate leaves its beginning, mtu drops it if it is large, partition drops it and all that follows. Or what is done to a service or the guest when such a frame comes."`
	Packet  packetWord `json:"packet" jsonschema:"default=any" jsonschema_description:"Which frames: a DHCP message by its type, a TFTP packet by its opcode, or a protocol. pxe is what goes to and from port 4011, http TCP port 80; http-request and http-response are the segments that begin one, whatever the port. What is done to a service is done before the guest is powered on, if no frame is named."`
	From    string     `json:"from" jsonschema_description:"Only frames that this service sent, or that the guest sent (from: guest). Without it both directions."`
	Port    port       `json:"port" jsonschema_description:"Only frames from or to this port of UDP or TCP."`
	Block   blockNo    `json:"block" jsonschema_description:"Of data and tftp-ack: only this block."`
	After   faultCount `json:"after" jsonschema_description:"Not the first so many such frames of a boot. first, nth and every then count from there."`
	First   faultCount `json:"first" jsonschema_description:"Only so many such frames of a boot, its first ones."`
	Nth     faultCount `json:"nth" jsonschema_description:"Only this one of them."`
	Every   faultCount `json:"every" jsonschema_description:"Each so manieth of them: 3 means the third, the sixth ..."`
	Percent percent    `json:"percent" jsonschema_description:"So many of a hundred, picked by seed: the same in every run."`
	Seed    faultCount `json:"seed" jsonschema_description:"Which frames percent picks, and how long jitter holds each up. Default: 0."`
	By      duration   `json:"by" example:"200ms" jsonschema_description:"Of delay: how long. Of jitter: how long at most. Of reorder: how long at most if no other frames come; default 2s. Of slow: how long the service is held at each. Guests with a time in a fault run in real time, as all do with faults of services or the guest."`
	For     duration   `json:"for" example:"2s" jsonschema_description:"Of partition: how long it lasts. Without it and frames it has no end. Of pause, restart, lose-leases and power-cut: how long the service is held or away, or the guest off. Default: for good for pause, else no time."`
	Frames  faultCount `json:"frames" jsonschema_description:"Of reorder: how many frames of its direction go first; default 1. Of partition: how many it takes in each direction, the first one included, until it ends."`
	To      octets     `json:"to" example:"60" jsonschema_description:"Of truncate: how many octets are left, with Ethernet's header. Of mtu: how many octets of IP pass."`
	Kbit    kbit       `json:"kbit" example:"512" jsonschema_description:"Of rate: thousands of bits a second, each direction by itself."`
	Service string     `json:"service" jsonschema_description:"Of what is done to a service: which."`
	Queue   queueLen   `json:"queue" jsonschema:"default=64" jsonschema_description:"Of rate: how many frames wait for their turn; more are dropped."`
}

type (
	deedWord   string
	packetWord string
	blockNo    int
	faultCount int
	percent    int
	octets     int
	kbit       int
	queueLen   int
)

// longestDelay keeps a fault from outliving its lab.
const longestDelay = time.Minute

// parameters are the keys of single deeds, in the order in which messages name them.
var parameters = []struct {
	key     string
	deeds   []string
	needed  []string // deeds that cannot do without
	example string
}{
	{"by", []string{"delay", "jitter", "reorder", "slow"}, []string{"delay", "jitter", "slow"}, "by: 200ms"},
	{"for", []string{"partition", "pause", "restart", "lose-leases", "power-cut"}, nil, ""},
	{"service", fault.ServiceDeeds, fault.ServiceDeeds, "service: boot"},
	{"frames", []string{"reorder", "partition"}, nil, ""},
	{"to", []string{"truncate", "mtu"}, []string{"truncate", "mtu"}, "to: 60"},
	{"kbit", []string{"rate"}, []string{"rate"}, "kbit: 512"},
	{"queue", []string{"rate"}, nil, ""},
}

// Target is a service of a lab, as far as a fault may name it.
type Target struct {
	Name     string
	Networks []string // it is on
	Roles    []string // it plays, as the keys of a service in a topology
}

// ParseFault reads one fault as a topology has it, such as {do: drop, packet: offer, first: 2}, for a guest on a network of a lab with
// these services. The error is a Problems whose places are those in the text; the path is only used in messages.
func ParseFault(path, text, network string, services []Target) (fault.Rule, error) {
	d := newDecoder(path, Known{})
	if strings.TrimSpace(text) == "" {
		d.problem(position{1, 1}, "", "is empty; write a fault, such as {do: drop, packet: offer, first: 1}")
		return fault.Rule{}, d.problems
	}
	var f faultForm
	if body := d.body([]byte(text), "topology"); body != nil {
		d.where[""] = start(body)
		d.fill(body, "", reflect.ValueOf(&f).Elem())
	}
	c := d.among(services)
	var r fault.Rule
	if _, mapping := d.keys[""]; mapping {
		r = c.fault("", network, f)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return fault.Rule{}, d.problems
	}
	return r, nil
}

// among checks what was written by itself for a lab with these services.
func (d *decoder) among(services []Target) *checker {
	c := &checker{decoder: d, topo: &Topology{}}
	for _, t := range services {
		s := Service{Name: t.Name}
		for _, n := range t.Networks {
			s.Links = append(s.Links, Link{Network: n})
		}
		c.topo.Services = append(c.topo.Services, s)
		d.keys["services"] = append(d.keys["services"], t.Name)
		d.keys[join("services", t.Name)] = t.Roles
	}
	return c
}

// faults builds the faults of a guest's cable. Which service a rule names, the plan knows by its address.
func (c *checker) faults(key, network string, list []faultForm) []fault.Rule {
	var out []fault.Rule
	for i, f := range list {
		out = append(out, c.fault(item(join(key, "faults"), i), network, f))
	}
	return out
}

func (c *checker) fault(at, network string, f faultForm) fault.Rule {
	r := fault.Rule{Do: string(f.Do), By: time.Duration(f.By), For: time.Duration(f.For), Frames: int(f.Frames), To: int(f.To), Service: f.Service, Kbit: int(f.Kbit), Queue: int(f.Queue),
		Selection: fault.Selection{Packet: string(f.Packet), From: f.From, Port: int(f.Port), Block: int(f.Block), After: int(f.After),
			First: int(f.First), Nth: int(f.Nth), Every: int(f.Every), Percent: int(f.Percent), Seed: int(f.Seed)}}
	c.checkSelection(at, network, &r)
	c.checkDeed(at, &r)
	c.checkBeside(at, &r)
	return r
}

// checkSelection reports what cannot be meant by a choice of frames.
func (c *checker) checkSelection(at, network string, r *fault.Rule) {
	has := func(k string) bool { return slices.Contains(c.keys[at], k) }
	if r.From != "" && r.From != "guest" {
		on := func(l Link) bool { return l.Network == network }
		if i := c.service(join(at, "from"), r.From); i >= 0 && network != "" && !slices.ContainsFunc(c.topo.Services[i].Networks(), on) {
			c.report(join(at, "from"), "service %q is not on network %q; its frames come from the router or relay there, so name that", r.From, network)
		}
	}
	chosen := 0
	for _, k := range []string{"first", "nth", "every", "percent"} {
		if has(k) {
			chosen++
		}
	}
	if chosen > 1 {
		c.report(at, "chooses frames in %d ways; write one of first, nth, every and percent", chosen)
	}
	if has("seed") && !has("percent") && r.Do != "jitter" {
		c.report(join(at, "seed"), "picks nothing without percent; write percent: 10, or leave it out")
	}
	if has("block") && r.Packet != "data" && r.Packet != "tftp-ack" {
		c.report(join(at, "block"), "only TFTP's data and acknowledgements have a block; write packet: data or packet: tftp-ack")
	}
}

// checkDeed reports parameters that a deed does not have, or lacks.
func (c *checker) checkDeed(at string, r *fault.Rule) {
	has := func(k string) bool { return slices.Contains(c.keys[at], k) }
	for _, p := range parameters {
		switch {
		case r.Do == "":
		case has(p.key) && !slices.Contains(p.deeds, r.Do):
			c.report(join(at, p.key), "belongs to %s; leave it out", strings.Join(p.deeds, ", "))
		case !has(p.key) && slices.Contains(p.needed, r.Do) && c.whole(at):
			c.report(at, "needs %q, such as %s", p.key, p.example)
		}
	}
	for key, d := range map[string]time.Duration{"by": r.By, "for": r.For} {
		if d > longestDelay {
			c.report(join(at, key), "%s is longer than any client waits; write %s or less", d, longestDelay)
		}
	}
	switch ends := has("frames") || has("for"); {
	case r.Do == "mtu" && has("to") && (r.To < leastMTU || r.To >= maxOctets-ethernet):
		c.report(join(at, "to"), "no line lets %d octets of IP pass and no more; write a number from %d to %d", r.To, leastMTU, maxOctets-ethernet-1)
	case r.Do != "partition":
	case has("frames") && has("for"):
		c.report(at, "ends in two ways; write frames or for")
	case ends && !has("first") && !has("nth") && !has("every") && !has("percent"):
		c.report(at, "begins anew with the frame after its end; write nth: 1 for one that begins once")
	}
}

const (
	leastMTU  = 68   // RFC 791 section 3.2
	maxOctets = 1514 // an Ethernet frame
	ethernet  = 14   // its header
)
