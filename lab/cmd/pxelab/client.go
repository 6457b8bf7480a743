package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/server/bis"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

func clientCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:   "client --interface IF",
		Short: "Be a PXE client, and check what the servers answer",
		Long: `Walk through one PXE boot on an interface, as firmware does, and print what
each server said at each step and what is wrong with it: by PXE 2.1, by the
RFCs, or for the firmware that is known to stumble over it.

The client has a MAC and an address of its own making: neither the addresses
nor the routes of this host are used or changed. The address it was leased is
given back. A file whose answer has tags 1 to 5 of option 43 is had by multicast
(MTFTP), and by TFTP if no MTFTP server answers.

With --bis it is a machine with Boot Integrity Services, which no firmware of
today has: it starts no boot program but one that was signed for a certificate
in one of these files.

Exit status 0: there is a boot program, and no problem was found.`,
		Example: `  pxelab client --interface br0 --arch efi-x64
  pxelab client --interface br0 --as ipxe --arch bios --item 0x8001 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.ifname, "interface", "", "interface to be on")
	fl.StringArrayVar(&f.archs, "arch", []string{"bios"}, "architecture, by name or number, in order of preference; may be repeated")
	fl.StringVar(&f.as, "as", "", "speak as ipxe or as edk2 does, not as PXE 2.1 says")
	fl.StringVar(&f.mac, "mac", "", "MAC to have (default: the interface's own)")
	fl.StringVar(&f.uuid, "uuid", "", "UUID to have (default: none, which is sent as zeros)")
	fl.StringVar(&f.item, "item", "", "boot server type to pick from a menu (default: the first item's)")
	fl.BoolVar(&f.inform, "inform", false, "ask boot servers with DHCPINFORM, not DHCPREQUEST")
	fl.BoolVar(&f.http, "http", false, "be a UEFI HTTP boot client")
	fl.BoolVar(&f.bootp, "bootp", false, "be a BOOTP client, which knows nothing of DHCP")
	fl.IntVar(&f.offers, "offers", 0, "stop waiting for offers when there are so many (default: wait as long as PXE 2.1 says)")
	fl.StringArrayVar(&f.bis, "bis", nil, "check boot programs (BIS): a PEM file of certificates to trust; may be repeated")
	f.mtftp.add(fl)
	fl.BoolVar(&f.json, "json", false, "as JSON, with every packet")
	fl.BoolVar(&f.mine, consent, false, "also on the interface of this host's default route")
	return cmd
}

type clientFlags struct {
	ifname, as, mac, uuid, item string
	archs, bis                  []string
	http, bootp, inform         bool
	json, mine                  bool
	offers                      int
	mtftp                       mtftpFlags
}

func (f *clientFlags) run(cmd *cobra.Command) error {
	cfg, err := f.config()
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	pick, err := f.pick()
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if err := refuseDefaultRoute(f.ifname, f.mine); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	c, err := pxeclient.New(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	walk, err := c.Boot(cmd.Context(), pick)
	if walk.Lease != nil && !f.bootp {
		_ = c.Release() // an address that is not given back is lost for as long as it was leased
	}
	if broke := (*os.PathError)(nil); errors.As(err, &broke) || cmd.Context().Err() != nil {
		return err // of the interface, or of the user; all else is the servers'
	}
	report := pxeclient.NewReport(walk, c.Trace())
	if f.json {
		if err := writeJSON(report); err != nil {
			return err
		}
	} else {
		printWalk(report)
	}
	if err != nil || len(report.Problems) > 0 {
		return errVerdict
	}
	return nil
}

func (f *clientFlags) config() (c pxeclient.Config, err error) {
	if f.ifname == "" {
		return c, errors.New("no interface: name one with --interface (ip link lists them)")
	}
	archs, err := parseArchs(f.archs)
	if err != nil {
		return c, err
	}
	switch f.as {
	case "":
		c = pxeclient.Config{UUID: &pxe.UUID{}}
	case "ipxe":
		c = pxeclient.LikeIPXE(archs[0])
	case "edk2":
		c = pxeclient.LikeEDK2(archs[0])
	default:
		return c, fmt.Errorf("--as %q: have ipxe and edk2", f.as)
	}
	if err := f.mtftp.set(&c.MTFTP, f.as); err != nil {
		return c, err
	}
	c.Interface, c.Archs, c.HTTP, c.BOOTP, c.Inform = f.ifname, archs, f.http, f.bootp, f.inform
	if f.mac != "" {
		if c.MAC, err = net.ParseMAC(f.mac); err != nil {
			return c, fmt.Errorf("--mac: %w", err)
		}
	}
	if f.uuid != "" {
		if *c.UUID, err = pxe.ParseUUID(f.uuid); err != nil {
			return c, fmt.Errorf("--uuid: %w", err)
		}
	}
	if c.Trust, err = readTrust(f.bis); err != nil {
		return c, fmt.Errorf("--bis: %w", err)
	}
	if f.offers > 0 {
		c.Enough = func(offers []*pxeclient.Reply) bool { return len(offers) >= f.offers }
	}
	return c, nil
}

// readTrust reads the certificates of PEM files; no files are no certificates.
func readTrust(files []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		certificates, err := bis.ParseCertificates(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, certificates...)
	}
	return all, nil
}

// parseArchs takes names, of which the first code is what firmware sends, and numbers of any base.
func parseArchs(texts []string) ([]pxe.Arch, error) {
	var all []pxe.Arch
	for _, text := range texts {
		if n, err := strconv.ParseUint(text, 0, 16); err == nil {
			all = append(all, pxe.Arch(n))
			continue
		}
		codes, err := pxe.ParseArch(text)
		if err != nil {
			return nil, fmt.Errorf("--arch: %w; or a number", err)
		}
		all = append(all, codes[0])
	}
	if all == nil {
		return nil, errors.New("--arch names none")
	}
	return all, nil
}

func (f *clientFlags) pick() (pxeclient.Pick, error) {
	if f.item == "" {
		return pxeclient.FirstItem, nil
	}
	n, err := strconv.ParseUint(f.item, 0, 16)
	if err != nil {
		return nil, fmt.Errorf("--item %q is no boot server type (0 to 65535)", f.item)
	}
	return func(m pxeclient.Menu) (pxe.MenuItem, error) {
		for _, i := range m.Items {
			if i.Type == pxe.ServerType(n) {
				return i, nil
			}
		}
		return pxe.MenuItem{}, fmt.Errorf("the menu has no item of type %#x", n)
	}, nil
}

func printWalk(r pxeclient.Report) {
	for _, s := range r.Steps {
		fmt.Printf("%-12s %s\n", s.Step, s.Text)
	}
	if r.End != "" {
		fmt.Printf("%-12s %s\n", "end", r.End)
	}
	for _, p := range r.Problems {
		fmt.Printf("%-12s %s: %s\n%13s%s, %s\n", "problem", p.Rule, p.Text, "", p.Section, r.Packets[p.Packet])
	}
}
