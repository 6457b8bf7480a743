package dissect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxFrame is the longest frame of Ethernet, without its checksum.
const maxFrame = 1514

// Change makes a frame in which some fields are different. Each change is "PATH=VALUE", which sets a field or adds an option that is
// not there, or "-PATH", which takes an option out; the paths are those of Dissect, and a value is written as Dissect writes it, or as
// "hex:0a1b2c". Lengths and checksums are mended, END and the order of the options stay, and a message of BOOTP's 300 octets does not
// become shorter. The data is not changed.
//
// An error says which change cannot be made, and what can be written.
func Change(data []byte, changes []string) ([]byte, error) {
	data = slices.Clone(data)
	for _, c := range changes {
		changed, err := change(data, c)
		if err != nil {
			return nil, fmt.Errorf("change %.100q: %w", c, err)
		}
		data = changed
	}
	return data, nil
}

func change(data []byte, c string) ([]byte, error) {
	d := open(data, Client{})
	if name, out := strings.CutPrefix(c, "-"); out {
		e, ok := d.edits[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("the frame has no %s to take out; it has %s", name, d.have(func(e edit) bool { return e.whole[1] > 0 }))
		case e.whole[1] == 0:
			return nil, fmt.Errorf("%s cannot be taken out: it is a field, or an option in one", name)
		}
		lens := e.lens
		if n := len(lens); n > 0 && !e.bare { // its own length goes with it
			lens = lens[:n-1]
		}
		return d.splice(e.whole[0], e.whole[1], nil, lens)
	}
	path, text, ok := strings.Cut(c, "=")
	if !ok {
		return nil, errors.New(`it is neither PATH=VALUE nor -PATH; write "dhcp.option.60=PXEClient" or "-dhcp.option.60"`)
	}
	if e, ok := d.edits[path]; ok && !e.only {
		return d.set(path, e, text)
	}
	return d.insert(path, text)
}

// set puts a value in the place of another.
func (d *dissector) set(path string, e edit, text string) ([]byte, error) {
	v, err := e.kind.read(text, d.data[e.at:e.at+e.n])
	if err != nil {
		return nil, err
	}
	if e.fixed && len(v) != e.n {
		return nil, fmt.Errorf("%s has %s, and the value %d", path, count(e.n, "octet"), len(v))
	}
	return d.splice(e.at, e.n, v, e.lens)
}

// insert adds an option that is not there.
func (d *dissector) insert(path, text string) ([]byte, error) {
	dot := max(strings.LastIndexByte(path, '.'), 0)
	p, ok := d.places[path[:dot]]
	if err := d.orphan(path[:dot]); !ok && err != nil {
		return nil, err
	}
	if !ok || d.paths[path] > 0 {
		return nil, fmt.Errorf("the frame has no field %s that can be set; it has %s%s", path, d.have(func(e edit) bool { return !e.only }), d.adds())
	}
	v, err := p.encode(strings.TrimPrefix(path[dot:], "."), text)
	if err != nil {
		return nil, err
	}
	return d.splice(p.at, 0, v, p.lens)
}

// orphan says what must be done first, where something is to be added to an option that cannot hold it.
func (d *dissector) orphan(parent string) error {
	dot := max(strings.LastIndexByte(parent, '.'), 0)
	switch _, ok := d.places[parent[:dot]]; {
	case !ok:
		return nil
	case d.paths[parent] == 0:
		return fmt.Errorf("there is no %s to add to; add that first, as %s=hex:ff", parent, parent)
	case parent == "dhcp.option.43":
		return errors.New(`option 43 is PXE's only if option 60 says so; set "dhcp.option.60=PXEClient" first`)
	}
	return nil
}

// have lists the fields that can be changed in some way.
func (d *dissector) have(can func(edit) bool) string {
	names := slices.Sorted(maps.Keys(d.edits))
	names = slices.DeleteFunc(names, func(n string) bool { return !can(d.edits[n]) })
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// adds lists what can be added to.
func (d *dissector) adds() string {
	if len(d.places) == 0 {
		return ""
	}
	return "; or add " + strings.Join(slices.Sorted(maps.Keys(d.places)), ".N, ") + ".N"
}

// splice puts octets in the place of others, and mends what counts or sums them.
func (d *dissector) splice(at, n int, v []byte, lens []length) ([]byte, error) {
	more := len(v) - n
	if more != 0 && !d.whole() {
		return nil, errors.New("the frame does not hold the whole packet, so its lengths cannot be mended")
	}
	out := slices.Concat(d.data[:at], v, d.data[at+n:])
	if err := grow(out, more, lens); err != nil {
		return nil, err
	}
	if more != 0 {
		var err error
		if out, more, err = d.fill(out, at, more); err != nil {
			return nil, err
		}
		if out, err = d.resize(out, more); err != nil {
			return nil, err
		}
	}
	d.resum(out, more)
	return out, nil
}

// grow adds to the lengths that cover a place.
func grow(out []byte, more int, lens []length) error {
	for _, l := range lens {
		field := out[l.at : l.at+l.octets]
		n := int(big(field)) + more
		if limit := 1<<(8*l.octets) - 1; n < 0 || n > limit {
			return fmt.Errorf("it or an option around it would have %d octets (%d at most)", n, limit)
		}
		if l.octets == 1 {
			field[0] = byte(n)
		} else {
			binary.BigEndian.PutUint16(field, uint16(n))
		}
	}
	return nil
}

// fill keeps a DHCP message as long as it was with the octets behind END, which fill it up, or at least as long as BOOTP's were.
func (d *dissector) fill(out []byte, at, more int) ([]byte, int, error) {
	if d.bootp == nil || at < d.payload || at > d.until {
		return out, more, nil
	}
	was := d.until - d.payload
	tail := d.tail()
	end := d.until + more
	least := min(was, bootpLeast)
	if tail > 0 {
		least = was
	}
	pad := max(least-(was+more), -tail)
	if pad >= 0 {
		out = slices.Concat(out[:end], make([]byte, pad), out[end:])
	} else {
		out = slices.Concat(out[:end+pad], out[end:])
	}
	return out, more + pad, nil
}

// tail counts the octets of nought at the end of a DHCP message, behind its options.
func (d *dissector) tail() int {
	n := 0
	for n < d.until-d.behind && d.data[d.until-1-n] == 0 {
		n++
	}
	return n
}

// resize mends the lengths of UDP and IP, and Ethernet's padding.
func (d *dissector) resize(out []byte, more int) ([]byte, error) {
	if d.udp == 0 {
		return nil, errors.New("only UDP datagrams can become longer or shorter")
	}
	if more > 0 && len(out) > maxFrame && len(out) > len(d.data) {
		return nil, fmt.Errorf("the frame would have %d octets (Ethernet carries %d at most)", len(out), maxFrame)
	}
	binary.BigEndian.PutUint16(out[d.udp+4:], uint16(d.until-d.udp+more))
	total := out[d.ip+2:]
	if d.v6 {
		total = out[d.ip+4:]
	}
	binary.BigEndian.PutUint16(total, binary.BigEndian.Uint16(total)+uint16(more))
	if pad := d.data[d.packetEnd:]; len(pad) > 0 && allZero(pad) { // the frame stays as long as it was, if it can
		out = append(out[:d.packetEnd+more], make([]byte, max(len(pad)-more, 0))...)
	}
	return out, nil
}

// resum mends the checksums of IP and of what it carries.
func (d *dissector) resum(out []byte, more int) {
	if d.ip == 0 {
		return
	}
	if !d.v6 {
		head := out[d.ip : d.ip+int(out[d.ip]&15)*4]
		binary.BigEndian.PutUint16(head[10:], sum16(head, 10))
	}
	field := map[byte]int{protoUDP: 6, protoTCP: 16, protoICMPv6: 2}[d.proto]
	if field == 0 || !d.whole() || d.segment == 0 {
		return
	}
	end := d.segmentEnd + more
	if end-d.segment < field+2 || d.proto == protoUDP && out[d.segment+6] == 0 && out[d.segment+7] == 0 {
		return // UDP of IPv4 may go without one
	}
	sums := *d
	sums.data = out
	binary.BigEndian.PutUint16(out[d.segment+field:], sums.transportSum(d.proto, d.segment, end, field))
}
