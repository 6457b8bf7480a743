package server_test

import (
	"strings"
	"testing"
)

// TestNmap has nmap's scripts ask the server, by broadcast as a client that does not exist and by itself with INFORM.
// nmap lists no interface that has no address.
func TestNmap(t *testing.T) {
	l := newLAN(t)
	s := l.serve(config(t))
	l.clientAddress("192.0.2.7/24")
	told := []string{"Subnet Mask: 255.255.255.0", "Router: 192.0.2.254", "Domain Name Server: 192.0.2.53", "Server Identifier: 192.0.2.1"}
	contains := func(out string, lines ...string) {
		for _, line := range lines {
			if !strings.Contains(out, line+"\n") {
				t.Errorf("no %q in\n%s", line, out)
			}
		}
	}
	out := l.run("nmap", "-e", "cli0", "--script", "broadcast-dhcp-discover", "--script-args", "broadcast-dhcp-discover.timeout=2")
	contains(out, append(told, "IP Offered: 192.0.2.100", "IP Address Lease Time: 1h00m00s", "DHCP Message Type: DHCPOFFER")...)
	s.expect("DHCPDISCOVER", "DHCPOFFER")

	// Before the script nmap knocks at the port with a message from 255.255.255.255, which nobody is to answer.
	out = l.run("nmap", "-n", "-Pn", "-sU", "-p", "67", "--max-retries", "0", "--script", "dhcp-discover", "192.0.2.1")
	contains(out, append(told, "DHCP Message Type: DHCPACK")...)
	d := <-s.decisions
	for ; d.Reply == ""; d = <-s.decisions {
		if !strings.Contains(d.Reason, "ciaddr 255.255.255.255 is no address of a client") {
			t.Errorf("%+v", d)
		}
	}
	if d.Request != "DHCPINFORM" || d.Reply != "DHCPACK" || d.Address != "" {
		t.Errorf("%+v", d)
	}
}
