package main

import (
	"errors"
	"os"

	"github.com/pxelab/pxelab/lab/plan"
)

// hypervisorFlag and connectFlag are the two flags that say who runs the guests. Either may come first.
type (
	hypervisorFlag struct {
		o     *plan.Options
		value string
	}
	connectFlag struct {
		o    *plan.Options
		name *hypervisorFlag
	}
)

func (f *hypervisorFlag) String() string { return f.value }
func (f *hypervisorFlag) Type() string   { return "name" }

func (f *hypervisorFlag) Set(value string) (err error) {
	f.value = value
	switch {
	case value == "qemu" && f.o.Hypervisor != nil:
		return errors.New("--connect is for libvirt; leave one of the two out")
	case value == "qemu", value == "libvirt" && f.o.Hypervisor != nil:
		return nil
	case value == "libvirt":
		f.o.Hypervisor, err = plan.ParseConnect(defaultConnect())
		return err
	}
	return errors.New("use qemu or libvirt")
}

func (f *connectFlag) String() string {
	if f.o == nil || f.o.Hypervisor == nil {
		return ""
	}
	return f.o.Hypervisor.URI
}
func (f *connectFlag) Type() string { return "URI" }

func (f *connectFlag) Set(uri string) (err error) {
	if f.name.value == "qemu" {
		return errors.New("--hypervisor qemu has no daemon to connect to; leave one of the two out")
	}
	f.o.Hypervisor, err = plan.ParseConnect(uri)
	return err
}

// defaultConnect is the daemon that libvirt's own clients would talk to.
func defaultConnect() string {
	if uri := os.Getenv("LIBVIRT_DEFAULT_URI"); uri != "" {
		return uri
	}
	if os.Geteuid() == 0 {
		return "qemu:///system"
	}
	return "qemu:///session"
}
