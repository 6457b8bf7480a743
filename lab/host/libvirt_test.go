package host

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

func TestLibvirt(t *testing.T) {
	socket := &fstest.MapFile{Mode: fs.ModeSocket}
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		env   map[string]string
		ok    bool
		why   string
	}{
		{"none", fstest.MapFS{}, nil, false, ""},
		{"left-over file", fstest.MapFS{"run/libvirt/libvirt-sock": {}}, nil, false, ""},
		{"system", fstest.MapFS{"run/libvirt/libvirt-sock": socket}, nil, true, "qemu:///system at /run/libvirt/libvirt-sock"},
		{"both, and the one for QEMU alone first", fstest.MapFS{"run/libvirt/libvirt-sock": socket, "run/libvirt/virtqemud-sock": socket, "run/user/7/libvirt/libvirt-sock": socket},
			map[string]string{"XDG_RUNTIME_DIR": "/run/user/7"}, true,
			"qemu:///system at /run/libvirt/virtqemud-sock, qemu:///session at /run/user/7/libvirt/libvirt-sock"},
		{"session without a runtime folder", fstest.MapFS{"home/me/.cache/libvirt/libvirt-sock": socket},
			map[string]string{"HOME": "/home/me"}, true, "qemu:///session at /home/me/.cache/libvirt/libvirt-sock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine{root: c.files, getenv: func(name string) string { return c.env[name] }}
			h := &Host{Libvirt: m.libvirt()}
			if h.Libvirt.OK != c.ok || h.Libvirt.Why != c.why {
				t.Errorf("%+v, want %v and %q", h.Libvirt, c.ok, c.why)
			}
			listed := slices.ContainsFunc(h.Checks(), func(x Check) bool { return x.Name == "libvirt" && x.OK && x.Found == c.why })
			if listed != c.ok {
				t.Errorf("the doctor lists it: %v, want %v", listed, c.ok)
			}
		})
	}
}
