package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// writeTopology makes a topology of one guest.
func writeTopology(dir, firmware string) (string, error) {
	path := filepath.Join(dir, firmware+".yaml")
	text := fmt.Sprintf(`name: bench-%s
networks:
  lan: {subnet: 192.0.2.0/24}
services:
  boot: {address: 192.0.2.1, dhcp: {range: 192.0.2.100-192.0.2.199, boot: {bios: probe, efi-x64: probe, efi-ia32: probe}}, tftp: {}}
guests:
  it: {firmware: %s}
expect:
  it: [booted: {image: probe, from: boot}]
`, firmware, firmware)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// labBoot boots the guest in a lab and reads the times from its bundle.
func labBoot(ctx context.Context, binary, topology, dir, clock string, i int) (boot, string, error) {
	folder := filepath.Join(dir, fmt.Sprintf("%s-%s-%d", strings.TrimSuffix(filepath.Base(topology), ".yaml"), clock, i))
	out, err := exec.CommandContext(ctx, binary, "run", topology, "--clock", clock, "--out", folder).CombinedOutput()
	if err != nil {
		return boot{}, "", fmt.Errorf("pxelab run: %w\n%s", err, out)
	}
	_, events, err := bundle.Read(folder)
	if err != nil {
		return boot{}, "", err
	}
	var b boot
	var on time.Duration
	for _, e := range events {
		switch {
		case e.Boot > 1:
			return boot{}, "", fmt.Errorf("the guest was booted again (see %s): this host is too loaded to measure", folder)
		case e.Kind == event.GuestPowered:
			on = e.At
		case b.discover == 0 && e.Packet != nil && e.Packet.DHCP != nil && e.Packet.DHCP.Type == "DISCOVER":
			b.discover = e.At - on
		case e.Kind == event.Console && e.Text == endLine:
			b.report = e.At - on
		}
	}
	if b.report == 0 || b.discover == 0 {
		return b, "", fmt.Errorf("the guest did not report: see %s", folder)
	}
	return b, folder, nil
}

// endLine is the last line of a probe's report.
const endLine = "PXELAB-PROBE END"

// rawBoot boots the same guest by the script its bundle holds.
func rawBoot(ctx context.Context, bundle string, heard <-chan time.Time) (boot, error) {
	pcap := filepath.Join(bundle, "raw.pcap")
	cmd := exec.CommandContext(ctx, filepath.Join(bundle, "guests", "it", "qemu.sh"), "-object", "filter-dump,id=dump,netdev=n0,file="+pcap)
	if _, err := cmd.StdinPipe(); err != nil {
		return boot{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return boot{}, err
	}
	for len(heard) > 0 { // of an earlier boot that asked twice
		<-heard
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return boot{}, err
	}
	var b boot
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == endLine {
			b.report = time.Since(begun)
		}
	}
	if err := cmd.Wait(); err != nil {
		return b, fmt.Errorf("raw QEMU: %w", err)
	}
	if b.report == 0 {
		return b, errors.New("raw QEMU: the probe did not report")
	}
	discover, asked, err := dumped(pcap)
	if err != nil {
		return b, err
	}
	// QEMU dates its dump from the whole second in which it started. The probe's datagram, which came to us
	// as well, tells how much that is out.
	b.discover = discover.Add((<-heard).Sub(asked)).Sub(begun)
	return b, nil
}

// dumped finds in a dump when the guest first spoke DHCP, and when it sent the echo service its datagram.
func dumped(pcap string) (discover, asked time.Time, err error) {
	f, err := os.Open(pcap)
	if err != nil {
		return discover, asked, err
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		return discover, asked, err
	}
	for {
		data, info, err := r.ReadPacketData()
		if err != nil {
			return discover, asked, fmt.Errorf("raw QEMU's capture lacks a DHCPDISCOVER or the probe's datagram: %w", err)
		}
		udp, ok := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.NoCopy).Layer(layers.LayerTypeUDP).(*layers.UDP)
		switch {
		case ok && udp.DstPort == 67 && discover.IsZero():
			discover = info.Timestamp
		case ok && udp.DstPort == plan.EchoPort:
			return discover, info.Timestamp, nil
		}
	}
}
