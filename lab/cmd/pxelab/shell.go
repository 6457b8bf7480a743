package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/control"
)

func shellCommand() *cobra.Command {
	var service string
	cmd := &cobra.Command{
		Use:   "shell [-- COMMAND [ARG...]]",
		Short: "Run a shell, or a command, inside a lab's network",
		Long: `Run a shell, or a command, in the network namespace of a running lab, where its
bridges are; with --service in that of one service, where its eth0 is. The file
system is the host's.`,
		Example: `  pxelab shell -- ip addr
  pxelab shell --service boot -- tcpdump -ni eth0`,
	}
	name := labFlag(cmd)
	cmd.Flags().StringVarP(&service, "service", "s", "", "the service whose namespace to enter")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		nsenter, err := findNsenter()
		if err != nil {
			return err
		}
		c, err := control.Dial(*name)
		if err != nil {
			return err
		}
		info, err := c.Lab(cmd.Context())
		if err != nil {
			return err
		}
		pid := info.PID
		if service != "" {
			if pid, err = servicePID(info.PID, service); err != nil {
				return err
			}
		}
		if len(args) == 0 {
			args = []string{shellPath(), "-i"}
		}
		return fmt.Errorf("shell: %w", enter(nsenter, pid, append(os.Environ(), "PXELAB="+info.Name), args))
	}
	return cmd
}

// enter becomes a command in the user and network namespaces of a process. It returns only if that cannot be.
func enter(nsenter string, pid int, environ, command []string) error {
	argv := append([]string{nsenter, "-t", strconv.Itoa(pid), "-U", "-n", "--preserve-credentials", "--"}, command...)
	return fmt.Errorf("start nsenter: %w", syscall.Exec(nsenter, argv, environ))
}

// findNsenter finds the program that enters namespaces: this one cannot, having threads already.
func findNsenter() (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "nsenter")
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", errors.New("shell: nsenter is not installed; install the package util-linux")
}

func shellPath() string {
	if s := os.Getenv("SHELL"); s != "" {
		return s
	}
	return "/bin/sh"
}

// servicePID finds a service's process, as the host numbers it, among the descendants of the supervisor.
func servicePID(supervisor int, service string) (int, error) {
	var have []string
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", supervisor))
	for _, file := range children {
		list, _ := os.ReadFile(file)
		for _, word := range strings.Fields(string(list)) {
			environ, _ := os.ReadFile("/proc/" + word + "/environ")
			for variable := range strings.SplitSeq(string(environ), "\x00") {
				name, ok := strings.CutPrefix(variable, lab.ServiceVariable+"=")
				if !ok {
					continue
				}
				if name == service {
					return strconv.Atoi(word)
				}
				have = append(have, name)
			}
		}
	}
	return 0, fmt.Errorf("shell: no service %q runs in this lab (have %s)", service, strings.Join(have, ", "))
}
