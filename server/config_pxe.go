package server

import "net/netip"

// PXEConfig is what PXE clients are told in options 60 and 43 (PXE 2.1 table 2-1). The zero PXEConfig is option 60
// alone: the client then asks port 4011 of the same host.
type PXEConfig struct {
	Control   *int        `json:"control,omitempty"`  // discovery control, tag 6: its bits 0 to 3
	Multicast netip.Addr  `json:"multicast,omitzero"` // group of boot servers, tag 7
	Servers   []PXEServer `json:"servers,omitempty"`  // tag 8
	Menu      []PXEItem   `json:"menu,omitempty"`     // tag 9
	Prompt    *PXEPrompt  `json:"prompt,omitempty"`   // tag 10

	MTFTP map[string]MTFTPTags `json:"mtftp,omitempty"` // by boot file: tags 1 to 5

	NoClass   bool `json:"noClass,omitempty"`   // flaw: leave out option 60
	AnyMenu   bool `json:"anyMenu,omitempty"`   // flaw: send the menu to iPXE's EFI builds, which have no code for it
	FullClass bool `json:"fullClass,omitempty"` // flaw: send the client's whole option 60 back
	NoEnd     bool `json:"noEnd,omitempty"`     // flaw: option 43 without tag 255
}

// PXEServer is one line of the list of boot servers.
type PXEServer struct {
	Type      int          `json:"type"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // none: any server of that type may answer
}

// PXEItem is one line of the boot menu.
type PXEItem struct {
	Type int    `json:"type"` // 0: local boot
	Text string `json:"text"`
}

// PXEPrompt is shown before the menu.
type PXEPrompt struct {
	Timeout int    `json:"timeout"` // seconds; 0: take the first item at once; 255: show the menu at once
	Text    string `json:"text,omitempty"`
}

// ProxyDHCPConfig is a proxyDHCP service (PXE 2.1 section 2.2.3).
type ProxyDHCPConfig struct {
	Ports     []int       `json:"ports,omitempty"` // of 67 and 4011; none means both
	Boot      *BootConfig `json:"boot,omitempty"`
	PXE       *PXEConfig  `json:"pxe,omitempty"`       // nil: the boot file is the whole answer
	ClassOnly bool        `json:"classOnly,omitempty"` // on port 67 say no more than PXEClient: the client then asks port 4011
	YourIP    netip.Addr  `json:"yourIP,omitzero"`     // flaw: an address in the offer
	AnyClient bool        `json:"anyClient,omitempty"` // flaw: answer clients that are no PXE clients, too
	Unrelayed bool        `json:"unrelayed,omitempty"` // flaw: offer by broadcast what a relay asked for
}

// BootServerConfig is a boot server (PXE 2.1 section 2.2.4): port 4011, and port 67 for discovery by broadcast.
type BootServerConfig struct {
	Boots     []BootServerItem `json:"boots"`
	Multicast netip.Addr       `json:"multicast,omitzero"`  // group to join, for discovery by multicast
	Broadcast bool             `json:"broadcast,omitempty"` // answer discovery by broadcast
	NoItem    bool             `json:"noItem,omitempty"`    // flaw: do not echo option 43.71
	ToAll     bool             `json:"toAll,omitempty"`     // flaw: answer by broadcast
	ToPort68  bool             `json:"toPort68,omitempty"`  // flaw: answer to port 68 whatever port it was asked from
}

// BootServerItem is what one type, and one layer of it, boots.
type BootServerItem struct {
	Type  int        `json:"type"`
	Layer int        `json:"layer,omitempty"`
	Boot  BootConfig `json:"boot"`

	Credentials     []uint32          `json:"credentials,omitempty"`     // BIS credential types of CredentialsFile
	CredentialsFile map[string]string `json:"credentialsFile,omitempty"` // architecture to file
	MTFTP           *MTFTPTags        `json:"mtftp,omitempty"`
}

// MTFTPTags are the tags 1 to 5 of option 43: how to take part in a multicast transfer.
type MTFTPTags struct {
	Group      netip.Addr `json:"group"`
	ClientPort int        `json:"clientPort"`
	ServerPort int        `json:"serverPort"`
	Timeout    int        `json:"timeout"` // seconds
	Delay      int        `json:"delay"`   // seconds
}

// BOOTPConfig is a BOOTP server that knows no DHCP (RFC 951).
type BOOTPConfig struct {
	First        netip.Addr    `json:"first"` // range of the pool, both ends included
	Last         netip.Addr    `json:"last"`
	File         string        `json:"file,omitempty"`         // boot file of all clients
	NextServer   netip.Addr    `json:"nextServer,omitzero"`    // siaddr; zero means the server's own address
	Reservations []Reservation `json:"reservations,omitempty"` // by MAC
	Once         bool          `json:"once,omitempty"`         // flaw: answer each client once only
}
