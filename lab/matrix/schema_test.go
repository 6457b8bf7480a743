package matrix_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/tests/golden"
)

const shippedDir = "../../topologies/"

// The schema that editors are given is current, and takes what is shipped and nothing mistyped.
func TestSchema(t *testing.T) {
	text, err := matrix.Schema(known())
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, shippedDir+"matrix.schema.json", string(text))
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("matrix.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("matrix.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	takes := func(data []byte) error {
		asJSON, err := yaml.YAMLToJSON(data)
		if err != nil {
			return err
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}
	for _, bad := range []string{"name: x\nabuot: y", "name: x\naxes: {nic: [e100]}", "name: x\naxes: {firmware: [{name: a, firmware: bios}]}", "about: x",
		"name: x\nexclude: [{}]", "name: x\nexpect-fail: [{match: {nic: virtio}}]", "name: x\naxes: {colour: [red]}"} {
		if takes([]byte(bad)) == nil {
			t.Errorf("the schema takes %q", bad)
		}
	}
	files, _ := filepath.Glob(shippedDir + "*" + matrix.Suffix)
	if len(files) == 0 {
		t.Fatal("no matrix is shipped")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := takes(data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if !strings.HasPrefix(string(data), "# yaml-language-server: $schema=matrix.schema.json\n") {
			t.Errorf("%s: the first line must be: # yaml-language-server: $schema=matrix.schema.json", file)
		}
		m, err := matrix.Load(file, data, matrix.Files{Glob: filepath.Glob, Read: os.ReadFile}, known())
		if err != nil {
			t.Error(err)
		} else if len(m.Plan.Cases) < 10 {
			t.Errorf("%s has %d cases", file, len(m.Plan.Cases))
		}
	}
}
