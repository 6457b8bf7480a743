package tftp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What is set in the process that is to be a server: its root, and its port on the loopback interface (0: a free one).
const (
	serves   = "PXELAB_TEST_TFTP_ROOT"
	servesAt = "PXELAB_TEST_TFTP_PORT"
)

// serveProcess is a server that can be stopped and killed: it writes its port to standard output, and then its decisions.
func serveProcess(root string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	out := json.NewEncoder(os.Stdout)
	port, _ := strconv.ParseUint(os.Getenv(servesAt), 10, 16)
	s, err := listen(Config{Interface: "lo", Root: root}, uint16(port), func(d Decision) { _ = out.Encode(d) })
	if err == nil {
		_ = out.Encode(s.udp.LocalAddr().(*net.UDPAddr).Port)
		err = s.Serve(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process is a running server.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	said *json.Decoder
	port int
}

// startProcess starts one; port 0 is a free one.
func startProcess(t *testing.T, root string, port int) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command("/proc/self/exe")}
	p.cmd.Env = append(os.Environ(), serves+"="+root, servesAt+"="+strconv.Itoa(port))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	p.said = json.NewDecoder(out)
	if err := p.said.Decode(&p.port); err != nil {
		t.Fatal(err)
	}
	return p
}

// begun waits until it has begun a transfer.
func (p *process) begun() {
	p.t.Helper()
	for d := (Decision{}); d.Reply != "DATA" && d.Reply != "OACK"; {
		if err := p.said.Decode(&d); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *process) end(by syscall.Signal) {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Signal(by)
		_ = p.cmd.Wait() // the signal ended it
	}
}

// awaitSize waits until a file has so many octets: the transfer is then in its middle, and not at its first block.
func awaitSize(t *testing.T, path string, least int64) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if info, err := os.Stat(path); err == nil && info.Size() >= least {
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%s does not grow", path)
		}
	}
}

// TestRestart ends the server in the middle of a transfer, by a signal that lets it take its leave and by one that does not,
// and starts it again at the same port. No client can go on where it was (RFC 1350 has no word for that), so each must
// say that it failed, and not leave half a file for a whole one; and the same command must then work.
func TestRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("clients wait for seconds before they give up")
	}
	root := t.TempDir()
	const size = 16 << 20 // 32769 blocks, one by one: far more than pass before the signal
	content := bytes.Repeat([]byte("0123456789abcde\n"), size/16)
	if err := os.WriteFile(filepath.Join(root, "f"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command string // the file goes to "got" in its working directory
		signal  syscall.Signal
	}{
		{"curl -sS --tftp-blksize 512 -o got tftp://127.0.0.1:PORT/f", syscall.SIGTERM},
		{"curl -sS --max-time 5 --tftp-blksize 512 -o got tftp://127.0.0.1:PORT/f", syscall.SIGKILL},
		{"tftp -m octet 127.0.0.1 PORT -c get f got", syscall.SIGTERM},
		{"tftp -m octet 127.0.0.1 PORT -c get f got", syscall.SIGKILL},
		{"atftp --get -r f -l got 127.0.0.1 PORT", syscall.SIGTERM},
		{"atftp --option timeout|1 --get -r f -l got 127.0.0.1 PORT", syscall.SIGKILL},
		{"busybox tftp -g -r f -l got 127.0.0.1 PORT", syscall.SIGTERM},
	} {
		name := strings.Fields(c.command)[0]
		t.Run(name+" "+c.signal.String(), func(t *testing.T) {
			t.Parallel() // they wait
			program, err := exec.LookPath(name)
			if err != nil {
				t.Skipf("needs %s: %v", name, err)
			}
			server := startProcess(t, root, 0)
			args := strings.Fields(strings.ReplaceAll(c.command, "PORT", strconv.Itoa(server.port)))[1:]
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "|", " ")
			}
			get := func() *exec.Cmd {
				cmd := exec.CommandContext(t.Context(), program, args...)
				cmd.Dir = t.TempDir()
				cmd.Stdout = &bytes.Buffer{}
				cmd.Stderr = cmd.Stdout
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				return cmd
			}
			broken := get()
			server.begun()
			awaitSize(t, filepath.Join(broken.Dir, "got"), 512)
			server.end(c.signal)
			again := startProcess(t, root, server.port)
			err = broken.Wait()
			said := strings.TrimSpace(fmt.Sprint(broken.Stdout))
			got, _ := os.ReadFile(filepath.Join(broken.Dir, "got"))
			t.Logf("%v, %d octets: %s", err, len(got), said)
			if len(got) >= size || err == nil && said == "" { // tftp-hpa's status is 0 whatever happens, but it says so
				t.Errorf("it ended with %d octets, %v, and said %q", len(got), err, said)
			}
			whole := get()
			if err := whole.Wait(); err != nil {
				t.Errorf("after the restart: %v: %s", err, whole.Stdout)
			}
			if got, _ := os.ReadFile(filepath.Join(whole.Dir, "got")); !bytes.Equal(got, content) {
				t.Errorf("after the restart: %d octets of %d", len(got), size)
			}
			again.end(syscall.SIGTERM)
		})
	}
}
