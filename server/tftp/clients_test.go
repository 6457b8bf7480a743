package tftp

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/tests/netns"
)

// TestClients downloads with the programs people use, files of the sizes where block arithmetic goes wrong.
func TestClients(t *testing.T) {
	sv := serve(t, Config{})
	sizes := []int{0, 1, 511, 512, 513, 1468, 3 * 1468, 1_000_003}
	var want [][]byte
	for _, n := range sizes {
		want = append(want, sv.put(fmt.Sprint("f", n), n))
	}
	port := fmt.Sprint(sv.at.Port())
	for name, command := range map[string]func(file, to string) []string{
		"curl": func(f, to string) []string {
			return []string{"-sS", "-o", to, "tftp://127.0.0.1:" + port + "/" + f}
		},
		"curl blksize": func(f, to string) []string {
			return []string{"-sS", "--tftp-blksize", "1468", "-o", to, "tftp://127.0.0.1:" + port + "/" + f}
		},
		"tftp":  func(f, to string) []string { return []string{"-m", "octet", "127.0.0.1", port, "-c", "get", f, to} },
		"atftp": func(f, to string) []string { return []string{"--get", "-r", f, "-l", to, "127.0.0.1", port} },
		"atftp blksize": func(f, to string) []string {
			return []string{"--option", "blksize 1428", "--option", "tsize", "--get", "-r", f, "-l", to, "127.0.0.1", port}
		},
		"atftp windowsize": func(f, to string) []string {
			return []string{"--option", "windowsize 8", "--option", "blksize 1428", "--get", "-r", f, "-l", to, "127.0.0.1", port}
		},
		"atftp timeout": func(f, to string) []string {
			return []string{"--option", "timeout 3", "--get", "-r", f, "-l", to, "127.0.0.1", port}
		},
		"busybox": func(f, to string) []string {
			return []string{"tftp", "-g", "-b", "1468", "-r", f, "-l", to, "127.0.0.1", port}
		},
	} {
		t.Run(name, func(t *testing.T) {
			program := netns.Program(t, strings.Fields(name)[0])
			for i, n := range sizes {
				to := filepath.Join(t.TempDir(), "got")
				if out, err := exec.Command(program, command(fmt.Sprint("f", n), to)...).CombinedOutput(); err != nil {
					t.Fatalf("%d octets: %v\n%s", n, err, out)
				}
				if got, err := os.ReadFile(to); n > 0 && (err != nil || !bytes.Equal(got, want[i])) {
					t.Errorf("%d octets: got %d, %v", n, len(got), err)
				}
				if d := <-sv.decisions; strings.Contains(name, "windowsize") && !strings.Contains(d.Reason, "windows of 8") {
					t.Errorf("granted %s", d.Reason)
				}
				sv.t = t
				if d := sv.expect("", OK, "transferred whole"); d.Bytes != int64(n) || d.Sent < int64(n)+4 || d.Resent == 0 && d.Sent > 2*int64(n)+4 {
					t.Errorf("%d octets: %d reported, %d on the wire", n, d.Bytes, d.Sent)
				}
			}
		})
	}
}

// TestBlockNumberWraps transfers more than 65535 blocks, one by one and in windows.
func TestBlockNumberWraps(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("34 MB in blocks of 512: not in short mode, nor under the race detector, where it takes 20 s")
	}
	sv := serve(t, Config{})
	const n = 65540 * 512
	want := sv.put("big", n)
	for name, args := range map[string][]string{
		"curl":  {"-sS", "--tftp-no-options", "-o", "got", fmt.Sprintf("tftp://%s/big", sv.at)},
		"atftp": {"--option", "windowsize 16", "--get", "-r", "big", "-l", "got", "127.0.0.1", fmt.Sprint(sv.at.Port())},
	} {
		t.Run(name, func(t *testing.T) {
			program := netns.Program(t, name)
			cmd := exec.Command(program, args...)
			cmd.Dir = t.TempDir()
			out, err := cmd.CombinedOutput()
			got, _ := os.ReadFile(filepath.Join(cmd.Dir, "got"))
			if err != nil || crc32.ChecksumIEEE(got) != crc32.ChecksumIEEE(want) {
				t.Fatalf("%d octets of %d: %v\n%s", len(got), n, err, out)
			}
			<-sv.decisions
			sv.t = t
			d := sv.expect("", OK, "")
			t.Logf("%.1f MB/s in blocks of 512, %d sent again", float64(d.Bytes)/1e6/d.Took.Seconds(), d.Resent)
		})
	}
}
