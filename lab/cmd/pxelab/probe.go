package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server/advice"
)

func probeCommand() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe (--interface IF | --lab NAME)",
		Short: "Ask the boot servers as each kind of machine, and tell the traps",
		Long: `Ask the boot servers of a network as one kind of machine after the other, print
what each would be told, and which traps lie in that, with what to change.
Nothing boots: of a boot file no more than one block is taken, and then the
transfer is aborted.

All machines that it asks as have one MAC, of the range for private use. An
address is asked for only where the offers have a way to boot, and given back.
Of boot menus the first item is taken. URIs are not fetched. Over IPv6 (--ipv6)
it asks the routers to advertise themselves, and the DHCPv6 servers no more than
what they would offer: nothing is leased.

Exit status 0: no trap. 1: traps. 3: this host lets you send no raw packets.`,
		Example: `  pxelab probe --interface enp3s0
  pxelab probe --lab firmware-trio --arch efi-x64
  pxelab probe --interface enp3s0 --ipv6`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.ifname, "interface", "", "interface to be on")
	fl.StringVarP(&f.lab, "lab", "l", "", "ask in the network of a running lab")
	_ = cmd.RegisterFlagCompletionFunc("lab", completeLabs)
	fl.StringVar(&f.network, "network", "", "network of the lab (default: its first)")
	fl.StringArrayVar(&f.archs, "arch", nil, "architecture to ask as, by name or number; may be repeated (default: those in use)")
	fl.DurationVar(&f.wait, "wait", 2*time.Second, "how long to wait for answers, twice")
	fl.IntVar(&f.offers, "offers", 0, "stop waiting for offers when there are so many")
	fl.BoolVar(&f.ipv6, "ipv6", false, "also ask over IPv6, from the interface's link-local address")
	fl.BoolVar(&f.json, "json", false, "as JSON")
	fl.BoolVar(&f.mine, consent, false, "also on the interface of this host's default route")
	return cmd
}

type probeFlags struct {
	ifname, lab, network string
	archs                []string
	wait                 time.Duration
	offers               int
	json, mine, ipv6     bool
}

func (f *probeFlags) run(cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	askers, err := f.askers()
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if f.lab != "" {
		return f.enter(cmd)
	}
	if err := refuseDefaultRoute(f.ifname, f.mine); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	s := advice.Survey{Interface: f.ifname, MAC: privateMAC(), Wait: f.wait, Offers: f.offers}
	answers, err := s.Ask(cmd.Context(), askers)
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("probe: %w: be root, or have CAP_NET_RAW: %w", plan.ErrHost, err)
	}
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	report := advice.NewReport(s.MAC, answers)
	if f.ipv6 {
		six, err := s.Ask6(cmd.Context(), advice.Askers6())
		if err != nil {
			return fmt.Errorf("probe: %w", err)
		}
		report.Add(six)
	}
	if f.json {
		if err := writeJSON(report); err != nil {
			return err
		}
	} else {
		fmt.Print(folded(report.String(), widthOf(os.Stdout), 4))
	}
	if len(report.Traps) > 0 {
		return errVerdict
	}
	return nil
}

func (f *probeFlags) check() error {
	switch {
	case (f.ifname == "") == (f.lab == ""):
		return errors.New("name either an interface with --interface (ip link lists them) or a running lab with --lab")
	case f.network != "" && f.lab == "":
		return errors.New("--network is one of a lab's: name it with --lab")
	case f.wait <= 0 || f.wait > time.Minute:
		return fmt.Errorf("--wait %s is no time to wait; say 2s, or what is up to 1m", f.wait)
	case f.offers < 0:
		return fmt.Errorf("--offers %d is no number of offers", f.offers)
	}
	return nil
}

func (f *probeFlags) askers() ([]advice.Asker, error) {
	if f.archs == nil {
		return advice.Askers(), nil
	}
	archs, err := parseArchs(f.archs)
	if err != nil {
		return nil, err
	}
	var all []advice.Asker
	for _, a := range archs {
		all = append(all, advice.AskersOf(a)...)
	}
	return all, nil
}

// enter becomes the same command on the bridge of a lab's network.
func (f *probeFlags) enter(cmd *cobra.Command) error {
	nsenter, err := findNsenter()
	if err != nil {
		return err
	}
	c, err := control.Dial(f.lab)
	if err != nil {
		return err
	}
	info, err := c.Lab(cmd.Context())
	if err != nil {
		return err
	}
	planned, err := c.Plan(cmd.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(planned.Networks, func(n plan.Network) bool { return n.Name == f.network || f.network == "" })
	if i < 0 {
		return fmt.Errorf("probe: lab %s has no network %q (have %s)", info.Name, f.network, strings.Join(info.Networks, ", "))
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("probe: find this program: %w", err)
	}
	command := []string{self, "probe", "--interface", planned.Networks[i].Bridge, "--wait", f.wait.String(), "--offers", strconv.Itoa(f.offers), "--json=" + strconv.FormatBool(f.json), "--ipv6=" + strconv.FormatBool(f.ipv6)}
	for _, a := range f.archs {
		command = append(command, "--arch", a)
	}
	return fmt.Errorf("probe: %w", enter(nsenter, info.PID, os.Environ(), command))
}

// privateMAC makes a MAC that no card has: locally administered (IEEE 802-2014 clause 8.4), "pxe" in its middle.
func privateMAC() net.HardwareAddr {
	n := rand.Uint32() //nolint:gosec // no secret: it keeps two probes apart
	return net.HardwareAddr{0x02, 'p', 'x', 'e', byte(n >> 8), byte(n)}
}
