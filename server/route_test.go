package server_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server"
)

// TestDefaultRoute: the interface that leads out of a machine is told from the others.
func TestDefaultRoute(t *testing.T) {
	l := newLAN(t)
	if is, err := server.HasDefaultRoute("svc0"); err != nil || is {
		t.Errorf("without a default route: %v, %v", is, err)
	}
	route := &netlink.Route{LinkIndex: l.svc.Attrs().Index, Gw: net.IPv4(192, 0, 2, 254)}
	must(t, netlink.RouteAdd(route))
	if is, err := server.HasDefaultRoute("svc0"); err != nil || !is {
		t.Errorf("with a default route: %v, %v", is, err)
	}
	must(t, netlink.RouteDel(route))
	several := &netlink.Route{Dst: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}, MultiPath: []*netlink.NexthopInfo{
		{LinkIndex: l.svc.Attrs().Index, Gw: net.IPv4(192, 0, 2, 253)}, {LinkIndex: l.svc.Attrs().Index, Gw: net.IPv4(192, 0, 2, 254)}}}
	must(t, netlink.RouteAdd(several))
	if is, err := server.HasDefaultRoute("svc0"); err != nil || !is {
		t.Errorf("as one hop of several: %v, %v", is, err)
	}
	if _, err := server.HasDefaultRoute("none such"); err == nil || !strings.Contains(err.Error(), `interface "none such"`) {
		t.Errorf("no such interface: %v", err)
	}
}

// TestMainAsks: what whoever starts a server says to its configuration is heeded before anything is opened.
func TestMainAsks(t *testing.T) {
	const config = `{"name": "boot", "interface": "none such", "address": "192.0.2.1/24", "echo": {"port": 7777}}`
	no := errors.New("not on that one")
	err := server.Main(t.Context(), strings.NewReader(config), io.Discard, func(c *server.Config) error {
		if c.Interface == "none such" {
			return no
		}
		return nil
	})
	if !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
}
