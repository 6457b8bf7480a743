package host

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// usableCores is the scheduling affinity, narrowed by the CPU quota of every control group around us.
func (m machine) usableCores() int {
	quota := math.Inf(1)
	for _, dir := range m.cgroupDirs("cpu") {
		if f := strings.Fields(m.read(filepath.Join(dir, "cpu.max"))); len(f) == 2 { // version 2: "max 100000"
			quota = min(quota, share(f[0], f[1]))
		}
		q, p := m.read(filepath.Join(dir, "cpu.cfs_quota_us")), m.read(filepath.Join(dir, "cpu.cfs_period_us"))
		quota = min(quota, share(q, p))
	}
	if quota < float64(m.cores) {
		return max(1, int(quota))
	}
	return m.cores
}

// share is quota by period, in cores; no limit ("max", -1 or nothing readable) is infinite.
func share(quota, period string) float64 {
	q, p := amount(quota), amount(period)
	if q == 0 || p == 0 {
		return math.Inf(1)
	}
	return float64(q) / float64(p)
}

// amount reads a count; what is no count, or a negative one, is zero.
func amount(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// freeMiB is the kernel's estimate of memory that can be used without swapping, narrowed by what is left of
// the memory limit of every control group around us. Zero means that it is not known.
func (m machine) freeMiB() int {
	free := memAvailable(m.read("/proc/meminfo"))
	for _, dir := range m.cgroupDirs("memory") {
		for _, names := range [][2]string{{"memory.max", "memory.current"}, {"memory.limit_in_bytes", "memory.usage_in_bytes"}} {
			limit := amount(m.read(filepath.Join(dir, names[0])))
			if limit == 0 {
				continue // "max", or not this version's file
			}
			used := amount(m.read(filepath.Join(dir, names[1])))
			used = max(0, used-idleCache(m.read(filepath.Join(dir, "memory.stat"))))
			free = min(free, max(0, limit-used))
		}
	}
	return int(free >> 20)
}

// memAvailable takes MemAvailable out of proc_meminfo(5), in bytes.
func memAvailable(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 && kib > 0 {
			return min(kib, math.MaxInt64>>10) << 10
		}
	}
	return 0
}

// idleCache is the part of a control group's use that the kernel gives back on demand, in bytes.
func idleCache(stat string) int64 {
	var group, tree int64
	for line := range strings.Lines(stat) {
		_, _ = fmt.Sscanf(line, "inactive_file %d", &group)
		_, _ = fmt.Sscanf(line, "total_inactive_file %d", &tree) // version 1, with its subgroups
	}
	return max(0, group, tree)
}

// cgroupDirs lists the directories of the control groups this process is in for a controller, from its own up
// to the root of each hierarchy. In a container whose own path is not visible, only the root is, and holds
// the container's limits.
func (m machine) cgroupDirs(controller string) []string {
	var out []string
	for line := range strings.Lines(m.read("/proc/self/cgroup")) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // cgroups(7): number, controllers, path
		if len(f) != 3 || !filepath.IsAbs(f[2]) {
			continue
		}
		mount := "/sys/fs/cgroup"
		if f[1] != "" {
			if !strings.Contains(","+f[1]+",", ","+controller+",") {
				continue
			}
			mount = filepath.Join(mount, controller)
		}
		for dir := filepath.Clean(f[2]); ; dir = filepath.Dir(dir) {
			out = append(out, filepath.Join(mount, dir))
			if dir == "/" {
				break
			}
		}
	}
	return out
}
