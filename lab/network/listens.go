package network

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Listens tells whether some program has a UDP port open on the host, or listens on a TCP port; proto is "udp" or
// "tcp". IPv4 and IPv6 sockets count alike.
func (h *Host) Listens(proto string, port int) (bool, error) {
	found := false
	err := h.Do(func() error {
		for _, family := range []string{"", "6"} {
			// By way of the thread: a number would have to be of the namespace that /proc was mounted for.
			table, err := os.ReadFile("/proc/thread-self/net/" + proto + family)
			if os.IsNotExist(err) && family == "6" {
				continue // a kernel without IPv6
			}
			if err != nil {
				return err
			}
			found = found || opened(string(table), proto, port)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for %s port %d on host %q: %w", proto, port, h.name, err)
	}
	return found, nil
}

// opened looks for a port in /proc/net/udp or /proc/net/tcp (proc(5)): its second column is address:port in hex, its
// fourth the state, of which 0A is a TCP socket that listens.
func opened(table, proto string, port int) bool {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 4 || proto == "tcp" && f[3] != "0A" {
			continue
		}
		_, hex, _ := strings.Cut(f[1], ":")
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
			return true
		}
	}
	return false
}
