package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/server"
)

func serveCommand() *cobra.Command {
	var config, messages, ifname string
	var sure bool
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Run our PXE servers on a real interface, outside any lab",
		Long: `Run our DHCP, proxyDHCP, boot, BOOTP and TFTP servers as FILE (JSON) says, on
one interface, which FILE or --interface names. Each decision is written with
its reason as a JSON line. Inside a lab the very same servers run; on a real
interface they answer real machines.

It refuses the interface of the default route: a second DHCP server there takes
the machines of everybody on that network down. A proxyDHCP service (no dhcp,
no bootp in FILE) hands out no address.`,
		Example: `  pxelab plan topologies/proxy-beside-dhcp.yaml --json > plan.json
  jq '.services[1].server' plan.json > proxy.json   # to start from
  pxelab serve --config proxy.json --interface enp3s0`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file")
	cmd.Flags().StringVar(&ifname, "interface", "", "the interface to serve, in place of the one that FILE names")
	cmd.Flags().BoolVar(&sure, consent, false, "serve the interface of the default route, too")
	cmd.Flags().StringVar(&messages, "messages", "", "where decisions are written, one JSON object a line (default: standard output)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if config == "" {
			return errors.New("serve: no configuration: name one with --config (see pxelab serve --help)")
		}
		in, err := os.Open(config)
		if err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		defer in.Close()
		out := os.Stdout
		if messages != "" {
			if out, err = os.OpenFile(messages, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644); err != nil {
				return fmt.Errorf("serve: %w", err)
			}
			defer out.Close()
		}
		err = server.Main(cmd.Context(), in, out, func(c *server.Config) error {
			if ifname != "" {
				c.Interface = ifname
			}
			return refuseDefaultRoute(c.Interface, sure)
		})
		if err != nil {
			return fmt.Errorf("serve %s: %w", config, err)
		}
		return nil
	}
	return cmd
}

// consent is the flag that lets a command speak on the interface of the default route.
const consent = "i-am-sure-this-network-is-mine"

// refuseDefaultRoute keeps a command from speaking DHCP on the network that this machine lives on.
func refuseDefaultRoute(ifname string, sure bool) error {
	if sure || ifname == "" { // which the server itself refuses, with all else that is wrong
		return nil
	}
	is, err := server.HasDefaultRoute(ifname)
	if err != nil || !is {
		return err
	}
	return fmt.Errorf("interface %q has the default route, so other people's machines may be on that network: use another interface, or say --%s", ifname, consent)
}
