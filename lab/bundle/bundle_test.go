package bundle

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
)

// small is a plan of one service and one guest, with a path that a shell would split.
func small() *plan.Plan {
	return &plan.Plan{Version: plan.Version, Name: "small",
		Services: []plan.Service{{Name: "boot", Files: []string{"probe-x64.efi", images.SecondFile},
			Server: &server.Config{TFTP: &server.TFTPConfig{}, Echo: &server.EchoConfig{Port: 7778}}}},
		Images: []plan.Image{{Name: "probe", File: "probe-x64.efi", Arch: "efi-x64"}, {Name: "second", File: images.SecondFile}},
		Guests: []plan.Guest{{Name: "x64", Arch: "efi-x64", Copies: []plan.Copy{{From: "/usr/share/it's here/vars.fd", To: "vars.fd"}},
			Argv: []plan.Arg{{Flag: "qemu-system-x86_64"}, {Flag: "-drive", Value: "file=${RUN}/vars.fd"},
				{Flag: "-chardev", Value: "socket,id=qmp,fd=4"}, {Flag: "-mon", Value: "chardev=qmp,mode=control"},
				{Flag: "-netdev", Value: "dgram,id=n0,local.type=fd,local.str=3"}}}},
	}
}

func TestBundleHoldsWhatIsServed(t *testing.T) {
	const nonce = "ABCDEFGHJKLMNPQR"
	b, err := Create(filepath.Join(t.TempDir(), "a", "bundle"), small(), nonce)
	if err != nil {
		t.Fatal(err)
	}
	served, err := b.ServedImages(small())
	if err != nil {
		t.Fatal(err)
	}
	if len(served) != 2 || served[1].CRC32 != images.CRC32(images.Second(nonce)) {
		t.Errorf("served %+v", served)
	}
	data, err := os.ReadFile(filepath.Join(b.TFTP("boot"), "probe-x64.efi"))
	if err != nil || !strings.Contains(string(data), nonce) || images.CRC32(data) != served[0].CRC32 {
		t.Errorf("the served image lacks the nonce, or its CRC is not %s (%v)", served[0].CRC32, err)
	}
	if err := b.WriteSums(small()); err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(b.TFTP("boot"), sumsFile))
	if err != nil || string(sums) != fmt.Sprintf("%s  probe-x64.efi\n%s  %s\n", served[0].SHA256, served[1].SHA256, images.SecondFile) {
		t.Errorf("checksums %q, %v", sums, err)
	}
	if p, _, err := Read(string(b)); p != nil || err == nil || !strings.Contains(err.Error(), "events.jsonl") {
		t.Errorf("a bundle without a log reads as %v, %v", p, err)
	}
}

// TestScriptByHand runs the script of a guest with a stand-in that prints its arguments.
func TestScriptByHand(t *testing.T) {
	dir := t.TempDir()
	p := small()
	p.Guests[0].Argv[0].Flag = "printf"
	p.Guests[0].Argv = append(p.Guests[0].Argv[:1], append([]plan.Arg{{Flag: "%s\n"}}, p.Guests[0].Argv[1:]...)...)
	p.Guests[0].Copies[0].From = filepath.Join(dir, "it's here")
	if err := os.WriteFile(p.Guests[0].Copies[0].From, []byte("store"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := Create(filepath.Join(dir, "bundle"), p, "ABCDEFGHJKLMNPQR")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(b.Guest("x64"), "qemu.sh"), "-more", "two words").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "-drive\nfile=./vars.fd\n-netdev\nuser,id=n0,net=192.0.2.0/24,tftp=../../tftp/boot,bootfile=probe-x64.efi\n-more\ntwo words\n"
	if string(out) != want {
		t.Errorf("the script runs\n%s\nwant\n%s", out, want)
	}
	if store, err := os.ReadFile(filepath.Join(b.Guest("x64"), "vars.fd")); string(store) != "store" {
		t.Errorf("the variable store is %q (%v)", store, err)
	}
}

func TestBundleLeavesNothingOnError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bundle")
	p := small()
	p.Services[0].Files = append(p.Services[0].Files, "unheard-of.efi")
	if _, err := Create(dir, p, "ABCDEFGHJKLMNPQR"); err == nil || !strings.Contains(err.Error(), "unheard-of.efi") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("half a bundle is left (%v)", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, small(), "ABCDEFGHJKLMNPQR"); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("a folder that exists: error %v, want one that names --out", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the folder that was there is gone: %v", err)
	}
}
