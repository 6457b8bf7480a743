// Package matrix turns a matrix file into cases, and keeps what became of each.
//
// It is pure: the same file, topologies and options give the same cases on any machine, so a matrix can be planned here and
// its cases run elsewhere.
package matrix

import "time"

// Version is the number of the JSON forms of Plan and Result. Fields may be added under one version, never removed.
const Version = 1

// Plan is a matrix with every case decided: the content of matrix.json.
type Plan struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	About   string `json:"about,omitempty"`
	Cases   []Case `json:"cases"`
}

// Case is one cell: one topology with one value of each axis. Everything that it is run from is in it, but for files of the
// host that its topology names.
type Case struct {
	Index int    `json:"index"` // its place in the whole matrix, from 0: what the array index of an engine names
	ID    string `json:"id"`    // "firmware-trio/ovmf-x64/e1000": unique, made of the values; each part is fit for a path
	Axes  []Axis `json:"axes"`  // in the file's order

	Topology string `json:"topology"` // the topology's name
	Text     string `json:"text"`     // the topology of this case, whole, as YAML
	Dir      string `json:"dir"`      // folder that relative paths in Text start from

	Firmware *Firmware `json:"firmware,omitempty"` // files in place of the host's; nil: the host's own

	Clock string `json:"clock"` // "auto", "real" or "warp"
	Start string `json:"start"` // "auto", "cold" or "warm": see docs/warm-start.md

	ExpectFail string `json:"expectFail,omitempty"` // why it is expected to fail; empty: it is expected to pass
	Needs      Needs  `json:"needs"`
	Inputs     string `json:"inputs"` // SHA-256 of all the above but Index, Dir and Needs: two runs with the same did the same
}

// Firmware is one build of a firmware, by its files.
type Firmware struct {
	Name     string `json:"name"`             // the value on the axis: "ovmf-x64-202411"
	Firmware string `json:"firmware"`         // what the host would have in its place: "ovmf-x64"
	Code     string `json:"code"`             // path of the flash image, from the working directory
	Vars     string `json:"vars,omitempty"`   // path of the variable store template
	SHA256   string `json:"sha256,omitempty"` // of Code, in hex; empty: not checked
}

// Axis is the value that a case has on one axis.
type Axis struct {
	Name  string `json:"name"`  // "firmware"
	Value string `json:"value"` // "ovmf-x64"
}

// Needs is what a case takes of a machine while it runs.
type Needs struct {
	Cores  float64       `json:"cores"`         // 1 is a core kept busy
	Memory int           `json:"memoryMiB"`     // of all its guests that run at once, and the lab
	Took   time.Duration `json:"took,omitzero"` // when it last ran; 0: not known

	Estimate time.Duration `json:"estimate,omitzero"` // how long it runs, by its guests: for want of Took
}
