package images

import (
	"slices"
	"strings"
	"testing"
)

// Every line a full report has, in order.
var (
	biosReport = strings.Fields("probe self pxenv pxe packet=discover packet=ack packet=reply undi nic iface fsize fetch udp unload end")
	efiReport  = strings.Fields("probe pxebc packet=discover packet=ack packet=proxy packet=bsrequest packet=bsreply via self fetch udp end")
)

// The full report is checked with guest time running ahead; in real time too when boots are demanded.
func TestProbeReports(t *testing.T) {
	for _, m := range machines {
		t.Run(m.name+"/warp", func(t *testing.T) {
			m.require(t)
			testReport(t, m, warp...)
		})
		t.Run(m.name+"/real", func(t *testing.T) {
			m.require(t)
			if !demanded("boot") {
				t.Skip("takes ten seconds and more; runs with PXELAB_REQUIRE=boot")
			}
			testReport(t, m)
		})
	}
}

func testReport(t *testing.T, m machine, extra ...string) {
	image, folder := prepare(t, m, Params{EchoPort: echo(t), Second: SecondFile})
	report := reportOf(t, m.boot(t, folder, image.File, "", extra...))
	wantLines, status := efiReport, strings.Repeat("0", 16)
	switch image.Arch {
	case "bios":
		wantLines, status = biosReport, "0000"
	case "efi-ia32":
		status = "00000000"
	}
	report.wantLines(t, wantLines)
	self, second := patched(t, image, folder), Second(testNonce)
	report.want(t, "probe", "arch", image.Arch, "nonce", testNonce)
	report.want(t, "self", "st", status, "size", decimal(len(self)), "crc", CRC32(self))
	report.want(t, "fetch", "st", status, "size", decimal(len(second)), "crc", CRC32(second), "server", "10.0.2.2", "name", SecondFile)
	report.want(t, "udp", "st", status, "size", "21", "from", "10.0.2.2", "data", "ECHO:"+testNonce)
	report.want(t, "packet=discover", "valid", "1", "yiaddr", "0.0.0.0", "o53", "01", "o93", archCodes[image.Arch],
		"o97", "00443322116655887799aabbccddeeff00") // the UUID in wire order
	report.want(t, "packet=ack", "valid", "1", "yiaddr", "10.0.2.15", "siaddr", "10.0.2.2", "giaddr", "0.0.0.0",
		"sname", "", "file", "/"+image.File, "o53", "05", "o54", "0a000202")
	if image.Arch == "bios" {
		report.want(t, "self", "how", "memory")
		report.want(t, "pxe", "sig", "!PXE")
		report.want(t, "fsize", "st", status, "size", decimal(len(second)))
		report.want(t, "undi", "st", status, "mac", "52:54:00:12:34:56", "mtu", "1500")
		report.want(t, "nic", "st", status, "type", "02", "id", "1af4:1000")
		report.want(t, "iface", "st", status)
		report.want(t, "unload", "st", status, "stack", status, "undi", status)
		return
	}
	report.want(t, "self", "how", "refetch", "server", "10.0.2.2", "name", "/"+image.File)
	report.want(t, "pxebc", "st", status, "started", "1", "v6", "0", "station", "10.0.2.15", "mask", "255.255.255.0")
	report.want(t, "via", "via", "dhcp")
	report.want(t, "packet=proxy", "valid", "0")
}

func TestUnpatchedProbeOnlyReports(t *testing.T) {
	m := machines[0]
	m.require(t)
	image, _ := Lookup("probe", m.image)
	folder := t.TempDir()
	write(t, folder, image.File, image.Bytes())
	report := reportOf(t, m.boot(t, folder, image.File, "", warp...))
	report.wantLines(t, slices.DeleteFunc(slices.Clone(biosReport), func(key string) bool {
		return key == "fsize" || key == "fetch" || key == "udp"
	}))
	report.want(t, "self", "crc", CRC32(image.Bytes()))
}

func TestProbeSurvivesMissingSecondFile(t *testing.T) {
	for _, m := range machines[:2] {
		t.Run(m.name, func(t *testing.T) {
			m.require(t)
			image, folder := prepare(t, m, Params{EchoPort: echo(t), Second: "missing.bin"})
			report := reportOf(t, m.boot(t, folder, image.File, "", warp...))
			report.want(t, "fetch", "size", "0", "crc", "00000000", "name", "missing.bin")
			report.want(t, "udp", "data", "ECHO:"+testNonce)
			if st := report.find(t, "fetch")["st"]; strings.Trim(st, "0") == "" {
				t.Errorf("fetching a missing file has status %s", st)
			}
		})
	}
}

func TestProbeReturnsToTheFirmware(t *testing.T) {
	const goesOn = "No bootable device." // SeaBIOS, when the last of its boot devices came back
	m := machines[0]
	m.require(t)
	image, folder := prepare(t, m, Params{Flags: FlagReturn})
	report := reportOf(t, m.boot(t, folder, image.File, goesOn, warp...))
	report.want(t, "self", "crc", CRC32(patched(t, image, folder)))
}

func TestProbeChainsTheSecondFile(t *testing.T) {
	const secondNonce = "nonce-of-stage-2"
	m := machines[0]
	m.require(t)
	image, folder := prepare(t, m, Params{Flags: FlagChain, Second: "stage2.0"})
	stage2, err := image.Patch(Params{Nonce: secondNonce})
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder, "stage2.0", stage2)
	report := reportOf(t, m.boot(t, folder, image.File, "", warp...))
	report.want(t, "probe", "nonce", testNonce)
	report.want(t, "chain", "server", "10.0.2.2", "name", "stage2.0")
	at := slices.IndexFunc(report, func(l Line) bool { return l.Key == "chain" })
	rest := report[at+1:]
	rest.want(t, "probe", "nonce", secondNonce)
	rest.want(t, "self", "crc", CRC32(stage2))
	rest.find(t, "end")
}
