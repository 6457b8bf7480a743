package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Refused is the answer of a host that does not allow what a sandbox needs.
type Refused struct {
	Err    error  // what was tried and the kernel's answer
	Reason string // why the kernel answered so
	Remedy string // what the user can do
}

func (r *Refused) Error() string { return fmt.Sprintf("%v: %s; %s", r.Err, r.Reason, r.Remedy) }

// Unwrap gives the kernel's answer.
func (r *Refused) Unwrap() error { return r.Err }

// refusal explains the kernel's answer where it is about namespaces, and gives any other error back.
func refusal(err error) error { return explain(err, "/proc/sys") }

// The limits on namespaces that a sandbox counts against, as sysctl names them.
var namespaceLimits = []string{"user.max_user_namespaces", "user.max_net_namespaces", "user.max_pid_namespaces",
	"user.max_mnt_namespaces", "user.max_ipc_namespaces", "user.max_uts_namespaces"}

func explain(err error, sysctls string) error {
	get := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(sysctls, strings.ReplaceAll(name, ".", "/")))
		return strings.TrimSpace(string(b))
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return overLimit(err, get)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return forbidden(err, get)
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS):
		return &Refused{err, "this kernel was built without one of the user, net, pid, mount, ipc and uts namespaces",
			"run a distribution kernel (CONFIG_USER_NS, CONFIG_NET_NS, CONFIG_PID_NS)"}
	case errors.Is(err, syscall.EOPNOTSUPP):
		return &Refused{err, "this kernel has no bridge driver", "run: sudo modprobe bridge"}
	}
	return err
}

// overLimit explains ENOSPC, which clone(2) gives not for disks but for a used up namespace limit.
func overLimit(err error, get func(string) string) error {
	for _, name := range namespaceLimits {
		if get(name) == "0" {
			return &Refused{err, name + " is 0", fmt.Sprintf("run: sudo sysctl -w %s=15000", name)}
		}
	}
	return &Refused{err, fmt.Sprintf("the limit on namespaces is used up (%s is %s), or they are nested too deep",
		namespaceLimits[0], get(namespaceLimits[0])), fmt.Sprintf("run: sudo sysctl -w %s=15000", namespaceLimits[0])}
}

func forbidden(err error, get func(string) string) error {
	if name := "kernel.apparmor_restrict_unprivileged_userns"; get(name) == "1" {
		return &Refused{err, "AppArmor keeps user namespaces from programs without a profile (" + name + " is 1)",
			fmt.Sprintf("give this program an AppArmor profile with the rule \"userns,\", or run: sudo sysctl -w %s=0", name)}
	}
	if name := "kernel.unprivileged_userns_clone"; get(name) == "0" {
		return &Refused{err, "user namespaces are for root only (" + name + " is 0)",
			fmt.Sprintf("run: sudo sysctl -w %s=1", name)}
	}
	return &Refused{err, "a security policy, a container's seccomp filter or a chroot forbids namespaces",
		"run outside the container or chroot, or start it with --privileged or --security-opt seccomp=unconfined"}
}
