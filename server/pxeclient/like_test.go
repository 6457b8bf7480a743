package pxeclient

import (
	"slices"
	"testing"

	"github.com/pxelab/pxelab/server/pxe"
)

// TestLike holds the clients that speak as firmware does to the option order that firmware was captured with.
func TestLike(t *testing.T) {
	item := Option{optVendor, []byte{71, 4, 0x80, 0, 0, 0, 255}}
	selected := []Option{{optServerID, serverIP.AsSlice()}, {optRequestedAddr, clientIP.AsSlice()}}
	for _, c := range []struct {
		name  string
		cfg   Config
		step  Step
		typ   byte
		more  []Option
		order []uint8
		flags uint16
	}{
		{"edk2 discover", LikeEDK2(pxe.ArchEFIX64), StepDiscover, 1, nil, []uint8{53, 57, 55, 97, 94, 93, 60}, FlagBroadcast},
		{"edk2 request", LikeEDK2(pxe.ArchEFIX64), StepRequest, 3, selected, []uint8{53, 54, 50, 57, 55, 97, 94, 93, 60}, FlagBroadcast},
		{"edk2 boot server", LikeEDK2(pxe.ArchEFIX64), StepBootServer, 3, []Option{item}, []uint8{43, 53, 55, 57, 60, 93, 94, 97}, 0},
		{"ipxe discover", LikeIPXE(pxe.ArchBIOS), StepDiscover, 1, nil, []uint8{53, 57, 93, 94, 60, 77, 55, 175, 61, 97}, 0},
		{"ipxe request", LikeIPXE(pxe.ArchBIOS), StepRequest, 3, selected, []uint8{53, 57, 93, 94, 60, 77, 55, 175, 61, 97, 54, 50}, 0},
		{"ipxe boot server", LikeIPXE(pxe.ArchBIOS), StepBootServer, 3, []Option{item}, []uint8{53, 57, 93, 94, 60, 77, 55, 175, 61, 97, 43}, FlagBroadcast},
	} {
		cfg := c.cfg
		cfg.MAC = clientMAC
		cfg = cfg.withDefaults()
		m := cfg.message(c.typ, 7, c.more...)
		if c.step == StepBootServer {
			m.Flags = 0 // as askBootServer does
		}
		for range 2 { // an edit is made each time a message is sent
			cfg.Edit(c.step, m)
		}
		var order []uint8
		for _, o := range m.Options {
			order = append(order, o.Code)
		}
		if !slices.Equal(order, c.order) || m.Flags != c.flags {
			t.Errorf("%s: options %v flags %#x, want %v %#x", c.name, order, m.Flags, c.order, c.flags)
		}
		if ipxe := len(cfg.UserClass) > 0; c.step == StepBootServer && (m.XID == 0) != ipxe {
			t.Errorf("%s: xid %d", c.name, m.XID)
		}
	}
}
