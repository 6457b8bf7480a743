// Package server runs the PXE stack of one host: the roles its Config names, on one interface.
//
// It knows nothing of the lab. What it decides it tells an Observer, each decision with its reason.
package server

import (
	"net/netip"
	"time"
)

// Config is one service process: its address and the roles it plays there. A nil role is not played.
type Config struct {
	Name      string       `json:"name"`              // for decisions and logs
	Interface string       `json:"interface"`         // sockets are bound to it, so no other network is ever served
	Address   netip.Prefix `json:"address"`           // own address on that interface, with the subnet's length
	Address6  netip.Prefix `json:"address6,omitzero"` // own IPv6 address there; either may be absent
	DHCP6     *DHCP6Config `json:"dhcp6,omitempty"`   // UDP 547 over IPv6
	DHCP      *DHCPConfig  `json:"dhcp,omitempty"`    // UDP 67
	BOOTP     *BOOTPConfig `json:"bootp,omitempty"`   // UDP 67
	TFTP      *TFTPConfig  `json:"tftp,omitempty"`    // UDP 69
	MTFTP     *MTFTPConfig `json:"mtftp,omitempty"`   // UDP 1759
	HTTP      *HTTPConfig  `json:"http,omitempty"`    // TCP 80
	Echo      *EchoConfig  `json:"echo,omitempty"`    // answers a probe's datagram
	Relay     *RelayConfig `json:"relay,omitempty"`   // UDP 67, on interfaces of its own

	ProxyDHCP  *ProxyDHCPConfig  `json:"proxydhcp,omitempty"`  // UDP 67 and 4011
	BootServer *BootServerConfig `json:"bootserver,omitempty"` // UDP 4011, and 67

	Seed int64 `json:"seed,omitempty"` // unused by any role that needs no choice
}

// DHCPConfig is a DHCP server (RFC 2131), with or without boot information.
type DHCPConfig struct {
	First        netip.Addr    `json:"first"` // range of the pool, both ends included
	Last         netip.Addr    `json:"last"`
	Lease        time.Duration `json:"lease"` // lease time; zero means one hour
	Router       netip.Addr    `json:"router,omitzero"`
	DNS          []netip.Addr  `json:"dns,omitempty"`
	Pools        []PoolConfig  `json:"pools,omitempty"` // for clients behind relay agents
	Reservations []Reservation `json:"reservations,omitempty"`
	Boot         *BootConfig   `json:"boot,omitempty"` // with neither Boot nor PXE this server has never heard of PXE
	PXE          *PXEConfig    `json:"pxe,omitempty"`  // nil: PXE clients are told a file and nothing more
}

// Reservation ties an address, a boot file or both to one client, named by exactly one of MAC and UUID.
type Reservation struct {
	MAC     string     `json:"mac,omitempty"`  // 52:54:00:12:34:56
	UUID    string     `json:"uuid,omitempty"` // as SMBIOS and virsh print it; option 97 is compared in its byte order
	Address netip.Addr `json:"address,omitzero"`
	File    string     `json:"file,omitempty"` // boot file for this client whatever its architecture
}

// BootConfig is what a PXE client is told: which file, from where.
type BootConfig struct {
	NextServer netip.Addr        `json:"nextServer,omitzero"` // siaddr; zero means the server's own address
	Files      map[string]string `json:"files,omitempty"`     // architecture name ("bios", "efi-x64") to boot file
	IPXE       map[string]string `json:"ipxe,omitempty"`      // the same for clients whose option 77 is "iPXE": breaks the chain-load loop
	HTTP       map[string]string `json:"http,omitempty"`      // architecture name to URI, for UEFI HTTP boot (option 60 HTTPClient)
	Default    string            `json:"default,omitempty"`   // for an architecture that Files does not name
	NoProxy    bool              `json:"noProxy,omitempty"`   // option 175.176 = 1 to iPXE: do not wait for a proxyDHCP offer
}

// EchoConfig is a UDP service that answers every datagram with "ECHO:" and its payload.
type EchoConfig struct {
	Port int `json:"port"`
}
