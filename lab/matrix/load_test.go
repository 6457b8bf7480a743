package matrix_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/tests/golden"
)

// known is what the command knows.
func known() topology.Known {
	return topology.Known{Firmwares: plan.Firmwares(), NICs: plan.NICs(), Sticks: plan.Sticks(), Images: images.Names(),
		Reporters: images.Reporters(), Archs: pxe.ArchNames(), HTTPFirmwares: plan.HTTPFirmwares(), Reasons: judge.Reasons(), Notes: judge.Notes()}
}

// archived reads topologies from an archive. One that it does not hold is a shared one.
func archived(t *testing.T, a *txtar.Archive) matrix.Files {
	t.Helper()
	shared, err := txtar.ParseFile("testdata/topologies.txtar.in")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range append(shared.Files, a.Files...) {
		files[f.Name] = f.Data
	}
	return matrix.Files{
		Glob: func(pattern string) ([]string, error) {
			var out []string
			for name := range files {
				ok, err := path.Match(pattern, name)
				if err != nil {
					return nil, err
				}
				if ok {
					out = append(out, name)
				}
			}
			return out, nil
		},
		Read: func(name string) ([]byte, error) {
			if data, ok := files[name]; ok {
				return data, nil
			}
			return nil, fs.ErrNotExist
		},
	}
}

// TestGoldens holds what each matrix of testdata comes to, or everything that is wrong with it.
func TestGoldens(t *testing.T) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	if len(archives) < 5 {
		t.Fatalf("only %d matrices in testdata", len(archives))
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input := a.Files[0]
			m, err := matrix.Load(input.Name, input.Data, archived(t, a), known())
			out := txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				if f.Name != "want" {
					out.Files = append(out.Files, f)
				}
			}
			out.Files = append(out.Files, txtar.File{Name: "want", Data: []byte(outcome(m, err))})
			golden.Check(t, file, string(txtar.Format(&out)))
		})
	}
}

func outcome(m *matrix.Matrix, err error) string {
	if err != nil {
		var problems topology.Problems
		if !errors.As(err, &problems) {
			return "not a problem of the file: " + err.Error() + "\n"
		}
		return err.Error() + "\n"
	}
	var out strings.Builder
	for _, c := range m.Plan.Cases {
		fmt.Fprintf(&out, "%d %s: topology %s in %s, clock %s, start %s, %.2f cores, %d MiB, %s", c.Index, c.ID, c.Topology, c.Dir, c.Clock, c.Start,
			c.Needs.Cores, c.Needs.Memory, c.Cost())
		if c.Firmware != nil {
			fmt.Fprintf(&out, ", firmware %+v", *c.Firmware)
		}
		if c.ExpectFail != "" {
			fmt.Fprintf(&out, ", expected to fail: %s", c.ExpectFail)
		}
		out.WriteString("\n")
	}
	for _, l := range m.Left {
		fmt.Fprintf(&out, "left out %v: %s\n", l.Axes, l.Reason)
	}
	last := m.Plan.Cases[len(m.Plan.Cases)-1]
	return out.String() + "the last:\n" + last.Text
}

// Every case must have an ID and inputs of its own, and inputs that another place of the files does not change.
func TestInputs(t *testing.T) {
	load := func(dir, memory string) matrix.Plan {
		t.Helper()
		text := "name: m\ntopologies: [bios, trio]\naxes:\n  firmware: [bios, ovmf-x64]\n  memory: [128, " + memory + "]\n"
		files := archived(t, &txtar.Archive{})
		m, err := matrix.Load(dir+"x.matrix.yaml", []byte(text), matrix.Files{
			Glob: func(p string) ([]string, error) { return files.Glob(strings.TrimPrefix(p, dir)) },
			Read: func(p string) ([]byte, error) { return files.Read(strings.TrimPrefix(p, dir)) },
		}, known())
		if err != nil {
			t.Fatal(err)
		}
		return m.Plan
	}
	a, b, c := load("", "256"), load("", "256"), load("", "512")
	seen := map[string]bool{}
	for i := range a.Cases {
		if a.Cases[i].Inputs != b.Cases[i].Inputs {
			t.Errorf("%s has other inputs the second time", a.Cases[i].ID)
		}
		if same := a.Cases[i].Inputs == c.Cases[i].Inputs; same != strings.HasSuffix(a.Cases[i].ID, "/128") {
			t.Errorf("%s has the same inputs with other memory: %v", a.Cases[i].ID, same)
		}
		if seen[a.Cases[i].Inputs] || seen[a.Cases[i].ID] {
			t.Errorf("%s is not the only one", a.Cases[i].ID)
		}
		seen[a.Cases[i].Inputs], seen[a.Cases[i].ID] = true, true
	}
	if len(a.Cases) != 8 {
		t.Errorf("%d cases, want 8", len(a.Cases))
	}
}

func FuzzLoad(f *testing.F) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range archives {
		if a, err := txtar.ParseFile(file); err == nil {
			f.Add(a.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := matrix.Load("m.matrix.yaml", data, archived(t, &txtar.Archive{}), known())
		var problems topology.Problems
		switch {
		case err == nil && len(m.Plan.Cases) == 0:
			t.Error("no case and no problem")
		case err != nil && (!errors.As(err, &problems) || len(problems) == 0):
			t.Errorf("an error that names no problem: %v", err)
		}
	})
}
