package advice_test

import (
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/advice"
	"github.com/pxelab/pxelab/tests/golden"
	"github.com/pxelab/pxelab/tests/netns"
)

// address6 gives an interface of the calling thread's namespace an IPv6 address that is usable at once.
func address6(t *testing.T, link, address string) {
	t.Helper()
	a, err := netlink.ParseAddr(address)
	must(t, err)
	a.Flags = unix.IFA_F_NODAD
	must(t, netlink.AddrAdd(netns.Link(t, link), a))
}

// dnsmasq6 is dnsmasq as DHCPv6 server, and as router whose advertisement says so.
func dnsmasq6(args ...string) func(*testing.T, *netns.LAN) {
	return func(t *testing.T, l *netns.LAN) {
		h := l.Add(t, "192.0.2.2/24")
		h.Do(func() {
			address6(t, "eth0", "fe80::2/64")
			address6(t, "eth0", "2001:db8::2/64")
		})
		h.Daemon(t, "started, version", "dnsmasq", append([]string{"--keep-in-foreground", "--log-facility=-", "--user=root", "--group=root",
			"--conf-file=/dev/null", "--pid-file", "--port=0", "--interface=eth0", "--bind-interfaces",
			"--dhcp-leasefile=" + filepath.Join(t.TempDir(), "leases"), "--dhcp-range=2001:db8::100,2001:db8::100,64,1h"}, args...)...)
	}
}

// servers6 are those that a survey over IPv6 is held against.
var servers6 = map[string]func(*testing.T, *netns.LAN){
	// It has no way to say HTTPClient in option 16, and one URL for all.
	"dnsmasq6": dnsmasq6("--enable-ra", "--dhcp-option=option6:bootfile-url,tftp://[2001:db8::2]/x64.efi"),
	// It names no file, and no router sends anybody to it.
	"dnsmasq6-bare": dnsmasq6(),
	"own6": func(t *testing.T, _ *netns.LAN) {
		address6(t, "lan0", "fe80::1/64")
		address6(t, "lan0", "2001:db8::1/64")
		a := netip.MustParseAddr("2001:db8::100")
		serve(t, server.Config{Address6: netip.MustParsePrefix("2001:db8::1/64"), DHCP6: &server.DHCP6Config{First: a, Last: a.Next(), Boot: &server.Boot6Config{
			Server: netip.MustParseAddr("2001:db8::1"), Files: map[string]string{"efi-x64": "x64.efi"}, HTTP: map[string]string{"efi-x64": "http://[2001:db8::1]/x64.efi"}}}})
	},
}

// linkLocal is an address that an interface may have made itself.
var linkLocal = regexp.MustCompile(`fe80::[0-9a-f:]+`)

// TestServers6 asks real DHCPv6 servers, and holds the table and the traps.
func TestServers6(t *testing.T) {
	for name, start := range servers6 {
		t.Run(name, func(t *testing.T) {
			l := netns.NewLAN(t)
			start(t, l)
			host := l.Add(t)
			s := advice.Survey{Interface: "eth0", MAC: net.HardwareAddr{2, 'p', 'x', 'e', 0, 1}, Wait: 5 * time.Second, Offers: 1}
			var six *advice.Six
			var err error
			host.Do(func() {
				address6(t, "eth0", "fe80::7/64")
				six, err = s.Ask6(t.Context(), advice.Askers6())
			})
			must(t, err)
			r := advice.Report{MAC: s.MAC.String()}
			r.Add(six)
			_, text, _ := strings.Cut(r.String(), "\nOver IPv6")
			golden.Check(t, filepath.Join("testdata", name+".txt"), linkLocal.ReplaceAllString("Over IPv6"+text, "fe80::"))
		})
	}
}
