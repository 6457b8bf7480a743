// Package studio drives the page of `pxelab studio` in a browser: on labs that run, on bundles, and on exported files.
package studio

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pxelab/pxelab/tests/built"
)

func TestMain(m *testing.M) {
	// One of the tests waits for a minute in which nothing happens: the others need not.
	if err := flag.Set("test.parallel", "3"); err != nil {
		panic(err)
	}
	code := built.Main(m)
	closeBrowser()
	os.Exit(code)
}

// required tells whether PXELAB_REQUIRE names something that a test may not be skipped for want of.
func required(what string) bool { return strings.Contains(os.Getenv("PXELAB_REQUIRE"), what) }

// needs skips a test on a host without a browser, or that cannot boot guests.
func needs(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots real firmware and drives a browser, which takes a minute: left out by -short")
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		if required("browser") {
			t.Fatalf("%v, and PXELAB_REQUIRE names browser", err)
		}
		t.Skip(err)
	}
	built.NeedBoots(t)
}

// browserContext has the one browser of all tests; each test has tabs of its own.
var browserContext = sync.OnceValue(func() context.Context {
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.Headless, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-renderer-backgrounding", true), chromedp.Flag("disable-backgrounding-occluded-windows", true))
	ctx, close := chromedp.NewContext(ctx)
	closeBrowser = func() { close(); cancel() }
	if err := chromedp.Do(ctx); err != nil {
		panic(fmt.Sprintf("start chromium: %v", err))
	}
	return ctx
})

var closeBrowser = func() {}

// studio runs `pxelab studio` until the test is over, and gives the addresses that it printed: for everything, and for watching only.
func studio(t *testing.T, args ...string) (open, watch string) {
	t.Helper()
	cmd := exec.Command(built.Pxelab, append([]string{"studio"}, args...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var rest sync.WaitGroup // what it says after its addresses
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		rest.Wait()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, address, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		switch word {
		case "open":
			open = strings.TrimSpace(address)
		case "watch":
			watch = strings.TrimSpace(address)
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			rest.Go(func() { // so that what it says at its end does not block it
				for lines.Scan() {
					fmt.Fprintln(t.Output(), lines.Text())
				}
			})
			return open, watch
		}
	}
	t.Fatalf("pxelab studio %s printed no address", strings.Join(args, " "))
	return "", ""
}

// bundle is of a warped run of four machines, booted once for all tests that look at a recording.
var bundle = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(filepath.Dir(built.Pxelab), "bundle")
	out, err := exec.Command(built.Pxelab, "run", "../../topologies/proxy-beside-dhcp.yaml", "--out", dir).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pxelab run: %w\n%s", err, out)
	}
	return dir, nil
})

func recorded(t *testing.T) string {
	t.Helper()
	dir, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// patience is how long anything on the page may take; it is long, as only a test that fails waits for it.
const patience = 90 * time.Second
