// Package dissect opens a frame into its fields, for a person to read: each with its octets, its value, what that means in plain words
// and where it is specified. It also makes a frame with some of its fields changed.
//
// It is pure, and reads a frame by itself: what came before it is for whoever shows it to say.
package dissect

// Frame is one Ethernet frame, opened.
type Frame struct {
	Summary string  `json:"summary"` // one line: "DHCPOFFER 192.0.2.100 file probe.0"
	Size    int     `json:"size"`    // octets
	Layers  []Field `json:"layers"`  // Ethernet, IPv4, UDP, DHCP ...: the outermost first
	Error   string  `json:"error,omitempty"`
}

// Field is a field of a frame, or a layer of it. A field whose octets mean something in parts has these as Fields.
type Field struct {
	// Path names the field for links, edits and lessons, and is unique in the frame: "dhcp.yiaddr", "dhcp.option.43",
	// "dhcp.option.43.8", "tftp.tsize", "ip.ttl". A second one of a kind gets "#2" behind it.
	Path string `json:"path"`
	Name string `json:"name"` // as the specification calls it: "yiaddr", "option 43 (vendor-specific information)"
	// Value is the field's value as text, on one line; what does not print is escaped.
	Value string `json:"value,omitempty"`
	// Meaning says in plain words what this value says to the receiver; a sentence or two, empty where the value says it all.
	Meaning string `json:"meaning,omitempty"`
	// Client says what the machine's firmware does with it, or does not, if that is known and worth knowing.
	Client string  `json:"client,omitempty"`
	Spec   string  `json:"spec,omitempty"` // "RFC 2132 section 9.13", "PXE 2.1 section 2.2.3, tag 8"
	At     int     `json:"at"`             // offset of its first octet in the frame
	Len    int     `json:"len"`            // octets
	Bad    string  `json:"bad,omitempty"`  // why it is malformed, or breaks a rule that receivers rely on
	Edit   bool    `json:"edit,omitempty"` // Change can set it
	Fields []Field `json:"fields,omitempty"`
}

// Client is what receives or sends the frame, as far as it is known: its firmware decides what becomes of a field.
type Client struct {
	Firmware string // of the plan: "bios", "ovmf-x64", "ovmf-x64-ipxe", "ovmf-ia32"; empty: not known
	// FromGuest says that the guest sent the frame.
	FromGuest bool
	// MAC is the hardware address of its card, "52:54:00:70:78:01"; empty: not known. A DHCP message for another machine is known by it.
	MAC string
}
