package host

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bzImage is the head of a kernel that says it is of this release.
func bzImage(release string) string {
	head := make([]byte, 0x400+256)
	copy(head[atMagic:], "HdrS")
	binary.LittleEndian.PutUint16(head[atProtocol:], 0x020f)
	binary.LittleEndian.PutUint16(head[atVersion:], 0x200)
	binary.LittleEndian.PutUint16(head[atXLoad:], 0x3f)
	copy(head[0x400:], release+" (builder@host) #1 SMP Debian 6.1\x00")
	return string(head)
}

// with changes two octets of a head.
func with(head string, at int, value uint16) string {
	b := []byte(head)
	binary.LittleEndian.PutUint16(b[at:], value)
	return string(b)
}

func TestKernelRelease(t *testing.T) {
	good := bzImage("6.1.0-25-cloud-amd64")
	for name, c := range map[string]struct{ head, want string }{
		"whole":                     {good, "6.1.0-25-cloud-amd64"},
		"empty":                     {"", ""},
		"cut in the header":         {good[:atXLoad], ""},
		"cut before the text":       {good[:0x400], ""},
		"text without end":          {good[:0x404], ""},
		"no magic":                  {with(good, atMagic, 0), ""},
		"an old protocol":           {with(good, atProtocol, 0x020b), ""},
		"a 32-bit kernel":           {with(good, atXLoad, 0), ""},
		"text behind the head":      {with(good, atVersion, 0xffff), ""},
		"a release that is a path":  {bzImage("../../etc"), ""},
		"a program for another CPU": {"MZ" + strings.Repeat("\x00", 1000), ""},
	} {
		if got := kernelRelease([]byte(c.head)); got != c.want {
			t.Errorf("%s: release %q, want %q", name, got, c.want)
		}
	}
}

func FuzzKernelRelease(f *testing.F) {
	f.Add([]byte(bzImage("6.1.0-25-cloud-amd64")))
	f.Add([]byte(with(bzImage("6.1.0"), atVersion, 0x480)))
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if r := kernelRelease(head); strings.ContainsAny(r, "/ \x00") {
			t.Errorf("release %q cannot be part of a path", r)
		}
	})
}

// Which kernel is taken of those that are there.
func TestKernel(t *testing.T) {
	const cache = "/home/me/.cache/pxelab"
	files := map[string]string{
		"named/boot/vmlinuz-6.12":                                bzImage("6.12.0"),
		cache[1:] + "/kernel-6.1.0-24/boot/vmlinuz-6.1.0-24":     bzImage("6.1.0-24"),
		cache[1:] + "/kernel-6.1.0-25/boot/vmlinuz-6.1.0-25":     bzImage("6.1.0-25"),
		"boot/vmlinuz-5.10.0":                                    bzImage("5.10.0"),
		"boot/vmlinuz-linux":                                     "no kernel",
		"lib/modules/5.10.0/kernel/drivers/net/virtio_net.ko.xz": "module",
		"lib/modules/5.10.0/kernel/drivers/virtio/virtio.ko":     "module",
		"lib/modules/5.10.0/kernel/drivers/net/other.ko":         "module",
	}
	named := ""
	find := func(cached string) string {
		m := layout(files)
		m.cache = cached
		env := m.getenv
		m.getenv = func(name string) string {
			if name == KernelEnv {
				return named
			}
			return env(name)
		}
		k, ok := m.kernel()
		if !ok {
			return "none"
		}
		if k.Version == "5.10.0" && !slices.Equal(k.Modules, []string{"/lib/modules/5.10.0/kernel/drivers/virtio/virtio.ko",
			"/lib/modules/5.10.0/kernel/drivers/net/virtio_net.ko.xz"}) {
			t.Errorf("modules %v", k.Modules)
		}
		return k.Version + " " + k.Path
	}
	if got := find(cache); got != "6.1.0-25 "+cache+"/kernel-6.1.0-25/boot/vmlinuz-6.1.0-25" {
		t.Errorf("with a cache: %s", got)
	}
	if got := find(""); got != "5.10.0 /boot/vmlinuz-5.10.0" {
		t.Errorf("without a cache: %s", got)
	}
	named = "/named"
	if got := find(cache); got != "6.12.0 /named/boot/vmlinuz-6.12" {
		t.Errorf("with %s=%s: %s", KernelEnv, named, got)
	}
	named = "/elsewhere" // what the user names is meant, and nothing else
	if got := find(cache); got != "none" {
		t.Errorf("with %s=%s: %s", KernelEnv, named, got)
	}
}

// TestFetchedKernel reads the kernel that scripts/fetch-kernel.sh fetched, if it did.
func TestFetchedKernel(t *testing.T) {
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	m := layout(nil)
	m.root, m.cache = os.DirFS("/"), filepath.Join(dir, "pxelab")
	found, _ := filepath.Glob(m.cache + "/kernel-*")
	if len(found) == 0 {
		t.Skip("no kernel was fetched: run scripts/fetch-kernel.sh")
	}
	k, ok := m.kernel()
	if !ok || filepath.Base(k.Path) != "vmlinuz-"+k.Version || len(k.Modules) == 0 {
		t.Errorf("of %v this was read: %+v", found, k)
	}
}
