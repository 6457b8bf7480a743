package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pxelab/pxelab/tests/golden"
)

// known is what the lab ships, as the planner, the judge and the catalogue list it. They depend on this package,
// so that the two agree is tested where they meet: in the command.
var known = Known{
	Firmwares: []string{"bios", "ovmf-x64", "ovmf-x64-ipxe", "ovmf-ia32"},
	NICs:      []string{"virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "pcnet", "ne2k_pci", "i82559er", "i82550", "usb-net"},
	Sticks:    []string{"pxe-client"},
	Images:    []string{"probe", "pxelinux", "grub", "undionly", "snponly", "ipxe", "ipxe-linux"},
	Reporters: []string{"probe"},
	Archs: strings.Fields(`alpha arc-x86 bios efi-aa64 efi-arm32 efi-bc efi-ia32 efi-ia64 efi-loong32 efi-loong64 efi-riscv32 efi-riscv64
		efi-x64 efi-xscale http-aa64 http-arm32 http-bc http-bios http-ia32 http-riscv64 http-x64 lean-client pc98 ppc-epapr ppc-of ppc-opal uboot-aa64 uboot-arm32`),
	Reasons: strings.Fields(`no-firmware no-link not-managed no-offer offer-refused no-ack address-in-use no-bootfile no-class menu-unsupported no-menu menu-waits
		no-discovery-group type-not-listed cancelled local-boot proxy-silent boot-server-silent answer-ignored tftp-silent
		file-not-found tftp-no-options tftp-no-tsize tftp-stopped tftp-error no-uri http-silent no-length http-error wrong-arch image-refused chain-loop boot-program-silent did-not-power-off guest-crashed gave-up stalled`),
	Notes: []string{"duplicate-mac", "duplicate-uuid", "no-uuid"},

	HTTPFirmwares: []string{"ovmf-x64", "ovmf-ia32"},
}

const shippedDir = "../../topologies"

// TestGoldens holds what Parse makes of each file in testdata: the topology, or every problem with its place;
// and whether an editor with the schema marks the file, too.
func TestGoldens(t *testing.T) {
	schema := compileSchema(t)
	good, bad := 0, 0
	for _, path := range glob(t, "testdata/*.txtar") {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.Files) == 0 || archive.Files[0].Name != "lab.yaml" {
				t.Fatalf("%s must begin with -- lab.yaml --", path)
			}
			input := archive.Files[0].Data
			want := &txtar.Archive{Comment: archive.Comment, Files: archive.Files[:1]}
			top, err := Parse("lab.yaml", input, known)
			if err != nil {
				bad++
				want.Files = append(want.Files, txtar.File{Name: "problems", Data: []byte(err.Error() + "\n")})
			} else {
				good++
				want.Files = append(want.Files, txtar.File{Name: "topology", Data: indented(t, top)})
			}
			want.Files = append(want.Files, txtar.File{Name: "editor", Data: []byte(editor(schema, input) + "\n")})
			golden.Check(t, path, string(txtar.Format(want)))
		})
	}
	if good == 0 || bad < 30 {
		t.Errorf("testdata has %d good and %d bad files; there must be good ones, and at least 30 bad ones", good, bad)
	}
}

// editor says what an editor that has the schema shows for a file.
func editor(schema *jsonschema.Schema, input []byte) string {
	doc, err := toJSON(input)
	if err != nil {
		return "cannot read it"
	}
	if schema.Validate(doc) != nil {
		return "marks it"
	}
	return "accepts it"
}

// TestShipped reads every topology that is shipped, with the parser and with the schema that is shipped.
func TestShipped(t *testing.T) {
	schema := compileSchema(t)
	readme, err := os.ReadFile(filepath.Join(shippedDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range glob(t, shippedDir+"/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			top, err := Parse(path, data, known)
			if err != nil {
				t.Fatal(err)
			}
			if top.Name != name || top.About == "" || len(top.Expect) == 0 {
				t.Errorf("name %q, about %q, %d expect: want the file's name, a sentence and expectations", top.Name, top.About, len(top.Expect))
			}
			if !bytes.HasPrefix(data, []byte("# yaml-language-server: $schema=schema.json\n")) {
				t.Error("the first line must be: # yaml-language-server: $schema=schema.json")
			}
			if doc, err := toJSON(data); err != nil {
				t.Error(err)
			} else if err := schema.Validate(doc); err != nil {
				t.Error(err)
			}
			if !bytes.Contains(readme, []byte("["+name+"]("+name+".yaml)")) {
				t.Errorf("topologies/README.md has no row for %s", name)
			}
			sameAfterJSON(t, top)
		})
	}
}

// TestExpectationJSON holds that a plan, which carries expectations as JSON, carries all of them.
func TestExpectationJSON(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range []string{"testdata/good-everything.txtar", "testdata/good-relay.txtar", "testdata/good-mtftp.txtar"} {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		top, err := Parse("lab.yaml", archive.Files[0].Data, known)
		if err != nil {
			t.Fatal(err)
		}
		var all []Expectation
		for _, e := range top.Expect {
			all = append(all, e.List...)
		}
		for _, e := range top.ExpectServices {
			all = append(all, e.List...)
		}
		for _, x := range all {
			v, set := reflect.ValueOf(x), 0
			for i := range v.NumField() {
				if !v.Field(i).IsZero() {
					seen[v.Type().Field(i).Name] = true
					set++
				}
			}
			if set != 1 {
				t.Errorf("%+v makes %d claims, want 1", x, set)
			}
		}
		sameAfterJSON(t, top)
	}
	if all := reflect.TypeFor[Expectation]().NumField(); len(seen) != all {
		t.Errorf("the good files make %d of the %d kinds of claims: %v", len(seen), all, seen)
	}
}

// sameAfterJSON writes a topology's expectations as JSON and reads them back.
func sameAfterJSON(t *testing.T, top *Topology) {
	t.Helper()
	text, err := json.Marshal(top.Expect)
	if err != nil {
		t.Fatal(err)
	}
	var back []GuestExpect
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(top.Expect, back); diff != "" {
		t.Errorf("expectations change in JSON (-before +after):\n%s", diff)
	}
}

// TestSchemaIsCurrent compares the shipped schema with what the form types say.
func TestSchemaIsCurrent(t *testing.T) {
	golden.Check(t, shippedDir+"/schema.json", string(schemaText(t)))
}

// TestSchemaDescribes holds that an editor can explain every key.
func TestSchemaDescribes(t *testing.T) {
	var walk func(at string, node map[string]any)
	properties := 0
	walk = func(at string, node map[string]any) {
		for name, child := range node {
			sub, ok := child.(map[string]any)
			if !ok {
				continue
			}
			if name == "properties" {
				for key, p := range sub {
					properties++
					if d, _ := p.(map[string]any)["description"].(string); d == "" && !slices.Contains(known.Archs, key) {
						t.Errorf("%s/%s has no description", at, key)
					}
				}
			}
			walk(at+"/"+name, sub)
		}
	}
	var doc map[string]any
	if err := json.Unmarshal(schemaText(t), &doc); err != nil {
		t.Fatal(err)
	}
	walk("", doc)
	if properties < 40 {
		t.Errorf("the schema has %d properties; is it cut short?", properties)
	}
}

// TestBounds holds that a file made to keep the reader busy is refused before it is read.
func TestBounds(t *testing.T) {
	bomb := "name: &a [x,x,x,x,x,x,x,x,x,x]\nnetworks: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nguests: {x: {firmware: bios}}\n"
	wide := "networks: {lan: {subnet: 192.0.2.0/24}}\nguests: {a: {firmware: bios}}\nexpect:\n  a: &all [" +
		strings.Repeat("{ends: off},", 500) + "]\n"
	for _, name := range strings.Split("bcdefghijklmnop", "") {
		wide += "  " + name + ": *all\n"
	}
	for _, c := range []struct{ name, input, want string }{
		{"size", strings.Repeat(" ", maxSize+1), `1048577 octets`},
		{"tokens", strings.Repeat("a: 1\n", maxTokens), `30000 words and signs`},
		{"deep", strings.Repeat("[", 2*maxTokens), `20000 words and signs`},
		{"nested", strings.Repeat("[", maxTokens), `1:33: values are nested`},
		{"dashes", strings.Repeat("- ", maxTokens), `1:65: values are nested`},
		{"aliases", bomb, `want text, not a list`},
		{"wide", wide, `with its aliases followed the file has more than 10000 values`},
		{"loop", "name: &a *a\nnetworks: {lan: {subnet: 192.0.2.0/24}}\nguests: {x: {firmware: bios}}\n", `aliases|not YAML`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("lab.yaml", []byte(c.input), known)
			if err == nil {
				t.Fatal("accepted")
			}
			if !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("want %q in:\n%.2000s", c.want, err)
			}
		})
	}
}

// TestProblemsAreTyped holds that a caller can get at the places.
func TestProblemsAreTyped(t *testing.T) {
	_, err := Parse("x.yaml", []byte("name: x\nnetworks: {lan: {subnet: 192.0.2.0/24}}\nguests:\n  ia32: {firmwre: bios}\n"), known)
	var p Problems
	if !errors.As(err, &p) {
		t.Fatalf("got %T, want Problems", err)
	}
	want := Problems{{"x.yaml", 4, 10, "guests.ia32", `unknown key "firmwre" (did you mean "firmware"?)`}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.txtar", shippedDir + "/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if a := txtar.Parse(data); len(a.Files) > 0 {
				data = a.Files[0].Data
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		top, err := Parse("lab.yaml", data, known)
		if err == nil {
			if len(top.Guests) == 0 || len(top.Networks) == 0 {
				t.Errorf("accepted without guests or networks: %+v", top)
			}
			sameAfterJSON(t, top)
			for _, e := range top.Expect {
				for _, x := range e.List {
					if _, err := regexp.Compile(x.Serial); err != nil {
						t.Errorf("accepted a pattern that does not compile: %v", err)
					}
				}
			}
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 || top != nil {
			t.Fatalf("got %v, %T: want Problems alone", top, err)
		}
		lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
		for i, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Line > lines || p.Message == "" {
				t.Errorf("problem without a place in the file of %d lines: %+v", lines, p)
			}
			if i > 0 && p.Line < problems[i-1].Line {
				t.Errorf("not in file order: %v after %v", p, problems[i-1])
			}
		}
	})
}

// glob lists files, and fails when there is none.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	return slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, ".matrix.yaml") })
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func schemaText(t *testing.T) []byte {
	t.Helper()
	text, err := Schema(known)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// toJSON turns YAML into what the schema checker takes.
func toJSON(data []byte) (any, error) {
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}
