package pxeclient_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// TestTrapsOnTheWire sets dnsmasq up in ways in which people do, and which stop one firmware or another.
func TestTrapsOnTheWire(t *testing.T) {
	const file = "--dhcp-boot=x64.efi"
	for name, c := range map[string]struct {
		cfg  pxeclient.Config
		args []string
		want []string
	}{
		"option 60 and no port 4011": {pxeclient.LikeEDK2(pxe.ArchEFIX64), []string{file, "--dhcp-option-force=60,PXEClient"},
			[]string{"nobody on port 4011", "option 97 not returned"}},
		"class echoed whole": {pxeclient.LikeIPXE(pxe.ArchEFIX64), []string{file, "--dhcp-option-force=60,PXEClient:Arch:00007:UNDI:003010"},
			[]string{"nobody on port 4011", "option 60 not exactly PXEClient", "option 97 not returned"}},
		"discovery without menu and group": {pxeclient.LikeEDK2(pxe.ArchEFIX64), []string{file, "--dhcp-option=vendor:PXEClient,6,0"},
			[]string{"discovery without menu", "multicast without group", "option 60 not exactly PXEClient", "option 97 not returned"}},
		"menu to iPXE on EFI": {pxeclient.LikeIPXE(pxe.ArchEFIX64), []string{"--pxe-service=X86-64_EFI,One,one.efi", "--pxe-service=X86-64_EFI,Two,two.efi"},
			[]string{"menu to iPXE on EFI"}},
		"nothing wrong": {pxeclient.LikeIPXE(pxe.ArchEFIX64), []string{file}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLAN(t)
			l.host("192.0.2.2/24").dnsmasq(append(c.args, "--dhcp-range=192.0.2.100,192.0.2.199", "--dhcp-no-override")...)
			c.cfg.Enough, c.cfg.Schedule = enough(1), once
			c.cfg.Schedule.Boot = []time.Duration{time.Millisecond} // nobody is there
			c.cfg.Download = nothing{}
			client := l.host().client(c.cfg)
			_, err := client.Boot(t.Context(), pxeclient.FirstItem)
			if wants := slices.Contains(c.want, "nobody on port 4011"); errors.Is(err, pxeclient.ErrNoAnswer) != wants {
				t.Errorf("the walk ends with %v", err)
			}
			problems(t, client, c.want...)
		})
	}
}

// TestKeaWithoutNextServer: option 67 alone, as a Windows server has it too.
func TestKeaWithoutNextServer(t *testing.T) {
	l := newLAN(t)
	l.host("192.0.2.3/24").daemon("DHCP4_STARTED", "kea-dhcp4", "-c", file(t, "kea.json", `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["eth0"]}, "lease-database": {"type": "memfile", "persist": false},
  "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stderr", "flush": true}]}],
  "subnet4": [{"subnet": "192.0.2.0/24", "pools": [{"pool": "192.0.2.110-192.0.2.119"}],
    "option-data": [{"name": "boot-file-name", "data": "x64.efi"}]}]}}`))
	cfg := pxeclient.LikeIPXE(pxe.ArchEFIX64)
	cfg.Enough, cfg.Schedule, cfg.Download = enough(1), once, nothing{}
	client := l.host().client(cfg)
	_, err := client.Boot(t.Context(), pxeclient.FirstItem)
	must(t, err)
	problems(t, client, "boot file without siaddr", "shorter than 300 octets")
}

// TestUnreachablePortIsKnown: that nobody listens is told by ICMP, which the trace keeps.
func TestUnreachablePortIsKnown(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := l.leased(pxeclient.Config{Saw: func(p pxeclient.Packet) {
		if p.ICMP != "" {
			cancel()
		}
	}})
	if _, err := client.ProxyRequest(ctx, netip.MustParseAddr("192.0.2.1")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	found := pxeclient.Check(client.Trace())
	if len(found) != 1 || found[0].Rule != "nobody on port 4011" || !strings.Contains(found[0].Text, "192.0.2.1:4011 does not answer; destinationunreachable(port)") {
		t.Errorf("%v", found)
	}
}
