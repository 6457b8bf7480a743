package network

import "testing"

func TestOpened(t *testing.T) {
	const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  123: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 27563 2 0000000000000000 0
`
	const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:0051 0100007F:9000 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
`
	for _, c := range []struct {
		table, proto string
		port         int
		want         bool
	}{
		{udp, "udp", 67, true}, {udp, "udp", 68, false}, {tcp, "tcp", 80, true}, {tcp, "tcp", 81, false}, {"", "udp", 67, false},
		{"a b", "udp", 67, false}, {"1: zz:zz x 07", "udp", 67, false},
	} {
		if got := opened(c.table, c.proto, c.port); got != c.want {
			t.Errorf("%s port %d: %v", c.proto, c.port, got)
		}
	}
}

// TestHostsListen sees a port open and close.
func TestHostsListen(t *testing.T) {
	h := addHost(t, newBridge(t), "dhcp", hostMAC, hostAddress)
	if open, err := h.Listens("udp", 67); err != nil || open {
		t.Errorf("before: %v, %v", open, err)
	}
	listenUDP(t, h, ":67")
	if open, err := h.Listens("udp", 67); err != nil || !open {
		t.Errorf("open: %v, %v", open, err)
	}
}
