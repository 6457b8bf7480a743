package pxe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// OptVendor carries the PXE options, each with a tag and a length of its own (PXE 2.1 table 2-1, RFC 2132 section 8.4).
const OptVendor = 43

// Tags inside option 43 (PXE 2.1 table 2-1).
const (
	TagPad            = 0
	TagMTFTPAddr      = 1
	TagMTFTPClient    = 2
	TagMTFTPServer    = 3
	TagMTFTPTimeout   = 4
	TagMTFTPDelay     = 5
	TagControl        = 6
	TagMulticast      = 7
	TagServers        = 8
	TagMenu           = 9
	TagPrompt         = 10
	TagMulticastAlloc = 11
	TagCredentials    = 12
	TagItem           = 71
	TagEnd            = 255
)

// Control is PXE_DISCOVERY_CONTROL (PXE 2.1 table 2-1, tag 6).
type Control byte

// The bits of Control. Zero, which is also what a missing tag means, allows every way of discovery.
const (
	NoBroadcast Control = 1 << iota // do not discover boot servers by broadcast
	NoMulticast                     // nor by multicast
	OnlyListed                      // accept only servers that the server list names
	Direct                          // boot the file named in the offer: no prompt, menu or discovery
)

// ServerType is a type of boot server (PXE 2.1 table 2-1, tag 8): 0 is the client itself ("local boot"), 1 to 14 and
// the like belong to vendors by name, 0x8000 and above are free.
type ServerType uint16

// The types that have a meaning of their own.
const (
	LocalBoot ServerType = 0
	APITest   ServerType = 0xffff // PXE API test server
)

// Item is PXE_BOOT_ITEM: which boot server type, and which layer of its boot program (tag 71).
type Item struct {
	Type  ServerType
	Layer uint16 // bit 15, CredentialsLayer, asks for the layer's credentials file
}

// CredentialsLayer marks a request for the credentials of a layer rather than the layer (PXE 2.1 tag 71; BIS).
const CredentialsLayer = 0x8000

// Server is one line of the list of boot servers (tag 8).
type Server struct {
	Type  ServerType
	Addrs []netip.Addr // none: any server of that type may answer
}

// MenuItem is one line of the boot menu (tag 9).
type MenuItem struct {
	Type ServerType
	Text string // 1 to 255 octets
}

// Prompt is shown before the menu (tag 10).
type Prompt struct {
	Timeout byte // seconds; 0 takes the first item at once, 255 shows the menu at once and waits for ever
	Text    string
}

// MTFTP is how to take part in a multicast transfer (tags 1 to 5).
type MTFTP struct {
	Addr       netip.Addr // group that the file is sent to
	ClientPort uint16     // that clients listen on
	ServerPort uint16     // that the opener asks
	Timeout    byte       // seconds to listen before opening a transfer oneself
	Delay      byte       // seconds of silence before opening one again
}

// MulticastAlloc is the block of addresses that a server sets aside for multicast transfers (tag 11).
type MulticastAlloc struct {
	Base  netip.Addr
	Block uint16 // size of a block
	Range uint16
}

// Vendor is the decoded content of option 43 as PXE uses it. A nil field is a tag that is not there.
type Vendor struct {
	MTFTP       *MTFTP
	Control     *Control
	Multicast   netip.Addr // group for discovery by multicast; zero: none named
	Servers     []Server
	Menu        []MenuItem
	Prompt      *Prompt
	Alloc       *MulticastAlloc
	Credentials []uint32 // credential types of BIS that the client can check
	Item        *Item
}

// maxVendor is the longest option 43 that is sent. RFC 3396 would split a longer one, but EDK2 reads only the first
// part and iPXE does not join them.
const maxVendor = 255

// Marshal encodes the tags in ascending order and ends them with tag 255: Intel's ROMs read on without it.
func (v *Vendor) Marshal() ([]byte, error) {
	var w tlv
	if m := v.MTFTP; m != nil {
		w.addr(TagMTFTPAddr, m.Addr)
		w.put(TagMTFTPClient, binary.BigEndian.AppendUint16(nil, m.ClientPort))
		w.put(TagMTFTPServer, binary.BigEndian.AppendUint16(nil, m.ServerPort))
		w.put(TagMTFTPTimeout, []byte{m.Timeout})
		w.put(TagMTFTPDelay, []byte{m.Delay})
	}
	if v.Control != nil {
		w.put(TagControl, []byte{byte(*v.Control)})
	}
	if v.Multicast.IsValid() {
		w.addr(TagMulticast, v.Multicast)
	}
	if len(v.Servers) > 0 {
		w.put(TagServers, w.servers(v.Servers))
	}
	if len(v.Menu) > 0 {
		w.put(TagMenu, w.menu(v.Menu))
	}
	if v.Prompt != nil {
		w.put(TagPrompt, append([]byte{v.Prompt.Timeout}, v.Prompt.Text...))
	}
	if a := v.Alloc; a != nil {
		w.alloc(a)
	}
	if len(v.Credentials) > 0 {
		var b []byte
		for _, c := range v.Credentials {
			b = binary.BigEndian.AppendUint32(b, c)
		}
		w.put(TagCredentials, b)
	}
	if v.Item != nil {
		b := binary.BigEndian.AppendUint16(nil, uint16(v.Item.Type))
		w.put(TagItem, binary.BigEndian.AppendUint16(b, v.Item.Layer))
	}
	w.b = append(w.b, TagEnd)
	if len(w.b) > maxVendor {
		w.err = errors.Join(w.err, fmt.Errorf("option 43 would have %d octets, of which clients read %d; shorten the menu or the server list", len(w.b), maxVendor))
	}
	return w.b, w.err
}

// tlv is an option 43 under construction.
type tlv struct {
	b   []byte
	err error
}

func (w *tlv) put(tag byte, value []byte) {
	if len(value) > 255 {
		w.err = errors.Join(w.err, fmt.Errorf("tag %d of option 43 would have %d octets (255 at most)", tag, len(value)))
		return
	}
	w.b = append(append(w.b, tag, byte(len(value))), value...)
}

func (w *tlv) addr(tag byte, a netip.Addr) {
	if !a.Is4() {
		w.err = errors.Join(w.err, fmt.Errorf("tag %d of option 43: %s is not an IPv4 address", tag, a))
		return
	}
	w.put(tag, a.AsSlice())
}

func (w *tlv) servers(list []Server) []byte {
	var b []byte
	for _, s := range list {
		if len(s.Addrs) > 255 {
			w.err = errors.Join(w.err, fmt.Errorf("boot server type %#x has %d addresses (255 at most)", uint16(s.Type), len(s.Addrs)))
			continue
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(s.Type)), byte(len(s.Addrs)))
		for _, a := range s.Addrs {
			if !a.Is4() {
				w.err = errors.Join(w.err, fmt.Errorf("boot server type %#x: %s is not an IPv4 address", uint16(s.Type), a))
				continue
			}
			b = append(b, a.AsSlice()...)
		}
	}
	return b
}

func (w *tlv) menu(items []MenuItem) []byte {
	var b []byte
	for _, i := range items {
		if len(i.Text) == 0 || len(i.Text) > 255 {
			w.err = errors.Join(w.err, fmt.Errorf("menu item %q has %d octets (1 to 255)", i.Text, len(i.Text)))
			continue
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(i.Type)), byte(len(i.Text)))
		b = append(b, i.Text...)
	}
	return b
}

func (w *tlv) alloc(a *MulticastAlloc) {
	if !a.Base.Is4() {
		w.err = errors.Join(w.err, fmt.Errorf("tag %d of option 43: %s is not an IPv4 address", TagMulticastAlloc, a.Base))
		return
	}
	b := binary.BigEndian.AppendUint16(a.Base.AsSlice(), a.Block)
	w.put(TagMulticastAlloc, binary.BigEndian.AppendUint16(b, a.Range))
}

// ParseVendor decodes an option 43. Tags it does not know are skipped; tag 255 ends the list, and so does the end of
// the option. What it returns beside an error is what could be read before it.
func ParseVendor(b []byte) (*Vendor, error) {
	v := &Vendor{}
	var seen []byte
	mtftp := &MTFTP{}
	for len(b) > 0 {
		tag := b[0]
		switch tag {
		case TagPad:
			b = b[1:]
			continue
		case TagEnd:
			b = nil
			continue
		}
		if len(b) < 2 || len(b)-2 < int(b[1]) {
			return v, fmt.Errorf("option 43: tag %d is cut short", tag)
		}
		value := b[2 : 2+int(b[1])]
		b = b[2+len(value):]
		if slices.Contains(seen, tag) {
			return v, fmt.Errorf("option 43: tag %d is there twice", tag)
		}
		seen = append(seen, tag)
		if err := v.parse(tag, value, mtftp); err != nil {
			return v, err
		}
	}
	missing := slices.DeleteFunc([]byte{TagMTFTPAddr, TagMTFTPClient, TagMTFTPServer, TagMTFTPTimeout, TagMTFTPDelay},
		func(t byte) bool { return slices.Contains(seen, t) })
	if len(missing) == 0 {
		v.MTFTP = mtftp
	} else if len(missing) < 5 {
		return v, fmt.Errorf("option 43: of the MTFTP tags 1 to 5, %d are missing, and they count together only", len(missing))
	}
	return v, nil
}

// lengths holds the tags of one fixed length.
var lengths = map[byte]int{TagMTFTPAddr: 4, TagMTFTPClient: 2, TagMTFTPServer: 2, TagMTFTPTimeout: 1, TagMTFTPDelay: 1,
	TagControl: 1, TagMulticast: 4, TagMulticastAlloc: 8, TagItem: 4}

func (v *Vendor) parse(tag byte, b []byte, m *MTFTP) error {
	if want, ok := lengths[tag]; ok && len(b) != want {
		return fmt.Errorf("option 43: tag %d has %d octets, not %d", tag, len(b), want)
	}
	switch tag {
	case TagMTFTPAddr:
		m.Addr = netip.AddrFrom4([4]byte(b))
	case TagMTFTPClient:
		m.ClientPort = binary.BigEndian.Uint16(b)
	case TagMTFTPServer:
		m.ServerPort = binary.BigEndian.Uint16(b)
	case TagMTFTPTimeout:
		m.Timeout = b[0]
	case TagMTFTPDelay:
		m.Delay = b[0]
	case TagControl:
		c := Control(b[0])
		v.Control = &c
	case TagMulticast:
		v.Multicast = netip.AddrFrom4([4]byte(b))
	case TagServers:
		return v.parseServers(b)
	case TagMenu:
		return v.parseMenu(b)
	case TagPrompt:
		if len(b) == 0 {
			return errors.New("option 43: tag 10 has no time-out")
		}
		v.Prompt = &Prompt{Timeout: b[0], Text: string(b[1:])}
	case TagMulticastAlloc:
		v.Alloc = &MulticastAlloc{netip.AddrFrom4([4]byte(b)), binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])}
	case TagCredentials:
		if len(b)%4 != 0 || len(b) == 0 {
			return fmt.Errorf("option 43: tag 12 has %d octets, no multiple of 4", len(b))
		}
		for ; len(b) > 0; b = b[4:] {
			v.Credentials = append(v.Credentials, binary.BigEndian.Uint32(b))
		}
	case TagItem:
		v.Item = &Item{ServerType(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint16(b[2:])}
	}
	return nil
}

func (v *Vendor) parseServers(b []byte) error {
	for len(b) > 0 {
		if len(b) < 3 || len(b)-3 < 4*int(b[2]) {
			return errors.New("option 43: the boot server list (tag 8) is cut short")
		}
		s := Server{Type: ServerType(binary.BigEndian.Uint16(b))}
		addrs := b[3 : 3+4*int(b[2])]
		b = b[3+len(addrs):]
		for ; len(addrs) > 0; addrs = addrs[4:] {
			s.Addrs = append(s.Addrs, netip.AddrFrom4([4]byte(addrs)))
		}
		v.Servers = append(v.Servers, s)
	}
	return nil
}

func (v *Vendor) parseMenu(b []byte) error {
	for len(b) > 0 {
		if len(b) < 3 || len(b)-3 < int(b[2]) || b[2] == 0 {
			return errors.New("option 43: the boot menu (tag 9) is cut short or has an empty text")
		}
		v.Menu = append(v.Menu, MenuItem{ServerType(binary.BigEndian.Uint16(b)), string(b[3 : 3+int(b[2])])})
		b = b[3+int(b[2]):]
	}
	return nil
}
