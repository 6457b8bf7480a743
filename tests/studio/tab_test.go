package studio

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// tab is a page that is open in the browser. What the browser has to complain of fails the test.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string
}

// openTab opens an address in a window of that size.
func openTab(t *testing.T, address string, width, height int64) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browserContext(), chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx}
	b.listen(cancel)
	b.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(address))
	b.until(`document.body.dataset.ready === "yes"`)
	return b
}

// listen hears what the browser has to complain of, until the test is over, and closes the page then.
func (b *tab) listen(closePage context.CancelFunc) {
	b.t.ArtifactDir() // is there as long as the page: the test framework takes away last what was made first
	messages := chromedp.Console(b.ctx)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, m.String())
			b.mu.Unlock()
		}
	}()
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.shot("failed")
		}
		closePage()
		<-listening
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, m := range b.messages {
			b.t.Errorf("the browser says: %s", m)
		}
	})
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// value evaluates an expression in the page, and waits if it is a promise.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// until waits until a condition holds in the page. The page's policy lets nothing be evaluated from within, so it is asked from here.
func (b *tab) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	look := fmt.Sprintf(`new Promise((done, failed) => {
		const look = () => { try { (%s) ? done(true) : setTimeout(look, 30) } catch (e) { failed(e) } };
		look();
	})`, condition)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](look, chromedp.EvalAwaitPromise)); err != nil {
		b.t.Fatalf("wait until %s: %v\nstate: %s", condition, err, b.state())
	}
}

// whole waits until the page has all of a recording, and shows it.
func (b *tab) whole() {
	b.t.Helper()
	b.until(`document.body.dataset.whole === "yes"`)
	b.settle()
}

// state is what the page says of itself, for who has to find out why a test failed.
func (b *tab) state() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`[document.querySelector("#state")?.textContent, document.querySelector("#gate")?.textContent, document.querySelector("#packet-body")?.innerText,
		...[...document.querySelectorAll("[role=option]")].map(o => o.innerText), document.querySelector(".xterm-rows")?.innerText].join("\n")`))
	if err != nil {
		return err.Error()
	}
	return text
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// press presses keys, one after the other, wherever the focus is.
func (b *tab) press(keys string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// shot keeps a picture of the page as an artefact of the test.
func (b *tab) shot(name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("screenshot: %v", err)
		return
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), picture, 0o666); err != nil {
		b.t.Error(err)
	}
}

// resize gives the window another size and waits until the page has taken it.
func (b *tab) resize(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	b.until(fmt.Sprintf("innerWidth === %d", width))
	b.settle()
}

// settle waits until the page has drawn what it was told.
func (b *tab) settle() {
	b.t.Helper()
	value[bool](b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))`)
}

// dark switches the system's theme.
func (b *tab) dark(on bool) {
	b.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[on]
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
	b.settle()
}

// texts are those of all elements that a selector finds.
func (b *tab) texts(selector string) []string {
	b.t.Helper()
	return value[[]string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map((e) => e.innerText.trim())`, selector))
}

// rows are the rows of the diagram that are in the document, as screen readers hear them.
func (b *tab) rows() []string {
	b.t.Helper()
	return value[[]string](b, `[...document.querySelectorAll("[role=option]")].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet).map((o) => o.querySelector(".unseen").textContent)`)
}

// hasRow tells whether a packet that has crossed has all these words.
func (b *tab) hasRow(words ...string) bool {
	b.t.Helper()
	for _, row := range b.rows() {
		all := !strings.HasPrefix(row, "held")
		for _, w := range words {
			all = all && strings.Contains(row, w)
		}
		if all {
			return true
		}
	}
	return false
}
