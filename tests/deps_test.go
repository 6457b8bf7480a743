// Package tests holds the tests that concern the whole tree: the law of who may import whom.
package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pxelab/pxelab/"

// pkg is what go list tells of one package, without its tests.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Standard   bool
}

// tree lists the packages of this module by their path within it, for Linux.
func tree(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Dir,GoFiles,Imports,Standard", "./...")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	own := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if name, ok := strings.CutPrefix(p.ImportPath, module); ok && !strings.HasPrefix(name, "tests") {
			own[name] = p
		}
	}
	if len(own) < 5 {
		t.Fatalf("go list found only %d packages of %s", len(own), module)
	}
	return own
}

// within tells whether a package is one of these, or below one that ends in "/...".
func within(name string, list ...string) bool {
	return slices.ContainsFunc(list, func(l string) bool {
		root, deep := strings.CutSuffix(l, "/...")
		return name == root || deep && strings.HasPrefix(name, root+"/")
	})
}

// chain finds how a package comes to import, through packages of this module, one that is forbidden to it.
func chain(own map[string]pkg, from string, forbidden func(string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, imp := range own[queue[0]].Imports {
			name, mine := strings.CutPrefix(imp, module)
			if _, seen := before[name]; seen || !mine {
				continue
			}
			before[name] = queue[0]
			if forbidden(name) {
				var path []string
				for at := name; at != ""; at = before[at] {
					path = append([]string{at}, path...)
				}
				return path
			}
			queue = append(queue, name)
		}
	}
	return nil
}

// never lists what a package must not reach, through however many packages of this module.
var never = []struct {
	who, what []string
	why       string
}{
	{[]string{"server/..."}, []string{"lab/..."}, "the server stands alone: it reports through server.Observer"},
	{[]string{"images", "lab/...", "server/..."}, []string{"lab/cmd/..."}, "a command is the top: nothing imports it"},
	{[]string{"images", "lessons", "topologies"}, []string{"lab/...", "server/..."}, "images, lessons and topologies are data"},
}

func TestNever(t *testing.T) {
	own := tree(t)
	for _, law := range never {
		for name := range own {
			if !within(name, law.who...) || within(name, law.what...) {
				continue
			}
			if path := chain(own, name, func(to string) bool { return within(to, law.what...) }); path != nil {
				t.Errorf("%s (%s)", strings.Join(path, " imports "), law.why)
			}
		}
	}
}

// mayImport says which packages of this module each package of the lab may import itself. One that is not listed is a
// leaf: it may import none. Only lab puts the parts together.
var mayImport = map[string][]string{
	"images":            {},
	"lab":               {"images", "lab/...", "server", "server/bis", "server/pxe", "server/pxeclient"},
	"lab/bundle":        {"images", "lab/event", "lab/payload", "lab/plan", "lab/whole", "server", "server/bis"},
	"lab/cmd":           {"images", "lab/...", "lessons", "server/...", "topologies"},
	"lab/control":       {"lab/event", "lab/plan", "lab/topology"},
	"lab/dissect":       {"lab/wire", "server/pxe"},
	"lab/event":         {},
	"lab/explain":       {"lab/event", "lab/judge", "lab/plan", "lab/topology", "lab/wire", "server/pxe"},
	"lab/fault":         {"lab/wire"},
	"lab/hold":          {"lab/fault", "lab/wire"},
	"lab/guest":         {"lab/affinity", "lab/event", "lab/plan"},
	"lab/host":          {"lab/whole"},
	"lab/judge":         {"images", "lab/event", "lab/fault", "lab/plan", "lab/topology", "server/pxe"},
	"lab/labtest":       {"lab", "lab/event", "lab/explain", "lab/host", "lab/judge", "lab/network/sandbox", "lab/plan", "lab/report", "lab/topology"},
	"lab/lesson":        {"lab/dissect", "lab/event", "lab/fault", "lab/judge", "lab/plan", "lab/topology"},
	"lab/matrix":        {"lab/event", "lab/host", "lab/judge", "lab/plan", "lab/topology"},
	"lab/matrix/folder": {"lab/matrix", "lab/whole"},
	"lab/matrix/runner": {"lab", "lab/bundle", "lab/affinity", "lab/event", "lab/host", "lab/judge", "lab/matrix", "lab/matrix/folder", "lab/plan", "lab/report", "lab/topology", "lab/whole"},
	"lab/matrix/store":  {"lab", "lab/bundle", "lab/judge", "lab/matrix", "lab/matrix/folder", "lab/plan", "lab/report/...", "lab/whole"}, // reads what runs have left
	"lab/network":       {"lab/affinity", "lab/event", "lab/fault", "lab/plan", "lab/wire"},
	"lab/payload":       {"lab/whole"},
	"lab/plan":          {"images", "lab/event", "lab/fault", "lab/host", "lab/topology", "server", "server/bis", "server/pxe"},
	"lab/report":        {"lab/event", "lab/explain", "lab/fault", "lab/judge", "lab/matrix", "lab/plan"},
	"lab/story":         {"lab/event", "lab/explain", "lab/judge", "lab/lesson", "lab/plan", "lab/wire"},
	"lab/studio":        {"lab/bundle", "lab/control", "lab/dissect", "lab/event", "lab/explain", "lab/lesson", "lab/network/capture", "lab/plan", "lab/story/...", "lab/topology", "lessons", "topologies"},
	"lab/topology":      {"lab/event", "lab/fault", "server/pxe"},
	"lab/wire":          {"lab/event"},
	"lessons":           {},
	"server":            {"server/..."},
	"topologies":        {},
}

// owner is the entry of mayImport that a package falls under: its own, or that of the nearest folder above.
func owner(name string) string {
	for at := name; at != "."; at = path.Dir(at) {
		if _, ok := mayImport[at]; ok {
			return at
		}
	}
	return ""
}

func TestLeavesDoNotImportEachOther(t *testing.T) {
	own := tree(t)
	for name, p := range own {
		home := owner(name)
		if home == "lab" && name != "lab" {
			home = "" // a new folder under lab is a leaf until the table says otherwise
		}
		for _, imp := range p.Imports {
			to, mine := strings.CutPrefix(imp, module)
			if mine && !within(to, mayImport[home]...) && (home == "" || !within(to, home+"/...")) {
				t.Errorf("%s imports %s: tests/deps_test.go does not let it", name, to)
			}
		}
	}
}

// mayExec are the packages that may start processes.
var mayExec = []string{"lab", "lab/guest/...", "lab/network/...", "lab/host", "lab/matrix/slurm", "lab/payload", "lab/studio"}

// starts tells whether a name is one that starts a process, rather than looks for a program.
func starts(pkg, name string) bool {
	return pkg == "os/exec" && name != "LookPath" && name != "ErrNotFound" ||
		pkg == "os" && name == "StartProcess" || pkg == "syscall" && name == "ForkExec"
}

func TestOnlyTheLabStartsProcesses(t *testing.T) {
	for name, p := range tree(t) {
		if within(name, mayExec...) {
			continue
		}
		for _, file := range p.GoFiles {
			for _, use := range uses(t, filepath.Join(p.Dir, file), starts) {
				t.Errorf("%s: %s: only %s may start processes", name, use, strings.Join(mayExec, ", "))
			}
		}
	}
}

// pure are the packages that are functions of their inputs: the same plan and log give the same verdicts anywhere.
var pure = []string{"lab/dissect", "lab/event", "lab/explain", "lab/fault", "lab/hold", "lab/judge", "lab/lesson", "lab/matrix", "lab/plan", "lab/report", "lab/report/results", "lab/story", "lab/topology", "lab/wire", "server/bis", "server/pxe"}

// effects are what a pure package may not touch: whole packages, or (of packages with harmless types) some names.
var effects = map[string]func(name string) bool{
	"os":        func(string) bool { return true },
	"os/exec":   func(string) bool { return true },
	"os/signal": func(string) bool { return true },
	"syscall":   func(string) bool { return true },
	"net/http":  func(string) bool { return true },
	"log":       func(string) bool { return true },
	"net": func(name string) bool { // HardwareAddr, IP and their parsers are data
		return !slices.Contains([]string{"HardwareAddr", "IP", "IPMask", "IPNet", "ParseMAC", "ParseIP", "ParseCIDR", "IPv4"}, name)
	},
	"time": func(name string) bool {
		return slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}, name)
	},
}

func TestPurePackages(t *testing.T) {
	own := tree(t)
	for _, name := range pure {
		p, ok := own[name]
		if !ok {
			t.Errorf("there is no package %s", name)
			continue
		}
		for _, file := range p.GoFiles {
			for _, use := range uses(t, filepath.Join(p.Dir, file), isEffect) {
				t.Errorf("%s: %s: a pure package has no clock, files, processes or sockets", name, use)
			}
		}
	}
}

func isEffect(pkg, name string) bool { return effects[pkg] != nil && effects[pkg](name) }

// uses lists where a source file names something of an imported package that is asked for, as "file:line: net.Dial".
func uses(t *testing.T, file string, asked func(pkg, name string) bool) []string {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{} // how the file calls a package
	for _, imp := range f.Imports {
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		names[path.Base(p)] = p
		if imp.Name != nil {
			names[imp.Name.Name] = p
		}
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok {
			if asked(names[id.Name], sel.Sel.Name) {
				pos := fset.Position(sel.Pos())
				found = append(found, fmt.Sprintf("%s:%d: %s.%s", filepath.Base(file), pos.Line, names[id.Name], sel.Sel.Name))
			}
		}
		return true
	})
	return found
}

// vague are names that say nothing of what a package does.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "manager", "misc", "base", "internal"}

func TestPackageNamesSaySomething(t *testing.T) {
	for name := range tree(t) {
		for _, part := range strings.Split(name, "/") {
			if slices.Contains(vague, part) {
				t.Errorf("package %s: %q says nothing of what it does", name, part)
			}
		}
	}
}

// The laws above must be able to fail: this tree breaks each of them.
func TestLawsCanBeBroken(t *testing.T) {
	own := map[string]pkg{
		"server":      {Imports: []string{module + "server/pxe"}},
		"server/pxe":  {Imports: []string{"fmt", module + "images"}},
		"images":      {Imports: []string{module + "lab/event"}},
		"lab/event":   {},
		"lab/control": {Imports: []string{module + "lab/guest"}},
	}
	got := strings.Join(chain(own, "server", func(to string) bool { return within(to, "lab/...") }), " imports ")
	if want := "server imports server/pxe imports images imports lab/event"; got != want {
		t.Errorf("chain %q, want %q", got, want)
	}
	if chain(own, "lab/event", func(string) bool { return true }) != nil {
		t.Error("a chain from a leaf")
	}
	if owner("lab/network/capture") != "lab/network" || owner("server/dhcp") != "server" || owner("else") != "" {
		t.Error("a package falls under the wrong law")
	}
	for _, asked := range []func(string, string) bool{isEffect, starts} {
		if use := uses(t, "deps_test.go", asked); len(use) != 1 || !strings.HasSuffix(use[0], "os/exec.Command") {
			t.Errorf("this file runs go list and does nothing else, and %v was seen", use)
		}
	}
	if starts("os/exec", "LookPath") || isEffect("net", "HardwareAddr") || !isEffect("net", "Listen") || !isEffect("time", "Now") || isEffect("time", "Second") {
		t.Error("a harmless name is forbidden, or a harmful one is not")
	}
}
