package pxeclient

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server/pxe"
)

var m0 = time.Unix(0, 0)

// reply gives a talk's reply as the client reads it.
func (k *talk) reply(t *testing.T, change ...func(*talk)) *Reply {
	t.Helper()
	for _, c := range change {
		c(k)
	}
	tr := k.trace(t)
	return tr[1].Reply()
}

func plain(k *talk) {
	k.vendor = nil
	k.r.Del(optClassID)
	k.r.Del(optUUID)
}

func noFile(k *talk) { k.r.File = "" }

func from(a string) func(*talk) {
	return func(k *talk) {
		ip := netip.MustParseAddr(a)
		k.src = netip.AddrPortFrom(ip, k.src.Port())
		k.r.Set(optServerID, ip.AsSlice()...)
	}
}

func TestKind(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *Reply
		want Kind
		why  string
	}{
		{"plain", offer().reply(t, plain), PlainDHCP, ""},
		{"direct", offer().reply(t), DHCPPXE, ""},
		{"menu", menu().reply(t), DHCPPXE, ""},
		{"MTFTP alone", offer().reply(t, func(k *talk) { k.vendor = &pxe.Vendor{MTFTP: mtftpTags} }), DHCPPXE, ""},
		{"PXEClient alone", offer().reply(t, func(k *talk) { k.vendor = nil }), DHCPBINL, ""},
		{"empty option 43", offer().reply(t, func(k *talk) { k.vendor = &pxe.Vendor{} }), DHCPBINL, ""},
		{"proxy", menu().reply(t, func(k *talk) { k.r.YIAddr = netip.Addr{} }), ProxyPXE, ""},
		{"proxy to be asked", proxy().reply(t), ProxyBINL, ""},
		{"proxy without class", proxy().reply(t, plain), Unusable, "neither yiaddr nor option 60 PXEClient"},
		{"no server id", offer().reply(t, func(k *talk) { k.r.Del(optServerID) }), Unusable, "no option 54"},
		{"option 43 of another", offer().reply(t, plain, rawVendor(6, 9)), PlainDHCP, ""},
		{"bad option 43", offer().reply(t, rawVendor(6, 9)), Unusable, "tag 6 is cut short"},
		{"BOOTP", offer().reply(t, plain, func(k *talk) { k.r.Del(optMessageType) }), BOOTP, ""},
		{"BOOTP without address", offer().reply(t, func(k *talk) { k.r.Del(optMessageType); k.r.YIAddr = netip.Addr{} }), Unusable, "without yiaddr"},
		{"HTTP", http().reply(t), HTTP, ""},
		{"HTTP proxy", http().reply(t, func(k *talk) { k.r.YIAddr = netip.Addr{} }), HTTPProxy, ""},
	} {
		if got, why := c.r.Kind(); got != c.want || !strings.Contains(why, c.why) || (why == "") != (got != Unusable) {
			t.Errorf("%s: %s %q, want %s", c.name, got, why, c.want)
		}
	}
}

func TestChoose(t *testing.T) {
	plainFile, plainOnly := offer().reply(t, plain), offer().reply(t, plain, noFile)
	pxeOffer, binl := menu().reply(t), offer().reply(t, from("192.0.2.2"), func(k *talk) { k.vendor = nil })
	proxied := menu().reply(t, from("192.0.2.3"), func(k *talk) { k.r.YIAddr = netip.Addr{} })
	ask := proxy().reply(t, from("192.0.2.4"))
	bootp := offer().reply(t, plain, func(k *talk) { k.r.Del(optMessageType) })
	for _, c := range []struct {
		name          string
		offers        []*Reply
		address, boot *Reply
		kind          Kind
		ask           bool
	}{
		{"complete offer before all", []*Reply{plainFile, ask, proxied, binl, pxeOffer}, pxeOffer, pxeOffer, DHCPPXE, false},
		{"a proxy's options before a promise", []*Reply{plainFile, ask, proxied, binl}, plainFile, proxied, ProxyPXE, false},
		{"a promise of the DHCP server before one of a proxy", []*Reply{plainFile, ask, binl}, binl, binl, DHCPBINL, true},
		{"a proxy's promise before a file", []*Reply{plainFile, ask}, plainFile, ask, ProxyBINL, true},
		{"a proxy needs no file of the DHCP server", []*Reply{proxied, plainOnly}, plainOnly, proxied, ProxyPXE, false},
		{"a file before BOOTP", []*Reply{bootp, plainOnly, plainFile}, plainFile, plainFile, PlainDHCP, false},
		{"BOOTP at last", []*Reply{plainOnly, bootp}, bootp, bootp, BOOTP, false},
		{"an address alone boots nothing", []*Reply{plainOnly}, nil, nil, "", false},
		{"a proxy alone has no address", []*Reply{proxied, ask}, nil, nil, "", false},
		{"a proxy does not join a PXE server", []*Reply{binl, proxied}, binl, binl, DHCPBINL, true},
		{"the first of equals", []*Reply{pxeOffer, menu().reply(t)}, pxeOffer, pxeOffer, DHCPPXE, false},
		{"HTTP", []*Reply{http().reply(t, noFile), plainFile}, plainFile, plainFile, PlainDHCP, false},
		{"nothing", nil, nil, nil, "", false},
	} {
		got := Choose(c.offers)
		if got.Address != c.address || got.Boot != c.boot || got.Kind != c.kind || got.AskBoot() != c.ask || got.Reason == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
		taken := 0
		for _, o := range c.offers {
			if o == got.Address || o == got.Boot {
				taken++
			}
		}
		if len(got.Passed)+taken != len(c.offers) {
			t.Errorf("%s: of %d offers %d are taken and %q passed over", c.name, len(c.offers), taken, got.Passed)
		}
	}
}

func TestWays(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	list := []pxe.Server{{Type: 1, Addrs: []netip.Addr{a, b}}, {Type: 2}}
	for _, c := range []struct {
		name string
		v    pxe.Vendor
		t    pxe.ServerType
		want []Mode
		err  string
	}{
		{"nothing said", pxe.Vendor{}, 1, []Mode{Broadcast}, ""},
		{"all", pxe.Vendor{Multicast: group, Servers: list}, 1, []Mode{Multicast, Broadcast, Unicast}, ""},
		{"no multicast", pxe.Vendor{Multicast: group, Servers: list, Control: ctl(pxe.NoMulticast)}, 1, []Mode{Broadcast, Unicast}, ""},
		{"no broadcast", pxe.Vendor{Multicast: group, Servers: list, Control: ctl(pxe.NoBroadcast)}, 2, []Mode{Multicast}, ""},
		{"unicast", pxe.Vendor{Servers: list, Control: ctl(pxe.NoBroadcast | pxe.NoMulticast)}, 1, []Mode{Unicast}, ""},
		{"not listed", pxe.Vendor{Servers: list, Control: ctl(pxe.NoBroadcast | pxe.NoMulticast)}, 3, nil, "multicast is forbidden"},
		{"no group", pxe.Vendor{Control: ctl(pxe.NoBroadcast)}, 1, nil, "tag 7 names no group"},
	} {
		ways, err := Ways(&c.v, c.t)
		var modes []Mode
		for _, w := range ways {
			modes = append(modes, w.Mode)
		}
		if !slices.Equal(modes, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, %v", c.name, ways, err)
		}
	}
	ways, _ := Ways(&pxe.Vendor{Servers: list, Multicast: group}, 1)
	if ways[0].To[0].String() != "224.0.1.2:4011" || ways[1].To[0].String() != "255.255.255.255:67" || ways[2].To[1].String() != "192.0.2.2:4011" {
		t.Errorf("%v", ways)
	}
	only := pxe.Vendor{Servers: list, Control: ctl(pxe.OnlyListed)}
	if !accepts(&only, 1, b) || accepts(&only, 1, group) || !accepts(&only, 2, group) || accepts(&only, 3, a) || !accepts(&pxe.Vendor{}, 3, a) {
		t.Error("the accept list is not followed")
	}
}

func ctl(c pxe.Control) *pxe.Control { return &c }

func TestFileAndMenu(t *testing.T) {
	f, err := offer().reply(t, func(k *talk) {
		k.r.Set(optBootFile, []byte("seven\x00")...)
		k.r.Set(optFileSize, 1, 0)
		k.vendor.MTFTP = mtftpTags
	}).File()
	if err != nil || f.Name != "seven" || f.Server != serverIP || f.Size != 131072 || f.MTFTP == nil {
		t.Errorf("%+v, %v", f, err)
	}
	f, err = offer().reply(t, func(k *talk) { k.r.SIAddr = netip.Addr{} }).File()
	if err != nil || f.Name != "x64.efi" || f.Server != serverIP {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = http().reply(t).File(); err != nil || f.Server.IsValid() || f.Name != "http://192.0.2.1/x64.efi" {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err = offer().reply(t, noFile).File(); err == nil || !strings.Contains(err.Error(), "DHCPOFFER of 192.0.2.1 names no boot file") {
		t.Error(err)
	}
	for timeout, want := range map[int]time.Duration{0: 0, 7: 7 * time.Second, 255: -1, -1: -1} {
		m := menu().reply(t, func(k *talk) {
			if k.vendor.Prompt.Timeout = byte(timeout); timeout < 0 { //nolint:gosec // meant
				k.vendor.Prompt = nil
			}
		}).Menu()
		if m.Timeout != want || len(m.Items) != 2 {
			t.Errorf("prompt %d: %+v", timeout, m)
		}
	}
	if _, err := FirstItem(Menu{}); err == nil {
		t.Error("an item of an empty menu")
	}
}
