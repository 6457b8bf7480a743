package host

import (
	"io/fs"
	"path"
	"strings"
)

// libvirtSockets are where a daemon listens, by the URI that leads there, below a folder of sockets.
var libvirtSockets = []string{"libvirt/virtqemud-sock", "libvirt/libvirt-sock"}

// libvirt finds the daemons that --hypervisor libvirt could use. That a socket is there does not prove that one answers.
func (m machine) libvirt() Fact {
	session := m.getenv("XDG_RUNTIME_DIR")
	if session == "" {
		session = path.Join(m.getenv("HOME"), ".cache")
	}
	var found []string
	for _, d := range [][2]string{{"qemu:///system", "/run"}, {"qemu:///session", session}} {
		for _, socket := range libvirtSockets {
			at := path.Join(d[1], socket)
			if st, err := fs.Stat(m.root, rel(at)); err == nil && st.Mode()&fs.ModeSocket != 0 {
				found = append(found, d[0]+" at "+at)
				break
			}
		}
	}
	if len(found) == 0 {
		return Fact{}
	}
	return Fact{OK: true, Why: strings.Join(found, ", ")}
}
