package studio

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/pxelab/pxelab/lab/story"
)

// elements are the elements of a page, as a browser reads it.
func elements(t *testing.T, page string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			out = append(out, n)
		}
	}
	return out
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func content(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

// TestExport: an exported run is one page that loads nothing, whose scripts and styles are those that its policy names, and that has
// the whole story and all its frames as data, whatever machines printed or asked for.
func TestExport(t *testing.T) {
	source, err := OpenBundle(bundleOf(t, hostileEvents()...), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	source.plan.About = hostile
	var out bytes.Buffer
	if err := Export(&out, source, "v0.test"); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	if strings.Contains(page, "<script>alert") || strings.Contains(page, source.bundle) {
		t.Error("a script of somebody else is in the page, or this host's folders are")
	}
	policy, scripts, frames := "", 0, map[int]Opened{}
	var items []story.Item
	for _, n := range elements(t, page) {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || (a.Key == "src" || a.Key == "href") && !strings.HasPrefix(a.Val, "data:") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
		switch id := attribute(n, "id"); {
		case attribute(n, "http-equiv") == "Content-Security-Policy":
			policy = attribute(n, "content")
			if strings.Index(page, "charset") > 1000 {
				t.Error("the character set stands where no browser looks for it")
			}
		case n.Data == "style":
			if !strings.Contains(policy, hash(content(n))) {
				t.Error("a style that the policy does not let in")
			}
		case n.Data == "script" && attribute(n, "type") == "":
			scripts++
			if !strings.Contains(policy, hash(content(n))) {
				t.Error("a script that the policy does not let in")
			}
		case id == "studio-about":
			if !strings.Contains(content(n), `\u003c/script\u003e`) {
				t.Error("what the lab is about is not there as it was")
			}
		case id == "studio-items":
			unpacked(t, content(n), &items)
		case attribute(n, "data-from") != "":
			from, _ := strconv.Atoi(attribute(n, "data-from"))
			to, _ := strconv.Atoi(attribute(n, "data-to"))
			some := map[int]Opened{}
			unpacked(t, content(n), &some)
			for number, f := range some {
				if number < from || number > to || f.Hex == "" || f.Summary == "" {
					t.Errorf("frame %d between %d and %d: %+v", number, from, to, f)
				}
				frames[number] = f
			}
		case n.Data == "script" || n.Data == "iframe" || n.Data == "img" || n.Data == "base":
			t.Errorf("<%s %v>", n.Data, n.Attr)
		}
	}
	want := 1
	if Vendored() {
		want += 3
	}
	if scripts != want || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("%d scripts, want %d, policy %q", scripts, want, policy)
	}
	told, _ := source.tale.since(1)
	if len(items) != len(told) {
		t.Errorf("%d items, want %d", len(items), len(told))
	}
	there := 0
	for _, number := range mentioned(told) {
		if _, err := source.open(number); err == nil {
			there++
		}
	}
	if len(frames) != there || there < 10 {
		t.Errorf("%d frames, want %d", len(frames), there)
	}
	if out.Len() > 2<<20 {
		t.Errorf("%d octets", out.Len())
	}
}

// TestLink: modules become one script, each once, after those that it imports, and what cannot be linked is said.
func TestLink(t *testing.T) {
	files := fstest.MapFS{}
	put := func(name, text string) { files["page/"+name] = &fstest.MapFile{Data: []byte(text)} }
	put("main.js", "// import nothing\nimport {twice as double, Box} from \"./lib/math.js\";\nimport {\n  one,\n} from \"./one.js\";\nnew Box(double(one));\n")
	put("lib/math.js", "import { one } from \"../one.js\";\nexport function twice(x) { return x + x * one; }\nexport class Box {}\nexport async function* later() {}\nfunction inner() {}\n")
	put("one.js", "export const one = 1;\n")
	got, err := link(files, "page/main.js")
	if err == nil {
		t.Fatalf("../ is outside what is understood, and was linked:\n%s", got)
	}
	put("lib/math.js", strings.ReplaceAll(string(files["page/lib/math.js"].Data), "../one.js", "./one.js"))
	put("lib/one.js", "export const one = 1;\n")
	if got, err = link(files, "page/main.js"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"const { one } = module0;", "function twice(x)", "return {twice, Box, later};", "const {twice: double, Box} = module1;", "const {\n  one,\n} = module2;", "new Box(double(one));"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is there %d times in\n%s", want, strings.Count(got, want), got)
		}
	}
	if strings.Contains(got, "export ") || strings.Contains(got, "\nimport ") {
		t.Errorf("imports or exports are left in\n%s", got)
	}
	for name, text := range map[string]string{
		"default": "export default 1;\n", "let": "export let x = 1;\n", "list": "const a = 1;\nexport {a};\n", "all": "import * as all from \"./one.js\";\n",
		"side": "import \"./one.js\";\n", "dynamic": "const x = import(\"./one.js\");\n", "meta": "const x = import.meta.url;\n",
		"elsewhere": "import {x} from \"https://evil.example/x.js\";\n", "missing": "import {x} from \"./nobody.js\";\n", "self": "import {x} from \"./self.js\";\n",
		"again": "export const a = await f();\nexport * from \"./one.js\";\n",
	} {
		put(name+".js", text)
		if got, err := link(files, "page/"+name+".js"); err == nil {
			t.Errorf("%s was linked:\n%s", name, got)
		}
	}
	if _, err := link(assets, "page/studio.js"); err != nil {
		t.Errorf("the page itself: %v", err)
	}
}

// TestUnfitPages: a page that would break out of itself, or load something, is not exported.
func TestUnfitPages(t *testing.T) {
	whole := "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><link rel=\"stylesheet\" href=\"/page/a.css\"><script type=\"module\" src=\"/page/a.js\"></script></head><body></body></html>"
	fit := func(change func(fstest.MapFS)) error {
		files := fstest.MapFS{"page/index.html": {Data: []byte(whole)}, "page/a.css": {Data: []byte("a{}")}, "page/a.js": {Data: []byte("f();")}}
		change(files)
		_, err := newExported(files, false)
		return err
	}
	if err := fit(func(fstest.MapFS) {}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(fstest.MapFS){
		"a script that ends":      func(f fstest.MapFS) { f["page/a.js"].Data = []byte("f('</script>');") },
		"a script with a comment": func(f fstest.MapFS) { f["page/a.js"].Data = []byte("f('<!--<script>');") },
		"a style that ends":       func(f fstest.MapFS) { f["page/a.css"].Data = []byte("a{content:'</STYLE>'}") },
		"a style that is missing": func(f fstest.MapFS) { delete(f, "page/a.css") },
		"a script from elsewhere": func(f fstest.MapFS) {
			f["page/index.html"].Data = []byte(strings.Replace(whole, "/page/a.js", "https://evil.example/a.js", 1))
		},
		"an image": func(f fstest.MapFS) {
			f["page/index.html"].Data = []byte(strings.Replace(whole, "<body>", "<body><img src=\"/page/a.png\">", 1))
		},
		"no character set": func(f fstest.MapFS) {
			f["page/index.html"].Data = []byte(strings.Replace(whole, "<meta charset=\"utf-8\">", "", 1))
		},
		"no page":                  func(f fstest.MapFS) { delete(f, "page/index.html") },
		"a module that is missing": func(f fstest.MapFS) { f["page/a.js"].Data = []byte("import {x} from \"./b.js\";\n") },
	} {
		if fit(change) == nil {
			t.Errorf("%s: it was exported", name)
		}
	}
}

// TestVendored: where npm is required, this was built with the terminal.
func TestVendored(t *testing.T) {
	if Vendored() {
		return
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "npm") {
		t.Fatal("there is no terminal, and PXELAB_REQUIRE says that it must be there: with npm, scripts/fetch-web.sh fetches it")
	}
	t.Skip("there is no terminal: with npm, scripts/fetch-web.sh fetches it")
}

// TestLock: what npm fetches is named exactly, with its checksum, and from no registry but the public one.
func TestLock(t *testing.T) {
	data, err := os.ReadFile("web/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity string }
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	if len(lock.Packages) < 4 {
		t.Errorf("%d packages", len(lock.Packages))
	}
	for name, p := range lock.Packages {
		if name != "" && (p.Version == "" || p.Integrity == "" || p.Resolved != "" && !strings.HasPrefix(p.Resolved, "https://registry.npmjs.org/")) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
