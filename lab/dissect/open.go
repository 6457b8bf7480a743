package dissect

import (
	"fmt"
	"strconv"
)

// maxFields bounds what is made of one frame: octets that were written to fill memory get no further. A DHCP message of 1500 octets
// full of options has some 800.
const maxFields = 4000

// Dissect opens a frame. It understands what a network boot consists of; of anything else it gives the layers that it knows, and the
// rest as octets. It never fails: what is malformed is said in the Bad of its field, and in Error why the frame could not be opened
// further.
func Dissect(data []byte, c Client) Frame { return open(data, c).frame }

// dissector opens one frame. All its offsets are those of the frame.
type dissector struct {
	data   []byte
	client Client
	frame  Frame
	paths  map[string]int    // how many fields asked for this path
	left   int               // fields that may still be made
	bad    map[string]string // what is wrong with fields that are not made yet, by path
	edits  map[string]edit
	places map[string]place // where fields can be added: "dhcp.option", "tftp"
	lens   []length         // the lengths that cover what is being opened, the outermost first

	src, dst       string // addresses of the frame's two ends, as far as they are known
	proto          byte   // of IP
	sport, dport   uint16
	ip, udp        int  // where these headers begin; zero: there is none
	v6             bool // the IP is version 6
	fragment       bool // the datagram goes on in other frames, or began in another
	cut            bool // the frame has fewer octets than its headers promise
	payload, until int  // the datagram's, within the frame
	packetEnd      int  // where IP's packet ends
	segment        int  // where the transport's header begins; zero: nowhere in this frame
	segmentEnd     int
	tight          bool // the options being opened stand in a field that cannot become longer or shorter
	bootp          *message
	behind         int // where the octets begin that stand behind the options of a DHCP message
}

// edit says how Change sets a field.
type edit struct {
	kind  kind
	at, n int
	fixed bool     // it cannot become longer or shorter
	lens  []length // lengths that cover it
	whole [2]int   // offset and octets of what is to be taken out to remove it; no octets: it cannot be removed
	bare  bool     // its own length is not the last of lens
	only  bool     // it can be removed only, as it has no value
}

// place is where fields of a family can be added.
type place struct {
	at     int
	lens   []length
	encode func(name, value string) ([]byte, error)
}

// length is a length that counts the octets behind it.
type length struct{ at, octets int }

func open(data []byte, c Client) *dissector {
	d := &dissector{data: data, client: c, paths: map[string]int{}, left: maxFields, bad: map[string]string{},
		edits: map[string]edit{}, places: map[string]place{}}
	d.frame.Size = len(data)
	d.ethernet()
	if d.cut {
		d.fail("cut short: the frame ends after %s, and its headers promise more", count(len(data), "octet"))
	}
	if d.frame.Summary == "" {
		d.frame.Summary = "frame of " + count(len(data), "octet")
	}
	return d
}

// layer puts a layer into the frame.
func (d *dissector) layer(f Field) { d.frame.Layers = append(d.frame.Layers, f) }

// summarize says in one line what the frame is. The innermost layer has the last word.
func (d *dissector) summarize(format string, args ...any) {
	d.frame.Summary = fmt.Sprintf(format, args...)
}

// fail says why the frame was not opened further.
func (d *dissector) fail(format string, args ...any) {
	if d.frame.Error == "" {
		d.frame.Error = fmt.Sprintf(format, args...)
	}
}

// full reports whether as many fields were made as one frame may have, and says so.
func (d *dissector) full() bool {
	if d.left > 0 {
		return false
	}
	d.fail("the frame has more than %d fields: the rest is not shown", maxFields)
	return true
}

// field makes a field, under a path that no other has.
func (d *dissector) field(path, name string, at, n int) Field {
	d.left--
	d.paths[path]++
	unique := path
	for n := d.paths[path]; n > 1; n++ {
		if unique = path + "#" + strconv.Itoa(n); d.paths[unique] == 0 {
			d.paths[path], d.paths[unique] = n, 1
			break
		}
	}
	return Field{Path: unique, Name: name, At: at, Len: n, Bad: d.bad[unique]}
}

// value makes a field of octets of some kind.
func (d *dissector) value(path, name string, k kind, at, n int) Field {
	f := d.field(path, name, at, n)
	v := d.data[at : at+n]
	text, ok := k.show(v)
	if !ok {
		text = hexed(v)
		f.flaw(count(n, "octet") + " are not " + k.want)
	}
	f.Value = text
	return f
}

// editable makes a field that Change can set.
func (d *dissector) editable(path, name string, k kind, at, n int) Field {
	f := d.value(path, name, k, at, n)
	d.edit(&f, edit{kind: k, at: at, n: n})
	return f
}

// fixed makes a field that Change can set, but not make longer or shorter.
func (d *dissector) fixed(path, name string, k kind, at, n int) Field {
	f := d.value(path, name, k, at, n)
	d.edit(&f, edit{kind: k, at: at, n: n, fixed: true})
	return f
}

// edit notes how Change sets a field, or takes it out.
func (d *dissector) edit(f *Field, e edit) {
	if d.tight {
		e.fixed, e.whole = true, [2]int{}
	}
	e.lens = append([]length(nil), d.lens...)
	d.edits[f.Path] = e
	f.Edit = !e.only
}

// flaw adds what is wrong with a field.
func (f *Field) flaw(why string) {
	if f.Bad != "" {
		f.Bad += "; "
	}
	f.Bad += why
}

// with adds parts to a field.
func (f *Field) with(parts ...Field) { f.Fields = append(f.Fields, parts...) }

// means gives the field what it means.
func (f Field) means(meaning string) Field {
	f.Meaning = meaning
	return f
}

// spec gives the field where it is specified.
func (f Field) spec(s string) Field {
	f.Spec = s
	return f
}

// count says how many there are of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
