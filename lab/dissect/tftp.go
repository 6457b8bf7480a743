package dissect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	opRRQ   = 1
	opWRQ   = 2
	opDATA  = 3
	opACK   = 4
	opERROR = 5
	opOACK  = 6
)

var tftpOps = map[uint64]string{opRRQ: "RRQ, read request", opWRQ: "WRQ, write request", opDATA: "DATA", opACK: "ACK", opERROR: "ERROR",
	opOACK: "OACK, option acknowledgement"}

var tftpErrors = map[uint64]string{0: "not defined", 1: "file not found", 2: "access violation", 3: "disk full", 4: "illegal operation",
	5: "unknown transfer ID", 6: "file already exists", 7: "no such user", 8: "option refused"}

const specTFTP = "RFC 1350 section 5"

// looksLikeTFTP tells of a datagram between two ports of no name whether it is a step of a TFTP transfer. Nothing else in a network
// boot is like it.
func looksLikeTFTP(v []byte) bool {
	if len(v) < 4 || v[0] != 0 {
		return false
	}
	switch v[1] {
	case opRRQ, opWRQ:
		words := bytes.Split(v[2:], []byte{0})
		return len(words) >= 3 && strings.Contains("octet netascii mail", strings.ToLower(string(words[1]))) && len(words[1]) > 0
	case opDATA:
		return true
	case opACK:
		return len(v) == 4
	case opERROR:
		return v[2] == 0 && v[len(v)-1] == 0
	case opOACK:
		return v[len(v)-1] == 0 && bytes.Count(v[2:], []byte{0})%2 == 0
	}
	return false
}

// tftp opens one step of a TFTP transfer.
func (d *dissector) tftp(at, end int) {
	f := d.field("tftp", "TFTP", at, end-at).spec(specTFTP)
	if d.sport == portMTFTP || d.dport == portMTFTP || d.dport == portMTFTP-1 {
		f.Name, f.Spec = "MTFTP", "PXE 2.1 table 2-1, tags 1 to 5"
	}
	if end-at < 4 {
		f.flaw(fmt.Sprintf("a TFTP message has 4 octets at least, this one %d", end-at))
		d.layer(f)
		return
	}
	op := binary.BigEndian.Uint16(d.data[at:])
	f.with(d.value("tftp.op", "opcode", named(kindWord, tftpOps), at, 2).spec(specTFTP))
	switch op {
	case opRRQ, opWRQ:
		d.tftpRequest(&f, at+2, end)
	case opDATA:
		d.tftpData(&f, at, end)
	case opACK:
		d.tftpAck(&f, at)
	case opERROR:
		d.tftpError(&f, at, end)
	case opOACK:
		f.Spec = "RFC 2347"
		f.Value = "OACK " + strings.Join(d.tftpOptions(&f, at+2, end), " ")
		f.Meaning = "The server takes the file request with these options. An option that it does not repeat is off."
	default:
		f.flaw(fmt.Sprintf("opcode %d is none of TFTP", op))
	}
	f.Client = d.says("tftp", nil)
	if f.Value != "" {
		d.summarize("%s %s", f.Name, f.Value)
	}
	d.layer(f)
}

// cString makes a field of text up to a NUL, and gives the offset behind that.
func (d *dissector) cString(path, name string, at, end int) (Field, int) {
	n := bytes.IndexByte(d.data[at:end], 0)
	next := at + n + 1
	if n < 0 {
		n, next = end-at, end
	}
	f := d.editable(path, name, kindString, at, n)
	if at+n == next {
		f.flaw("no NUL ends it")
	}
	return f, next
}

// tftpRequest opens a request to read or write a file.
func (d *dissector) tftpRequest(f *Field, at, end int) {
	op := "RRQ"
	if d.data[at-1] == opWRQ {
		op = "WRQ"
	}
	file, next := d.cString("tftp.file", "file name", at, end)
	mode, next := d.cString("tftp.mode", "mode", next, end)
	file.Spec, mode.Spec = specTFTP, specTFTP
	file.Meaning = "The file that the client asks for, as the boot file name of DHCP named it."
	switch strings.ToLower(mode.Value) {
	case "octet":
		mode.Meaning = "The octets as they are; boot programs are fetched this way."
	case "netascii":
		mode.Meaning = "As text, with line ends changed on the way: that spoils a program."
	case "mail":
		mode.Meaning = "Obsolete: the file would be sent to a user."
	default:
		mode.flaw("a mode is octet, netascii or mail")
	}
	if file.Len == 0 {
		file.flaw("no file is named")
	}
	f.with(file, mode)
	words := d.tftpOptions(f, next, end)
	f.Value = strings.Join(append([]string{op, file.Value}, words...), " ")
}

// tftpOptions opens the pairs of names and values of RFC 2347.
func (d *dissector) tftpOptions(f *Field, at, end int) []string {
	var words []string
	d.places["tftp"] = place{at: end, encode: func(name, value string) ([]byte, error) {
		if !simple(name) {
			return nil, fmt.Errorf("%q is no name of a TFTP option (want letters and digits)", name)
		}
		v, err := kindString.read(value, nil)
		return append(append(append([]byte(name), 0), v...), 0), err
	}}
	for n := 1; at < end && !d.full(); n++ {
		stop := bytes.IndexByte(d.data[at:end], 0)
		name := string(d.data[at : at+max(stop, 0)])
		path := "tftp." + strings.ToLower(name)
		if !simple(name) {
			path = fmt.Sprintf("tftp.option.%d", n)
		}
		if stop < 0 || at+stop+1 >= end {
			o := d.octets(path, "option "+escape([]byte(name)), at, end)
			o.flaw("it has no value that a NUL ends")
			f.with(o)
			return words
		}
		o, next := d.cString(path, "option "+escape([]byte(name)), at+stop+1, end)
		e := d.edits[o.Path]
		e.whole, e.bare = [2]int{at, next - at}, true
		d.edits[o.Path] = e
		o.At, o.Len = at, next-at
		d.explainOption(&o, strings.ToLower(name))
		f.with(o)
		words = append(words, escape([]byte(name))+"="+o.Value)
		at = next
	}
	return words
}

// simple tells whether a name can be a part of a path as it is.
func simple(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return name != ""
}

// tftpData opens a block of a file.
func (d *dissector) tftpData(f *Field, at, end int) {
	block := binary.BigEndian.Uint16(d.data[at+2:])
	f.with(d.fixed("tftp.block", "block number", kindWord, at+2, 2).spec(specTFTP))
	if end > at+4 {
		f.with(d.octets("tftp.data", "data", at+4, end).spec(specTFTP))
	}
	f.Value = fmt.Sprintf("DATA block %d, %s", block, count(end-at-4, "octet"))
	f.Meaning = "A part of the file. A block that is shorter than the others, or empty, is the last."
}

// tftpAck opens an acknowledgement.
func (d *dissector) tftpAck(f *Field, at int) {
	block := binary.BigEndian.Uint16(d.data[at+2:])
	b := d.fixed("tftp.block", "block number", kindWord, at+2, 2).spec(specTFTP)
	b.Meaning = fmt.Sprintf("The receiver has all blocks up to %d, and waits for the next.", block)
	if block == 0 {
		b.Meaning = "The receiver takes the options as they were acknowledged, and waits for block 1 (RFC 2347)."
	}
	f.with(b)
	f.Value = fmt.Sprintf("ACK block %d", block)
}

// tftpError opens an error, which ends the transfer.
func (d *dissector) tftpError(f *Field, at, end int) {
	code := d.fixed("tftp.code", "error code", named(kindWord, tftpErrors), at+2, 2).spec(specTFTP)
	n := binary.BigEndian.Uint16(d.data[at+2:])
	text, _ := d.cString("tftp.message", "message", at+4, end)
	text.Spec = specTFTP
	code.Meaning = "The transfer is over."
	if n == 8 {
		code.Spec = "RFC 2347"
		code.Meaning = "The transfer is over. Clients send this as well when they only wanted to know the size of the file: then it is no failure."
	}
	code.Client = d.says(code.Path, d.data[at+2:at+4])
	f.Value = fmt.Sprintf("ERROR %d %s", n, text.Value)
	f.with(code, text)
}
