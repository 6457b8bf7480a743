package studio

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sizes are those of windows: a projector, a desk, a large screen, a telephone.
var sizes = []struct {
	name          string
	width, height int64
}{{"1280x720", 1280, 720}, {"1920x1080", 1920, 1080}, {"3840x2160", 3840, 2160}, {"400x800", 400, 800}}

// TestLooks looks at a recording in windows of several sizes, in light and dark, with small and large letters: nothing overlaps, nothing
// is cut, and axe-core has no serious finding.
func TestLooks(t *testing.T) {
	needs(t)
	t.Parallel()
	_, watch := studio(t, recorded(t))
	b := openTab(t, watch, 1280, 720)
	b.whole()
	b.until(`document.querySelectorAll("[role=treeitem]").length > 10`)
	b.accessible("light")
	for _, s := range sizes {
		t.Run(s.name, func(t *testing.T) {
			b := &tab{t: t, ctx: b.ctx}
			b.resize(s.width, s.height)
			b.tidyEverywhere(s.name, s.width < 600)
		})
	}
	b.resize(1280, 720)
	for range 4 {
		b.click("#larger")
	}
	b.settle()
	b.tidyEverywhere("1280x720-large", true)
	for range 4 {
		b.click("#smaller")
	}
	b.dark(true)
	b.resize(1920, 1080)
	b.shot("1920x1080-dark")
	b.accessible("dark")
}

// tidyEverywhere looks at each panel that is not in sight at once.
func (b *tab) tidyEverywhere(name string, oneByOne bool) {
	b.t.Helper()
	if !oneByOne {
		b.settle()
		b.shot(name)
		b.tidy(name)
		return
	}
	for _, place := range value[[]string](b, `[...document.querySelectorAll("#places button")].map((b) => b.dataset.place)`) {
		b.click(fmt.Sprintf("#places [data-place=%s]", place))
		b.settle()
		b.shot(name + "-" + place)
		b.tidy(name + " " + place)
	}
}

// untidy finds panels that overlap or leave the window, and texts that are cut where nothing says that there is more: an ellipsis does,
// and so does a box that scrolls.
const untidy = `(() => {
	const found = [];
	const shows = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".unseen");
	const boxes = [...document.querySelectorAll("main > .panel, #top, #time, #places")].filter(shows).map((e) => ({ e, r: e.getBoundingClientRect() }));
	for (const { e, r } of boxes) {
		if (r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1) found.push("#" + e.id + " leaves the window");
		if (r.width < 60 || r.height < 20) found.push("#" + e.id + " has no room");
	}
	for (const [i, a] of boxes.entries()) for (const b of boxes.slice(i + 1)) {
		const over = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
		const down = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
		if (over > 1 && down > 1) found.push("#" + a.e.id + " and #" + b.e.id + " overlap");
	}
	const scrolls = (e) => /auto|scroll/.test(getComputedStyle(e).overflowX + getComputedStyle(e).overflowY);
	const texts = document.querySelectorAll("h1, h2, h3, p, button, summary, select, label, output, .name, .value, .word, .lane span, li, td, th");
	for (const e of texts) {
		if (!shows(e) || e.closest(".xterm")) continue;
		const style = getComputedStyle(e);
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && style.overflowX !== "visible" && style.textOverflow !== "ellipsis" && !scrolls(e)) found.push("cut: " + e.textContent.slice(0, 60));
		const r = e.getBoundingClientRect();
		let up = e.parentElement;
		while (up && getComputedStyle(up).overflowX === "visible") up = up.parentElement;
		if (!up || up === document.body || scrolls(up)) continue;
		const u = up.getBoundingClientRect();
		if (r.right > u.right + 1.5 || r.left < u.left - 1.5 || r.bottom > u.bottom + 1.5) found.push("cut by #" + (up.id || up.className) + ": " + e.textContent.slice(0, 60));
	}
	for (const label of document.querySelectorAll(".row .label")) {
		const r = label.getBoundingClientRect(), u = label.closest("svg").getBoundingClientRect();
		if (r.width > 0 && (r.left < u.left - 1 || r.right > u.right + 1)) found.push("cut label: " + label.textContent);
	}
	for (const text of document.querySelectorAll(".card text")) {
		const r = text.getBoundingClientRect(), u = text.closest(".card").querySelector("rect").getBoundingClientRect();
		if (r.width > 0 && (r.left < u.left || r.right > u.right || r.bottom > u.bottom)) found.push("cut in a card: " + text.textContent);
		if (text.matches(".name") && text.textContent.endsWith("…")) found.push("a name is cut: " + text.textContent);
	}
	return found;
})()`

func (b *tab) tidy(where string) {
	b.t.Helper()
	for _, problem := range value[[]string](b, untidy) {
		b.t.Errorf("%s: %s", where, problem)
	}
}

// axe is axe-core, if scripts/fetch-web.sh has fetched it.
var axe = sync.OnceValues(func() (string, error) {
	modules, err := exec.Command("../../scripts/fetch-web.sh", "--cached").Output()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(modules)), "axe-core", "axe.min.js"))
	return string(text), err
})

// accessible has axe-core look at the page, and takes nothing serious from it.
func (b *tab) accessible(where string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		if required("npm") {
			b.t.Fatalf("%v, and PXELAB_REQUIRE names npm", err)
		}
		b.t.Logf("not looked at by axe-core: %v", err)
		return
	}
	value[bool](b, script+";true")
	findings := value[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact))
		.map((v) => v.id + ": " + v.help + "\n    " + v.nodes.slice(0, 5).map((n) => n.html.slice(0, 150) + " (" + n.any.concat(n.all).map((c) => c.message).join("; ") + ")").join("\n    ")))`)
	if len(findings) > 0 {
		b.t.Errorf("%s: axe-core finds:\n  %s", where, strings.Join(findings, "\n  "))
	}
}
