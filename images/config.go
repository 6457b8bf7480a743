package images

import "fmt"

// ConfigFile gives a configuration file of a chain loader as a run serves it. The nonce travels through it: from here
// into the kernel's command line, from there into the report, which so proves that this run's file was obeyed.
func ConfigFile(file, nonce string) ([]byte, bool) {
	kernelArgs := kernelArgs + " pxelab.nonce=" + nonce
	switch file {
	case "pxelinux.cfg/default":
		return fmt.Appendf(nil, pxelinuxConfig, KernelFile, InitrdFile, kernelArgs), true
	case "grub/grub.cfg":
		return fmt.Appendf(nil, grubConfig, KernelFile, kernelArgs, InitrdFile), true
	case "linux.ipxe":
		return fmt.Appendf(nil, ipxeScript, KernelFile, kernelArgs, InitrdFile), true
	}
	return nil, false
}

// A kernel that panics stays so that it can be seen: panic=0. On a busy host the timer interrupts that it counts when it
// starts are late, and it would panic for want of a timer: no_timer_check.
const kernelArgs = "console=ttyS0,115200 loglevel=3 panic=0 no_timer_check"

// SYSAPPEND 3 adds ip= and BOOTIF=, the way installers learn which card they were booted from.
const pxelinuxConfig = `DEFAULT linux
LABEL linux
  KERNEL %s
  INITRD %s
  APPEND %s
  SYSAPPEND 3
`

// GRUB has no BOOTIF of its own, and writes MAC addresses with colons where every reader of BOOTIF expects dashes.
const grubConfig = `set timeout=0
regexp --set=1:a --set=2:b --set=3:c --set=4:d --set=5:e --set=6:f "(..):(..):(..):(..):(..):(..)" "$net_default_mac"
echo "PXELAB-GRUB platform=$grub_cpu-$grub_platform server=$net_default_server mac=$net_default_mac"
linux /%s %s BOOTIF=01-$a-$b-$c-$d-$e-$f
initrd /%s
boot
`

// Names in a script are relative to the script. In EFI the kernel finds its initrd by the name on its command line.
const ipxeScript = `#!ipxe
echo PXELAB-IPXE platform=${platform} arch=${buildarch} chip=${netX/chip}
kernel %s initrd=initrd.gz %s BOOTIF=01-${netX/mac:hexhyp}
initrd %s
boot
`
