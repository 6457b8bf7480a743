package network

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/network/capture"
)

// TestBootCableCarriesRealFirmware powers a QEMU guest on twice on one cable, until its PXE ROM asks for an
// address and has heard the router.
func TestBootCableCarriesRealFirmware(t *testing.T) {
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "qemu") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	eachVia(t, func(t *testing.T, tun bool) {
		b := newBridge(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.AdvertiseRouter(ctx) }()
		file, err := capture.Create(filepath.Join(t.TempDir(), "wire.pcapng"))
		if err != nil {
			t.Fatal(err)
		}
		taps := file.AddInterface("bios", "")
		var seen *log
		cable := plugIn(t, b, CableConfig{Name: "bios", Tun: tun, Capture: taps, Observe: func(f Frame) { seen.observe(f) }})
		for range 2 {
			seen = newLog()
			powerOn(t, qemu, cable, func() {
				seen.await(t, "DHCPDISCOVER from the guest", func(f Frame) bool { return f.FromGuest && isDiscover(f.Data) })
				seen.await(t, "router advertisement for the guest", func(f Frame) bool { return !f.FromGuest && isAdvertisement(f.Data) })
			})
			t.Logf("%+v", cable.Stats())
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// powerOn runs a guest with SeaBIOS and iPXE's option ROM, its clock running ahead while it idles, until
// watch returns.
func powerOn(t *testing.T, qemu string, cable *Cable, watch func()) {
	t.Helper()
	end, err := cable.Connect()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(qemu, "-machine", "q35", "-m", "64", "-accel", "tcg", "-icount", "shift=7,sleep=off",
		"-nodefaults", "-display", "none", "-netdev", "dgram,id=n0,local.type=fd,local.str=3",
		"-device", "virtio-net-pci,netdev=n0,bootindex=1,mac="+guestMAC.String())
	cmd.ExtraFiles = []*os.File{end}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err = cmd.Start()
	end.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
		cable.Disconnect()
		if stderr.Len() > 0 {
			t.Logf("qemu: %s", &stderr)
		}
	}()
	watch()
}

func isDiscover(frame []byte) bool {
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	dhcp, ok := p.Layer(layers.LayerTypeDHCPv4).(*layers.DHCPv4)
	return ok && dhcp.Operation == layers.DHCPOpRequest && dhcp.ClientHWAddr.String() == guestMAC.String()
}

func isAdvertisement(frame []byte) bool {
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	_, ok := p.Layer(layers.LayerTypeICMPv6RouterAdvertisement).(*layers.ICMPv6RouterAdvertisement)
	return ok
}
