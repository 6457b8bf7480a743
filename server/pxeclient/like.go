package pxeclient

import (
	"slices"

	"github.com/pxelab/pxelab/server/pxe"
)

// LikeIPXE is a client that speaks as iPXE 1.0.0+git-20190125 does on the wire: no broadcast flag before it has an
// address, everything from port 68, transaction 0 and the broadcast flag to port 4011. Tags 1 to 5 are nothing to it.
func LikeIPXE(arch pxe.Arch) Config {
	c := Config{Archs: []pxe.Arch{arch}, UUID: &pxe.UUID{}, UserClass: []byte("iPXE"), NII: pxe.NII{Type: 1, Major: 3, Minor: 10},
		MTFTP: MTFTP{Off: true}}
	if arch == pxe.ArchBIOS {
		c.NII = pxe.NII{Type: 1, Major: 2, Minor: 1}
	}
	c.Edit = func(step Step, m *Message) {
		m.Set(pxe.OptEtherboot, 177, 5, 1, 0x1a, 0xf4, 0x10, 0) // bus-id: a virtio NIC on PCI
		m.Set(optClientID, append([]byte{1}, m.CHAddr...)...)
		arrange(m, optMessageType, optMaxSize, optArch, optNII, optClassID, optUserClass, optParameterList, pxe.OptEtherboot,
			optClientID, optUUID, optServerID, optRequestedAddr, optVendor)
		if step == StepProxy || step == StepBootServer {
			m.XID, m.Flags = 0, FlagBroadcast
		}
	}
	return c
}

// LikeEDK2 is a client that speaks as EDK2's UefiPxeBcDxe (edk2-stable202211) does: broadcast flag always but to port
// 4011, which it asks from port 4011, its options in ascending order. Tags 1 to 5 are nothing to it.
func LikeEDK2(arch pxe.Arch) Config {
	return Config{Archs: []pxe.Arch{arch}, UUID: &pxe.UUID{}, NII: pxe.NII{Type: 1, Major: 3}, Broadcast: true, SourcePort: BootPort, MTFTP: MTFTP{Off: true},
		Edit: func(step Step, m *Message) {
			switch step {
			case StepProxy, StepBootServer:
				slices.SortStableFunc(m.Options, func(a, b Option) int { return int(a.Code) - int(b.Code) })
			case StepRequest:
				m.Set(optMaxSize, 0xff, 0) // the size of its buffer, it says; it keeps 1472
			}
		}}
}

// arrange puts options into an order; those not named keep theirs, behind the rest.
func arrange(m *Message, order ...uint8) {
	place := func(o Option) int {
		if i := slices.Index(order, o.Code); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(m.Options, func(a, b Option) int { return place(a) - place(b) })
}
