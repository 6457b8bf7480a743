package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNoRoomForNamespaces(t *testing.T) {
	need(t)
	out, _ := run(t, Options{Args: []string{"full"}})
	for _, want := range []string{"no space left on device", "user.max_net_namespaces is 0", "sudo sysctl -w user.max_net_namespaces="} {
		if !strings.Contains(out, want) {
			t.Errorf("the error lacks %q: %s", want, out)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		errno   syscall.Errno
		sysctls string // name=value ...
		want    string
	}{
		{syscall.ENOSPC, "user.max_user_namespaces=0", "run: sudo sysctl -w user.max_user_namespaces=15000"},
		{syscall.ENOSPC, "user.max_user_namespaces=3", "used up (user.max_user_namespaces is 3)"},
		{syscall.EPERM, "kernel.apparmor_restrict_unprivileged_userns=1", "AppArmor profile"},
		{syscall.EACCES, "kernel.apparmor_restrict_unprivileged_userns=1", "AppArmor profile"},
		{syscall.EPERM, "kernel.unprivileged_userns_clone=0", "run: sudo sysctl -w kernel.unprivileged_userns_clone=1"},
		{syscall.EPERM, "kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0", "seccomp"},
		{syscall.EINVAL, "", "CONFIG_USER_NS"},
		{syscall.EOPNOTSUPP, "", "modprobe bridge"},
	} {
		t.Run(fmt.Sprintf("%v/%s", c.errno, c.sysctls), func(t *testing.T) {
			dir := t.TempDir()
			for _, s := range strings.Fields(c.sysctls) {
				name, value, _ := strings.Cut(s, "=")
				file := filepath.Join(dir, strings.ReplaceAll(name, ".", "/"))
				os.MkdirAll(filepath.Dir(file), 0o755)
				if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := explain(&os.PathError{Op: "fork/exec", Path: "/proc/self/exe", Err: c.errno}, dir)
			if refused := (*Refused)(nil); !errors.As(err, &refused) || !errors.Is(err, c.errno) {
				t.Fatalf("got %v, want a *Refused that wraps %v", err, c.errno)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want it to say %q", err, c.want)
			}
		})
	}
	if err := explain(syscall.ENOMEM, t.TempDir()); !errors.Is(err, syscall.ENOMEM) {
		t.Errorf("ENOMEM became %v", err)
	}
}
