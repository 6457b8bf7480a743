package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/images"
)

// lay writes files below a folder.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// What the init writes, the judge's parser must read.
func TestReport(t *testing.T) {
	root := lay(t, map[string]string{
		"proc/cmdline":                      "quiet pxelab.nonce=OLD BOOTIF=01-52-54-00-70-78-01 pxelab.nonce=ABCDEFGH23456789\n",
		"proc/sys/kernel/osrelease":         "6.1.0 with blanks\n",
		"sys/firmware/efi/fw_platform_size": "32\n",
		"sys/class/dmi/id/product_uuid":     "70786c61-6200-4c61-8000-525400707801\n",
		"sys/class/net/lo/type":             "772\n",
		"sys/class/net/lo/address":          "00:00:00:00:00:00\n",
		"sys/class/net/eth0/type":           "1\n",
		"sys/class/net/eth0/address":        "52:54:00:70:78:01\n",
	})
	var out strings.Builder
	report(&out, root, []string{"module name=x.ko error=no_such_file"})
	want := `PXELAB-OS v1 kernel=6.1.0_with_blanks fw=efi32 nonce=ABCDEFGH23456789
PXELAB-OS module name=x.ko error=no_such_file
PXELAB-OS smbios uuid=70786c61-6200-4c61-8000-525400707801
PXELAB-OS nic name=eth0 mac=52:54:00:70:78:01
PXELAB-OS cmdline=quiet pxelab.nonce=OLD BOOTIF=01-52-54-00-70-78-01 pxelab.nonce=ABCDEFGH23456789
PXELAB-OS END
`
	if out.String() != want {
		t.Errorf("report:\n%s\nwant:\n%s", &out, want)
	}
	for line := range strings.Lines(out.String()) {
		if _, ok := images.ParseOSLine(strings.TrimSuffix(line, "\n")); !ok {
			t.Errorf("no reader understands %q", line)
		}
	}
}

// A machine that shows nothing of itself is still reported, as far as it goes.
func TestReportOfNothing(t *testing.T) {
	var out strings.Builder
	report(&out, t.TempDir(), nil)
	want := "PXELAB-OS v1 kernel= fw=bios nonce=\nPXELAB-OS smbios uuid=\nPXELAB-OS cmdline=\nPXELAB-OS END\n"
	if out.String() != want {
		t.Errorf("report:\n%s\nwant:\n%s", &out, want)
	}
}
