package host

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// daemons are where programs lie that a user's PATH often leaves out.
var daemons = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// fetched are the folders of servers that scripts/fetch-server.sh has put into the cache: installed, they would serve
// the host itself. They come first: packages have programs of one name (in.tftpd).
func (m machine) fetched() []string {
	if m.cache == "" {
		return nil
	}
	found, _ := fs.Glob(m.root, filepath.Join(rel(m.cache), "servers", "*", "usr", "sbin")) // its only error is a bad pattern
	for i, dir := range found {
		found[i] = "/" + dir
	}
	return found
}

// commands finds programs by name, or by a path that has a slash; those that are missing are left out.
func (m machine) commands(names []string) map[string]string {
	found := map[string]string{}
	dirs := slices.Concat(m.fetched(), filepath.SplitList(m.getenv("PATH")), daemons)
	for _, name := range names {
		candidates := []string{name}
		if !strings.Contains(name, "/") {
			candidates = nil
			for _, dir := range dirs {
				candidates = append(candidates, filepath.Join(dir, name))
			}
		}
		for _, path := range candidates {
			if found[name] == "" && filepath.IsAbs(path) && m.executable(path) {
				found[name] = path
			}
		}
	}
	return found
}

// Install is what to do to get a package of the distribution, by its name in Debian; empty means that nobody knows
// which package it is.
func (h *Host) Install(pkg string) string {
	switch by := installers[h.Distro]; {
	case pkg == "":
		return "install it from your distribution"
	case h.Distro == "debian" || h.Distro == "ubuntu":
		return "run: " + by + pkg
	}
	return "install " + pkg + " (its name in Debian) from your distribution"
}
