package advice

import (
	"fmt"
	"net"
	"strings"
)

// Row is what one asker was told, for people and programs to read.
type Row struct {
	Asker   string `json:"asker"`
	Code    uint16 `json:"arch"`              // option 93
	Offers  int    `json:"offers"`            // that came
	Address string `json:"address,omitempty"` // leased, and given back
	Path    string `json:"path,omitempty"`    // whose word on how to boot counts, and by which way it came
	File    string `json:"file,omitempty"`    // URI of the boot program
	Menu    int    `json:"menu,omitempty"`    // items of the boot menu
	End     string `json:"end,omitempty"`     // why there is no boot program
	Look    *Look  `json:"tftp,omitempty"`
}

// Report is a whole survey.
type Report struct {
	MAC   string `json:"mac"`
	Rows  []Row  `json:"rows"`
	Traps []Trap `json:"traps"`

	Rows6   []Row6 `json:"rows6,omitempty"`   // over IPv6, if that was asked
	Router6 string `json:"router6,omitempty"` // what the routers of the link say, in a clause
}

// NewReport tells what all askers, who had one MAC, were told.
func NewReport(mac net.HardwareAddr, answers []Answer) Report {
	r := Report{MAC: mac.String(), Traps: Traps(answers)}
	for i := range answers {
		r.Rows = append(r.Rows, answers[i].row())
	}
	return r
}

func (a *Answer) row() Row {
	r := Row{Asker: a.String(), Code: uint16(a.Arch), Offers: len(a.Walk.Offers), Path: a.path(), Look: a.Look}
	if a.Walk.Lease != nil {
		r.Address = a.Walk.Lease.YIAddr.String()
	}
	if a.Walk.Menu != nil {
		r.Menu = len(a.Walk.Menu.Items)
	}
	f, ok := a.file()
	switch {
	case ok:
		r.File = name(f)
	case len(a.Walk.Offers) == 0:
		r.End = "no offer"
	case a.Walk.Choice.Address == nil:
		r.End = "no boot file"
	default:
		r.End = a.Walk.End
	}
	return r
}

// path says who told the boot file, and by which message.
func (a *Answer) path() string {
	w := a.Walk
	switch {
	case w.BootServer != nil:
		return fmt.Sprintf("boot server %s", w.BootServer.Server())
	case w.Proxy != nil:
		return fmt.Sprintf("port 4011 of %s", w.Proxy.Server())
	case w.Choice.Boot == nil:
		return ""
	case w.Choice.Boot != w.Choice.Address:
		return fmt.Sprintf("proxy offer of %s", w.Choice.Boot.Server())
	}
	return fmt.Sprintf("offer of %s", w.Choice.Boot.Server())
}

// String tells the table and the traps, in lines that fit 80 columns where file names do.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Asked as %d machines, all with MAC %s; every address is given back.\n\n", len(r.Rows), r.MAC)
	fmt.Fprintf(&b, "%-13s %4s %-15s %s\n", "machine", "arch", "address", "told")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "%-18s %-15s %s\n", fmt.Sprintf("%-13s %4d", strings.TrimSpace(row.Asker), row.Code), dash(row.Address), row.told())
	}
	b.WriteString(r.text6())
	if len(r.Traps) == 0 {
		b.WriteString("\nNo trap found.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "\n%d trap%s:\n", len(r.Traps), map[bool]string{false: "s"}[len(r.Traps) == 1])
	for _, t := range r.Traps {
		fmt.Fprintf(&b, "  %s: %s\n    for %s\n    change: %s\n    see: %s\n", t.Rule, t.Text, strings.Join(t.Who, ", "), t.Fix, t.Section)
	}
	return b.String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (r Row) told() string {
	if r.File == "" {
		return r.End
	}
	s := fmt.Sprintf("%s\n%35s%s", r.File, "", r.Path)
	if r.Menu > 0 {
		s += fmt.Sprintf(", menu of %d", r.Menu)
	}
	if n, ok := sizeOf(r.Look); ok {
		s += fmt.Sprintf(", %d octets", n)
	}
	return s
}
