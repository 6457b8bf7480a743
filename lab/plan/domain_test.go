package plan_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/tests/golden"
)

// atPlace is where the domains of these tests are started.
var atPlace = plan.Place{Domain: "pxelab-<lab>-guest", UUID: "01234567-89ab-4def-8123-456789abcdef", Dir: `/tmp/a "run" & more`,
	Here: "127.0.0.1", Frames: 40001, Console: 40002}

// TestDomains plans for libvirt: the text with its reasons, and the XML of each guest, which is what libvirt's schema allows.
func TestDomains(t *testing.T) {
	for name, c := range map[string]struct{ topology, uri string }{
		"libvirt-trio":        {"firmware-trio", "qemu:///system"},
		"libvirt-trio-remote": {"firmware-trio", "qemu+tcp://192.0.2.9/system"},
		"libvirt-nic-models":  {"nic-models", "qemu:///session"},
		"libvirt-usb-adapter": {"usb-adapter", "qemu:///session"},
		"libvirt-ipxe-rom":    {"http-ipxe", "qemu:///session"},
		"libvirt-no-uuid":     {"identity-no-uuid", "qemu:///session"},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := plan.ParseConnect(c.uri)
			if err != nil {
				t.Fatal(err)
			}
			p, err := plan.New(load(t, "../../topologies/"+c.topology+".yaml"), debian(), plan.Options{Hypervisor: h})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := p.WriteText(&got); err != nil {
				t.Fatal(err)
			}
			for _, g := range p.Guests {
				text := g.DomainXML(atPlace)
				got.WriteString("\n" + text)
				valid(t, text)
			}
			golden.Check(t, filepath.Join("testdata", "domains", name+".golden"), got.String())
			roundTrip(t, p)
		})
	}
}

// valid holds a domain to XML and, where the host has it, to libvirt's schema.
func valid(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
	}
	const schema = "/usr/share/libvirt/schemas/domain.rng"
	if _, err := os.Stat(schema); err != nil {
		return
	}
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		return
	}
	cmd := exec.Command(xmllint, "--noout", "--relaxng", schema, "-")
	cmd.Stdin = strings.NewReader(strings.Replace(text, "pxelab-&lt;lab&gt;-guest", "guest", 1)) // nobody can name a lab so
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("libvirt's schema does not allow it: %s\n%s", out, text)
	}
}

// A boot in real time has no instruction counter, and the plan's own guest keeps it.
func TestDomainInRealTime(t *testing.T) {
	p, err := plan.New(load(t, "../../topologies/bios-only.yaml"), debian(), plan.Options{Hypervisor: &plan.Hypervisor{Transport: "unix"}})
	if err != nil {
		t.Fatal(err)
	}
	if text := p.Guests[0].InRealTime().DomainXML(atPlace); strings.Contains(text, "icount") || !strings.Contains(text, "</domain>") {
		t.Errorf("in real time:\n%s", text)
	}
	if text := p.Guests[0].DomainXML(atPlace); !strings.Contains(text, `<qemu:arg value="-icount"/><qemu:arg value="shift=`) {
		t.Errorf("warped:\n%s", text)
	}
}

// What is on the daemon's host, this host cannot prove, nor lend.
func TestRemoteHypervisor(t *testing.T) {
	far, err := plan.ParseConnect("qemu+ssh://lab@box.example/system")
	if err != nil {
		t.Fatal(err)
	}
	trio := load(t, "../../topologies/firmware-trio.yaml")
	p, err := plan.New(trio, debian(), plan.Options{Hypervisor: far})
	if err != nil || p.Clock.Value != "real" || p.Accel.Value != "tcg" {
		t.Errorf("clock %+v, accel %+v (%v)", p.Clock, p.Accel, err)
	}
	p, err = plan.New(trio, debian(), plan.Options{Hypervisor: far, Accel: "kvm"})
	if err != nil || p.Accel.Value != "kvm" || !strings.Contains(p.Guests[0].DomainXML(atPlace), `<domain type="kvm"`) {
		t.Errorf("accel %+v (%v)", p.Accel, err)
	}
	near, err := plan.ParseConnect("qemu+tcp://127.0.0.1:5000/system")
	if err != nil {
		t.Fatal(err)
	}
	if p, err = plan.New(trio, debian(), plan.Options{Hypervisor: near}); err != nil || p.Clock.Value != "warp" {
		t.Errorf("clock %+v (%v)", p.Clock, err)
	}
	_, err = plan.New(load(t, "../../topologies/usb-adapter.yaml"), debian(), plan.Options{Hypervisor: far})
	if !errors.Is(err, plan.ErrHost) || !strings.Contains(err.Error(), "USB stick is a file of this host") {
		t.Errorf("a stick on another host: %v", err)
	}
}

func TestParseConnect(t *testing.T) {
	for uri, want := range map[string]plan.Hypervisor{
		"qemu:///session":                          {Driver: "qemu:///session", Transport: "unix"},
		"qemu+unix:///system?socket=/tmp/a%20sock": {Driver: "qemu:///system", Transport: "unix", Socket: "/tmp/a sock"},
		"qemu+tcp://[::1]:99/system":               {Driver: "qemu:///system", Transport: "tcp", Host: "::1", Port: 99},
		"qemu+ssh://me@box:22/session?keyfile=/k&no_verify=1&command=/bin/ssh": {Driver: "qemu:///session", Transport: "ssh", User: "me",
			Host: "box", Port: 22, KeyFile: "/k", NoVerify: true, Command: "/bin/ssh"},
	} {
		want.URI = uri
		if got, err := plan.ParseConnect(uri); err != nil || *got != want {
			t.Errorf("%s: %+v, %v; want %+v", uri, got, err, want)
		}
	}
	for uri, want := range map[string]string{
		"xen:///system":                "its driver is \"xen\"",
		"qemu":                         "its driver is \"\"",
		"qemu:///here":                 `it ends in "/here"`,
		"qemu://box/system":            "TLS is not spoken here, ssh is",
		"qemu+tls://box/system":        "TLS is not spoken here, ssh is",
		"qemu+unix://box/system":       "a unix socket has no host",
		"qemu+libssh2://box/system":    `its transport is "libssh2"`,
		"qemu+ssh:///system":           "it names no host",
		"qemu+tcp://box:70000/system":  "70000 is no port",
		"qemu:///system?pkipath=/etc/": `its parameter "pkipath" is not known`,
		"qemu+ssh://a b/system":        "invalid character",
	} {
		if _, err := plan.ParseConnect(uri); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "qemu:///session") {
			t.Errorf("%s: %v, want %q and what to use", uri, err, want)
		}
	}
}
