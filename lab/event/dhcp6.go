package event

// DHCP6 is a DHCPv6 message (RFC 8415), reduced to what network boot uses (RFC 5970).
type DHCP6 struct {
	Type        string   `json:"type"`                  // "SOLICIT", "ADVERTISE", "REQUEST", "REPLY" ...; "TYPE 99" if unknown
	XID         string   `json:"xid,omitempty"`         // 6 hex digits; relays' messages have none
	ClientID    string   `json:"clientID,omitempty"`    // option 1, a DUID in hex
	ServerID    string   `json:"serverID,omitempty"`    // option 2, a DUID in hex
	IAs         []IA     `json:"ias,omitempty"`         // option 3, in the order sent
	Status      string   `json:"status,omitempty"`      // option 13 of the message: "NoAddrsAvail no address is free"
	RapidCommit bool     `json:"rapidCommit,omitempty"` // option 14
	BootURL     string   `json:"bootURL,omitempty"`     // option 59
	BootParams  []string `json:"bootParams,omitempty"`  // option 60
	Archs       []int    `json:"archs,omitempty"`       // option 61
	NII         string   `json:"nii,omitempty"`         // option 62, hex (type, major, minor)
	VendorClass string   `json:"vendorClass,omitempty"` // option 16, the first class of it: "PXEClient:Arch:00007:UNDI:003000"
	Requested   []int    `json:"requested,omitempty"`   // option 6
	Options     []string `json:"options,omitempty"`     // option numbers in the order sent
	// Repeat counts earlier packets of this guest's boot with the same type, xid, sender and direction.
	Repeat int `json:"repeat,omitempty"`
}

// IA is an identity association for addresses (option 3): firmware may run several clients, which differ by it.
type IA struct {
	ID        string   `json:"id"`                  // IAID, 8 hex digits
	Addresses []string `json:"addresses,omitempty"` // option 5, whatever their lifetimes
	Status    string   `json:"status,omitempty"`    // option 13 inside it
}
