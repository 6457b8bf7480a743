package dissect

import (
	"fmt"
	"strconv"
	"strings"
)

// tftpOption is what is known of an option of TFTP.
type tftpOption struct {
	spec      string
	asked     string // what it says in a request
	granted   string // and in an OACK
	low, high int    // its values in an OACK, if it is a number
}

var tftpKnown = map[string]tftpOption{
	"blksize": {"RFC 2348", "The client would like blocks of this many octets.",
		"Blocks have this many octets. A block with its headers fits a frame of Ethernet up to 1468.", 8, 65464},
	"timeout": {"RFC 2349", "The client asks the server to send again after this many seconds.",
		"The server sends again after this many seconds.", 1, 255},
	"tsize": {"RFC 2349", "The client asks for the size of the file: it writes 0, and the server puts the size there.",
		"The size of the file, in octets.", 0, 1 << 62},
	"windowsize": {"RFC 7440", "The client would like this many blocks at a time, and to acknowledge the last of them only.",
		"The server sends this many blocks before it waits for an acknowledgement.", 1, 65535},
	"multicast": {"RFC 2090", "The client would take the file from a multicast group.",
		"Group, port, and whether this client is the one that acknowledges (1: it is).", 0, 0},
}

// explainOption says what an option of a request or an OACK means.
func (d *dissector) explainOption(f *Field, name string) {
	o, ok := tftpKnown[name]
	if !ok {
		f.Spec = "RFC 2347"
		f.Meaning = "An option of no RFC; who does not know it leaves it out of the OACK."
		return
	}
	f.Spec, f.Meaning = o.spec, o.granted
	if request := d.data[d.payload+1] != opOACK; request {
		f.Meaning = o.asked
		if n, err := strconv.Atoi(f.Value); name == "tsize" && err == nil && n > 0 && d.data[d.payload+1] == opWRQ {
			f.Meaning = "The size of the file that the client writes, in octets."
		}
	}
	f.Client = d.says("tftp."+name, []byte(f.Value))
	if o.high == 0 {
		if n := strings.Count(f.Value, ","); d.data[d.payload+1] == opOACK && n != 2 {
			f.flaw("it is group, port and master with commas between")
		}
		return
	}
	if n, err := strconv.Atoi(f.Value); err != nil || n < o.low || n > o.high {
		f.flaw(fmt.Sprintf("it must be a number from %d to %d", o.low, o.high))
	}
}
