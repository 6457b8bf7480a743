package host

import (
	"math"
	"regexp"
	"slices"
	"testing"
)

func TestDistro(t *testing.T) {
	for text, want := range map[string]string{
		"ID=debian\n":                             "debian",
		"# ID=fedora\nID=\"ubuntu\"\n":            "ubuntu",
		"ID=linuxmint\nID_LIKE=\"ubuntu debian\"": "ubuntu",
		"ID=manjaro\nID_LIKE=arch":                "arch",
		"ID=rocky\nID_LIKE='rhel centos fedora'":  "",
		"ID=":                                     "",
		"":                                        "",
	} {
		if got := parseOSRelease(text); got != want {
			t.Errorf("os-release %q is %q, want %q", text, got, want)
		}
	}
}

func TestCores(t *testing.T) {
	cases := []struct {
		name  string
		files map[string]string
		want  int
	}{
		{"no limit", nil, 8},
		{"version 2, 2.5 cores", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "250000 100000\n"}, 2},
		{"version 2, half a core", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n"}, 1},
		{"version 2, limit above", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.max": "300000 100000\n"}, 3},
		{"version 1", map[string]string{"proc/self/cgroup": "2:cpu,cpuacct:/a\n", "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "400000\n", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n"}, 4},
		{"version 1, only the container's root is visible", map[string]string{"proc/self/cgroup": "2:cpu:/docker/0123\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 1},
		{"more than there are", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "6400000 100000\n"}, 8},
		{"nonsense", map[string]string{"proc/self/cgroup": "0:/\n::\n0::relative\n0::/\n", "sys/fs/cgroup/cpu.max": "0 0\n"}, 8},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := layout(c.files).usableCores(); got != c.want {
				t.Errorf("%d cores, want %d", got, c.want)
			}
		})
	}
}

func TestFreeMemory(t *testing.T) {
	files := map[string]string{
		"proc/meminfo": "MemTotal: 9999999 kB\nMemAvailable:    2097152 kB\n", "proc/self/cgroup": "0::/a\n",
		"sys/fs/cgroup/a/memory.max": "1073741824\n", "sys/fs/cgroup/a/memory.current": "1073741824\n",
		"sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 536870912\n",
	}
	if got := layout(files).freeMiB(); got != 512 {
		t.Errorf("%d MiB free, want the 512 that the full control group's idle cache gives back", got)
	}
	delete(files, "sys/fs/cgroup/a/memory.stat")
	if got := layout(files).freeMiB(); got != 0 {
		t.Errorf("%d MiB free in a full control group, want 0", got)
	}
	delete(files, "proc/self/cgroup")
	if got := layout(files).freeMiB(); got != 2048 {
		t.Errorf("%d MiB free without a control group, want 2048", got)
	}
}

func TestVersion(t *testing.T) {
	for text, want := range map[string]string{
		"QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright": "7.2.22",
		"QEMU emulator version 10.1":         "10.1",
		"QEMU emulator version 9.1.93-dirty": "9.1.93",
		"qemu-img version 7.2.0":             "",
		"":                                   "",
	} {
		if got := parseVersion(text); got != want {
			t.Errorf("version of %q is %q, want %q", text, got, want)
		}
	}
}

// FuzzFacts feeds the parsers of the system's own small files.
func FuzzFacts(f *testing.F) {
	f.Add("ID=debian\nMemAvailable: 5 kB\nmodel name : x\nQEMU emulator version 7.2.22\n", "150000 100000")
	f.Add("ID_LIKE='arch'\nMemAvailable: -5 kB\ninactive_file 9\n", "max 100000")
	f.Add("0::/../..\n1:cpu,memory:/a/../b", "-1 0")
	f.Fuzz(func(t *testing.T, text, numbers string) {
		if d := parseOSRelease(text); !slices.Contains([]string{"debian", "ubuntu", "fedora", "arch", ""}, d) {
			t.Errorf("distribution %q", d)
		}
		if v := parseVersion(text); v != "" && !regexp.MustCompile(`^[0-9.]+$`).MatchString(v) {
			t.Errorf("version %q", v)
		}
		if n := memAvailable(text); n < 0 {
			t.Errorf("%d bytes available", n)
		}
		if s := share(numbers, numbers); s <= 0 || math.IsNaN(s) {
			t.Errorf("share %v", s)
		}
		m := layout(map[string]string{"proc/self/cgroup": text, "proc/meminfo": text, "sys/fs/cgroup/cpu.max": numbers,
			"sys/fs/cgroup/memory.max": numbers, "sys/fs/cgroup/memory.stat": text})
		if c := m.usableCores(); c < 1 || c > m.cores {
			t.Errorf("%d cores of %d", c, m.cores)
		}
		if n := m.freeMiB(); n < 0 {
			t.Errorf("%d MiB free", n)
		}
		_ = cpuModel(text)
	})
}
