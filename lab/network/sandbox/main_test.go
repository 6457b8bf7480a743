package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// programs are what this test binary does when it is started with one of these words.
var programs = map[string]func(){
	"outer-foreground": func() { outer(true) },
	"outer-detached":   func() { outer(false) },
	"inhabit":          inhabit,
	"exit-7":           func() { os.Exit(7) },
	"die":              func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	"await-term":       awaitTerm,
	"files":            exchangeFiles,
	"orphan":           orphan,
	"full":             probeWithoutRoom,
	"look":             look,
}

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else each process started here ends a second late
	Main()
	if len(os.Args) > 1 {
		if program, ok := programs[os.Args[1]]; ok {
			program()
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// need skips a test that this host cannot run, or fails it where the run was asked for.
func need(t *testing.T) {
	t.Helper()
	err := Probe()
	if err == nil {
		return
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
		t.Fatalf("PXELAB_REQUIRE asks for this test, but: %v", err)
	}
	t.Skip(err)
}

// inhabitant is what the program inside tells of itself.
type inhabitant struct {
	PID        int      `json:"pid"`        // inside
	Links      []string `json:"links"`      // interfaces it sees
	Namespaces []string `json:"namespaces"` // "net:[...]" and "pid:[...]" it and its children live in
}

// outer starts a sandbox that holds descriptor 3 open, prints its PID 1, and waits (or ends, detached).
func outer(foreground bool) {
	hold, lead := os.NewFile(3, "hold"), os.NewFile(4, "lead")
	p, err := Spawn(Options{Args: []string{"inhabit"}, Files: []*os.File{hold, lead}, Stderr: os.Stderr,
		Stdout: os.Stdout, Foreground: foreground})
	must(err)
	must(json.NewEncoder(os.Stdout).Encode(p.PID))
	if foreground {
		p.Wait()
	}
}

// inhabit fills a sandbox: a bridge, a child that left the session, and one with its own network namespace.
func inhabit() {
	hold, lead := os.NewFile(3, "hold"), os.NewFile(4, "lead")
	must(netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "leak0"}}))
	self := inhabitant{PID: os.Getpid(), Links: linkNames(), Namespaces: namespacesOf("self")}
	for _, flags := range []uintptr{0, syscall.CLONE_NEWNET} {
		child := exec.Command("sleep", "1000")
		child.ExtraFiles = []*os.File{hold}
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: flags}
		must(child.Start())
		self.Namespaces = append(self.Namespaces, namespacesOf(fmt.Sprint(child.Process.Pid))...)
	}
	must(json.NewEncoder(os.Stdout).Encode(self))
	io.Copy(os.Stdout, lead) // a test that is led by this echo knows it is alive
	select {}
}

func awaitTerm() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Println("ready")
	<-signals
	os.Exit(3)
}

// exchangeFiles writes to descriptor 3, closes it, and ends when descriptor 4 does.
func exchangeFiles() {
	out, in := os.NewFile(3, "out"), os.NewFile(4, "in")
	io.WriteString(out, "from inside")
	must(out.Close())
	b, err := io.ReadAll(in)
	must(err)
	fmt.Printf("%s in %s, %s", b, must1(os.Getwd()), os.Getenv("GREETING"))
}

// orphan leaves a child to PID 1 and ends well when it has been reaped.
func orphan() {
	b := must1(exec.Command("sh", "-c", "sleep 0.01 >/dev/null & echo $!").Output())
	pid := strings.TrimSpace(string(b))
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; {
		if _, err := os.Stat("/proc/" + pid); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			state := must1(os.ReadFile("/proc/" + pid + "/status"))
			fmt.Fprintf(os.Stderr, "orphan %s is still there:\n%s", pid, state)
			os.Exit(1)
		}
	}
}

// probeWithoutRoom forbids further network namespaces, which concerns only this user namespace, and probes.
func probeWithoutRoom() {
	must(os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0))
	fmt.Print(Probe())
}

// look prints what the sandbox is like.
func look() {
	fmt.Printf("inside %v uid %d links %v", Inside(), os.Getuid(), linkNames())
}

func linkNames() (names []string) {
	for _, l := range must1(netlink.LinkList()) {
		names = append(names, l.Attrs().Name)
	}
	return names
}

func namespacesOf(pid string) []string {
	return []string{must1(os.Readlink("/proc/" + pid + "/ns/net")), must1(os.Readlink("/proc/" + pid + "/ns/pid"))}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}

func must1[T any](v T, err error) T {
	must(err)
	return v
}
