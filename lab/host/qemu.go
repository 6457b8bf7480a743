package host

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
)

// OldestQEMU is the first release with -netdev dgram, which is how every guest NIC is plugged in.
const OldestQEMU = "7.2"

// emulators finds the system emulators on $PATH.
func (m machine) emulators(ctx context.Context) []QEMU {
	var out []QEMU
	for _, arch := range []string{"x86_64", "i386", "aarch64"} {
		path := m.emulator("qemu-system-" + arch)
		if path == "" {
			continue
		}
		text, err := m.version(ctx, path)
		if err != nil {
			text = ""
		}
		out = append(out, QEMU{Arch: arch, Path: path, Version: parseVersion(text)})
	}
	return out
}

// emulator finds one binary. Debian's qemu-system-i386 is a shell script around the real one in
// /usr/libexec: the real one is wanted, because signals and process ids must be the emulator's.
func (m machine) emulator(name string) string {
	for dir := range strings.SplitSeq(m.getenv("PATH"), ":") {
		path := filepath.Join(dir, name)
		if !filepath.IsAbs(path) || !m.executable(path) {
			continue
		}
		if !strings.HasPrefix(m.read(path), "#!") {
			return path
		}
		if wrapped := filepath.Join("/usr/libexec", name); m.executable(wrapped) {
			return wrapped
		}
		return path
	}
	return ""
}

var versionLine = regexp.MustCompile(`QEMU emulator version (\d{1,4}(?:\.\d{1,6}){1,3})`)

// parseVersion takes the number out of "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)".
func parseVersion(text string) string {
	match := versionLine.FindStringSubmatch(text)
	if match == nil {
		return ""
	}
	return match[1]
}
