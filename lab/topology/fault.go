package topology

import (
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/fault"
)

// faultForm is one fault: what is done, and when.
type faultForm struct {
	Do      deedWord   `json:"do" jsonschema:"required" example:"drop" jsonschema_description:"What becomes of the frame (delay holds it up, corrupt turns one bit over, truncate leaves its beginning), or what is done to a service or the guest when such a frame comes."`
	Packet  packetWord `json:"packet" jsonschema:"default=any" jsonschema_description:"Which frames: a DHCP message by its type, a TFTP packet by its opcode, or a protocol. What is done to a service is done before the guest is powered on, if no frame is named."`
	From    string     `json:"from" jsonschema_description:"Only frames that this service sent, or that the guest sent (from: guest). Without it both directions."`
	Block   blockNo    `json:"block" jsonschema_description:"Of data and tftp-ack: only this block."`
	First   faultCount `json:"first" jsonschema_description:"Only so many such frames of a boot, its first ones."`
	Nth     faultCount `json:"nth" jsonschema_description:"Only this one of them."`
	Every   faultCount `json:"every" jsonschema_description:"Each so manieth of them: 3 means the third, the sixth ..."`
	Percent percent    `json:"percent" jsonschema_description:"So many of a hundred, picked by seed: the same in every run."`
	Seed    faultCount `json:"seed" jsonschema_description:"Which frames percent picks. Default: 0."`
	By      duration   `json:"by" example:"200ms" jsonschema_description:"Of delay and slow: how long. Guests with a delay run in real time, as all do with faults of services or the guest."`
	To      octets     `json:"to" example:"60" jsonschema_description:"Of truncate: how many octets are left, with Ethernet's header."`
	Service string     `json:"service" jsonschema_description:"Of what is done to a service: which."`
	For     duration   `json:"for" example:"2s" jsonschema_description:"Of pause, restart, lose-leases and power-cut: how long the service is held or away, or the guest off. Default: for good for pause, else no time."`
}

type (
	deedWord   string
	packetWord string
	blockNo    int
	faultCount int
	percent    int
	octets     int
)

// longestDelay keeps a fault from outliving its lab.
const longestDelay = time.Minute

// faults builds the faults of a guest's cable. Which service a rule names, the plan knows by its address.
func (c *checker) faults(key, network string, list []faultForm) []fault.Rule {
	var out []fault.Rule
	for i, f := range list {
		at := item(join(key, "faults"), i)
		r := fault.Rule{Do: string(f.Do), Packet: string(f.Packet), From: f.From, Block: int(f.Block), First: int(f.First), Nth: int(f.Nth),
			Every: int(f.Every), Percent: int(f.Percent), Seed: int(f.Seed), By: time.Duration(f.By), To: int(f.To), Service: f.Service, For: time.Duration(f.For)}
		c.checkFault(at, network, &r)
		out = append(out, r)
	}
	return out
}

func (c *checker) checkFault(at, network string, r *fault.Rule) {
	has := func(k string) bool { return slices.Contains(c.keys[at], k) }
	if r.From != "" && r.From != "guest" {
		if i := c.service(join(at, "from"), r.From); i >= 0 && network != "" && !c.topo.Services[i].At(network).IsValid() {
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
	if has("seed") && !has("percent") {
		c.report(join(at, "seed"), "picks nothing without percent; write percent: 10, or leave it out")
	}
	if has("block") && r.Packet != "data" && r.Packet != "tftp-ack" {
		c.report(join(at, "block"), "only TFTP's data and acknowledgements have a block; write packet: data or packet: tftp-ack")
	}
	c.checkDeed(at, r)
	for k, d := range map[string]time.Duration{"by": r.By, "for": r.For} {
		if d > longestDelay {
			c.report(join(at, k), "%s is longer than any client waits; write %s or less", d, longestDelay)
		}
	}
}
