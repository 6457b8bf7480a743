package studio

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestLesson teaches a lesson as far as the DHCP server's offer: its sections open as the packets come, the field that each is about is
// shown, and a question is answered wrong and right; in a file that it is saved as, too.
func TestLesson(t *testing.T) {
	needs(t)
	t.Parallel()
	open, _ := studio(t, "--lesson", "proxydhcp-beside-dhcp", "--clock", "warp")
	b := openTab(t, open, 1280, 720)
	b.until(held("DISCOVER"))
	shown := `document.querySelectorAll("#lesson .section:not([hidden])").length`
	b.until(shown + ` === 2`)
	b.until(`document.querySelector('[data-path="dhcp.option.60"]')?.getAttribute("aria-selected") === "true"`)
	b.until(`document.querySelectorAll(".octets .on").length > 0`)
	b.click("#lesson-next")
	b.until(held("OFFER 192.0.2.100"))
	b.until(shown + ` >= 3`)
	b.until(`document.querySelector('[data-path="dhcp.yiaddr"]')?.getAttribute("aria-selected") === "true"`)

	b.answers()
	b.tidy("lesson")
	b.accessible("lesson")
	b.shot("lesson")
	forms, err := os.ReadFile("../../lab/lesson/testdata/forms.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range value[[]string](b, `import("/page/embedded.js").then(({forms}) => Object.entries(`+string(forms)+`).filter(([text, want]) => forms(text).join() !== want.join()).map(([text]) => text + ": " + forms(text)))`) {
		t.Errorf("the page finds other forms: %s", other)
	}
	openFile(t, b.save("#share", "This run as one HTML file")).answers()

	b.resize(400, 800)
	b.tidyEverywhere("lesson-400x800", true)
	value[bool](b, `studio.handout() || true`)
	b.until(`document.querySelector("#handout").innerText.includes("Which address is offered")`)
	b.resize(1000, 1400)
	b.shot("handout")
}

// answers answers a question about the offer, wrong and right.
func (b *tab) answers() {
	b.t.Helper()
	question := `[...document.querySelectorAll("#lesson .section:not([hidden]) .question")].find((q) => q.innerText.includes("Which address is offered"))`
	answer := func(text string) {
		b.t.Helper()
		value[bool](b, `(`+question+`.querySelector("input").value = "", `+question+`.querySelector("input").focus(), true)`)
		b.do(chromedp.KeyEvent(text + kb.Enter))
	}
	answer("192.0.2.1")
	b.until(question + `.dataset.right === "false"`)
	answer("192.0.2.100")
	b.until(question + `.dataset.right === "true"`)
}
