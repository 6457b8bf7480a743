package studio

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestExport saves a run as one file by the page's menu, and opens that from disk, with the network off.
func TestExport(t *testing.T) {
	needs(t)
	t.Parallel()
	_, watch := studio(t, recorded(t))
	b := openTab(t, watch, 1280, 720)
	b.whole()
	rows := b.rows()
	file := b.save("#share", "This run as one HTML file")
	e := openFile(t, file)
	if got := e.rows(); len(got) == 0 || len(got) != len(rows) || got[len(got)-1] != rows[len(rows)-1] {
		t.Errorf("the file ends with other rows: %q, want %q", got, rows)
	}
	e.scrubs()
	if state := e.texts("#state"); state[0] != "exported" {
		t.Errorf("the file says that it is %q", state[0])
	}
	e.shot("exported")
}

// scrubs goes to the beginning and then on, row by row, with the keyboard: diagram, states and consoles follow, and packets open.
func (b *tab) scrubs() {
	b.t.Helper()
	all := value[int](b, `studio.diagram.ns.length`)
	b.click("#first")
	b.until(`document.querySelectorAll("[role=option]").length === 0 && document.querySelector("#scrub").value === "0"`)
	b.settle()
	b.tidy("at the beginning")
	if words := b.texts("#stages .word"); words[0] != "not started" {
		b.t.Errorf("at the beginning a guest is %q", words[0])
	}
	b.until(`!document.querySelector(".console:not([hidden])").innerText.includes("PXELAB-PROBE")`)
	for range all {
		b.press(".")
		b.settle()
		if b.hasRow("s, DHCP", ": OFFER") {
			break
		}
	}
	b.until(`document.querySelector("#packet-body .summary").innerText.includes("DHCPOFFER")`)
	if n := value[int](b, `document.querySelectorAll("[role=option]").length`); n == 0 || n >= all {
		b.t.Errorf("%d of %d rows are there at the first offer", n, all)
	}
	b.press("l")
	b.until(`document.querySelector(".console:not([hidden])").innerText.includes("PXELAB-PROBE END")`)
}

// save chooses something of the export menu and gives the file that was downloaded.
func (b *tab) save(menu, label string) string {
	b.t.Helper()
	dir := b.t.TempDir()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	set := browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir, EventsEnabled: ptr(true), BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID}
	if _, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, set); err != nil {
		b.t.Fatal(err)
	}
	progress := chromedp.BrowserEvents(ctx, browser.DownloadProgress)
	b.click(menu + " summary")
	value[bool](b, `[...document.querySelectorAll("`+menu+` button")].find((e) => e.textContent === "`+label+`").click() || true`)
	for e, err := range progress {
		if err != nil {
			b.t.Fatalf("download %s: %v", label, err)
		}
		if e.State != browser.DownloadProgressStateCompleted {
			continue
		}
		// Other tests download, too: it is this one that is complete if the file is here.
		files, err := filepath.Glob(filepath.Join(dir, "*.html"))
		if err != nil {
			b.t.Fatal(err)
		}
		if len(files) == 1 {
			return files[0]
		}
	}
	b.t.Fatalf("%s was not downloaded", label)
	return ""
}

func ptr[T any](v T) *T { return &v }

// openFile opens a file from disk where nothing else can be reached, and holds it to asking for nothing.
func openFile(t *testing.T, file string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browserContext(), chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx}
	b.listen(cancel)
	asked := chromedp.Events(ctx, network.RequestWillBeSent)
	offline := func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}}})
		return err
	}
	go func() {
		for e, err := range asked {
			if err != nil {
				return
			}
			if u := e.Request.URL; !strings.HasPrefix(u, "file:") && !strings.HasPrefix(u, "data:") {
				t.Errorf("the file asks for %s", u)
			}
		}
	}()
	b.do(chromedp.EmulateViewport(1280, 720), chromedp.Func(offline), chromedp.Navigate("file://"+file))
	b.until(`document.body.dataset.ready === "yes"`)
	b.whole()
	return b
}
