package studio

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// still is how long the lab is held: an iPXE whose clock ran on would have sent its DISCOVER four times more by then.
const still = 60 * time.Second

// TestHold watches three machines boot in real time, holds them at the first OFFER, lets a minute pass, edits the packet, and lets it go.
func TestHold(t *testing.T) {
	needs(t)
	t.Parallel()
	open, watch := studio(t, "--hold", "--clock", "real", "../../topologies/firmware-trio.yaml")
	b := openTab(t, open, 1280, 720)
	b.goOnTo("offer")
	b.until(held("OFFER"))
	b.until(`document.querySelector("#packet-body .summary").innerText.includes("DHCPOFFER")`)
	b.tidy("held")
	b.accessible("held")
	b.shot("held")
	w := openTab(t, watch, 1920, 1080)
	w.watchesOnly()

	before := b.packets()
	<-time.After(still) // nothing else can be waited for: that nothing happens is the claim
	if now := b.packets(); now != before {
		t.Errorf("packets crossed while the lab was held:\n%s\nbefore:\n%s", now, before)
	}

	b.drops("dhcp.option.67")
	b.shot("edited")
	b.click("#let-go")
	b.until(`!studio.timeline.hold.at(studio.timeline.last).data || !studio.timeline.hold.at(studio.timeline.last).label.includes("OFFER")`)
	b.until(`document.querySelector("#state").dataset.state === "held"`)
	b.lacks("dhcp.option.67")
	b.until(`document.querySelector("#diagram").textContent.includes("changed by hand: dhcp.option.67 taken out")`)
	b.tidy("let go")
	b.shot("let-go")
	if again := value[int](b, `studio.timeline.rows.filter((r) => r.track.values.at(-1).repeat && r.first.label.includes("DISCOVER")).length`); again > 0 {
		t.Errorf("a machine has sent its DISCOVER again: its clock ran while it was held\n%s", b.packets())
	}
	b.do(chromedp.Focus(chromedp.CSS("[role=listbox]")))
	for range 2 { // the next packet, twice, by the keyboard
		n := value[int](b, `studio.timeline.hold.ns.length`)
		b.press(" ")
		b.until(`studio.timeline.hold.ns.length > ` + strconv.Itoa(n) + ` && document.querySelector("#state").dataset.state === "held"`)
	}
	b.press("c")
	b.until(`document.querySelector("#state").dataset.state === "live"`)
	w.until(`document.querySelector("#state").dataset.state === "live"`)
	b.until(`[...studio.timeline.verdicts.keys()].length === 3`)
	b.shot("settled")
	b.scrubs()
	openFile(t, b.save("#share", "This run as one HTML file")).scrubs()
}

func held(label string) string {
	return `document.querySelector("#state").dataset.state === "held" && document.querySelector("#state").innerText.includes("` + label + `")`
}

// goOnTo has the lab go on to the next packet of a kind, by the form for that.
func (b *tab) goOnTo(kind string) {
	b.t.Helper()
	b.click("#matching summary")
	b.do(chromedp.SetValue(chromedp.CSS("#matching [name=packet]"), kind))
	b.click("#matching button")
}

// packets are all rows of packets so far, the ones that are not shown, too.
func (b *tab) packets() string {
	b.t.Helper()
	return strings.Join(value[[]string](b, `studio.timeline.rows.filter((r) => r.first.kind !== "note").map((r) => { const row = r.track.values.at(-1); return [row.id, row.label, row.repeat, row.packets].join(" ") })`), "\n")
}

// watchesOnly looks at a page of somebody who may only watch: it shows that the lab is held, and has nothing to change it.
func (b *tab) watchesOnly() {
	b.t.Helper()
	b.until(held("OFFER"))
	if n := value[int](b, `document.querySelectorAll("#steps:not([hidden]), .pencil, #let-go, #consoles .drop").length`); n > 0 {
		b.t.Errorf("who only watches has %d things to change the lab with", n)
	}
	b.shot("watching")
}

// drops takes a field out of the held packet, and looks whether it is gone.
func (b *tab) drops(path string) {
	b.t.Helper()
	item := `document.querySelector('[data-path="` + path + `"]')`
	b.until(item + ` !== null`)
	value[bool](b, item+`.querySelector(".pencil").click() || true`)
	b.until(`document.activeElement.closest(".change") !== null`)
	b.click(".change .remove")
	b.until(item + ` === null && document.querySelector("#let-go") !== null`)
}

// lacks looks at the offer as it went on: in the capture, it is as it was edited.
func (b *tab) lacks(path string) {
	b.t.Helper()
	id := value[int](b, `studio.timeline.rows.find((r) => r.first.label.startsWith("OFFER")).id`)
	b.do(chromedp.Click(chromedp.CSS("#row-" + strconv.Itoa(id))))
	b.until(`document.querySelector("#packet-body .summary").innerText.includes("Frame") && document.querySelector("#packet-body .summary").innerText.includes("DHCPOFFER")`)
	if there := value[bool](b, `document.querySelector('[data-path="`+path+`"]') !== null`); there {
		b.t.Errorf("the packet went on with %s, which was taken out:\n%s", path, b.state())
	}
}

// TestMenu types on a console: F8 at the prompt, and the second item of the menu.
func TestMenu(t *testing.T) {
	needs(t)
	t.Parallel()
	open, _ := studio(t, "--clock", "real", "testdata/menu.yaml")
	b := openTab(t, open, 1920, 1080)
	console := `document.querySelector(".console:not([hidden])").innerText`
	b.until(console + `.includes("Press F8 for the menu")`)
	b.click(".console:not([hidden]) .screen")
	b.press(kb.F8)
	b.until(console + `.includes("A. First choice")`)
	b.shot("menu")
	b.press(kb.ArrowDown)
	b.press(kb.Enter)
	b.until(`studio.timeline.verdicts.size === 1`)
	if v := value[bool](b, `studio.timeline.verdicts.get("bios").values.at(-1).passed`); !v {
		t.Errorf("the machine did not boot the second item:\n%s", b.state())
	}
	b.press(kb.Escape, chromedp.ModifierShift) // leaves the console
	b.until(`document.activeElement.getAttribute("role") === "tab"`)
	b.press("?")
	b.until(`document.querySelector("dialog[open]") !== null`)
	b.accessible("help")
	b.shot("help")
}
