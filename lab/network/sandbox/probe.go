package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

const probeWord = "__probe"

// Probe finds out whether this host lets this user make a sandbox with a bridge in it, by making one.
// It takes some 30 ms. Where the answer is no it gives a *Refused.
func Probe() error {
	var words bytes.Buffer
	p, err := Spawn(Options{Args: []string{probeWord}, Stderr: &words, Foreground: true})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err != nil {
		return fmt.Errorf("probe sandbox: %w", err)
	}
	if state.Success() {
		return nil
	}
	number, text, _ := strings.Cut(strings.TrimSpace(words.String()), " ")
	errno, err := strconv.Atoi(number)
	if err != nil || errno == 0 {
		return fmt.Errorf("probe sandbox: %v: %s", state, words.String())
	}
	return fmt.Errorf("probe sandbox: %w", refusal(&setupError{text, syscall.Errno(errno)}))
}

// probeMain runs inside: it makes a bridge and leaves it to the kernel to clean up.
func probeMain() int {
	err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "probe"}})
	if err == nil {
		return 0
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	fmt.Fprintf(os.Stderr, "%d add a bridge: %v\n", int(errno), err)
	return 1
}
