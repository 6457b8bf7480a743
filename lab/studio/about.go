package studio

import (
	"net/http"
	"path"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/story"
)

// About is what is shown, as the page is told first.
type About struct {
	Kind      string       `json:"kind"` // "lab", "bundle" or "capture"
	Name      string       `json:"name"`
	About     string       `json:"about,omitempty"`
	Version   string       `json:"version"`   // of pxelab
	Live      bool         `json:"live"`      // items still come
	WatchOnly bool         `json:"watchOnly"` // nothing can be changed
	Bundle    string       `json:"bundle,omitempty"`
	Notes     []string     `json:"notes,omitempty"` // of the recording as a whole
	Networks  []Network    `json:"networks"`
	Services  []Service    `json:"services"`
	Guests    []Guest      `json:"guests"`
	Lanes     []story.Lane `json:"lanes"`  // in the order of drawing, as far as they are known
	Vendor    bool         `json:"vendor"` // the terminal is there
	Lesson    *string      `json:"lesson"` // the name of the one that is taught
}

// Network is a segment.
type Network struct {
	Name    string `json:"name"`
	Subnet  string `json:"subnet,omitempty"`
	Subnet6 string `json:"subnet6,omitempty"`
}

// Service is a host with servers.
type Service struct {
	Name      string   `json:"name"`
	Networks  []string `json:"networks"`
	Addresses []string `json:"addresses"`
	Roles     []string `json:"roles"`
	Program   string   `json:"program,omitempty"` // of one that is not ours: its name
	Host      string   `json:"host,omitempty"`    // the service whose host it shares
}

// Guest is a machine that boots.
type Guest struct {
	Name     string `json:"name"`
	Firmware string `json:"firmware,omitempty"`
	Arch     string `json:"arch,omitempty"`
	MAC      string `json:"mac"`
	UUID     string `json:"uuid,omitempty"`
	Network  string `json:"network,omitempty"`
	NIC      string `json:"nic,omitempty"`
	Memory   int    `json:"memoryMiB,omitempty"`
}

// about describes a source to who may only watch.
func (s *Source) about(version string) About {
	s.mu.Lock()
	lanes := s.story.Lanes()
	s.mu.Unlock()
	a := About{Kind: s.kind, Name: s.plan.Name, About: s.plan.About, Version: version, Live: s.tale.live(), WatchOnly: true, Bundle: s.bundle,
		Notes: s.notes, Networks: []Network{}, Services: []Service{}, Guests: []Guest{}, Lanes: lanes, Vendor: Vendored()}
	if s.lesson != nil {
		a.Lesson = &s.lesson.Name
	}
	for _, n := range s.plan.Networks {
		network := Network{Name: n.Name}
		if n.Subnet.IsValid() {
			network.Subnet = n.Subnet.String()
		}
		if n.Subnet6.IsValid() {
			network.Subnet6 = n.Subnet6.String()
		}
		a.Networks = append(a.Networks, network)
	}
	for i := range s.plan.Services {
		a.Services = append(a.Services, service(&s.plan.Services[i]))
	}
	for i := range s.plan.Guests {
		g := &s.plan.Guests[i]
		a.Guests = append(a.Guests, Guest{Name: g.Name, Firmware: g.Firmware, Arch: g.Arch, MAC: g.MAC, UUID: g.UUID, Network: g.Network, NIC: g.NIC, Memory: g.Memory})
	}
	return a
}

func service(p *plan.Service) Service {
	out := Service{Name: p.Name, Networks: []string{}, Addresses: []string{}, Roles: p.Roles, Host: p.Host}
	if out.Roles == nil {
		out.Roles = []string{}
	}
	links := p.Links
	if len(links) == 0 {
		links = []plan.Link{{Network: p.Network, Address: p.Address}}
	}
	for _, l := range links {
		out.Networks = append(out.Networks, l.Network)
		if l.Address.IsValid() {
			out.Addresses = append(out.Addresses, l.Address.Addr().String())
		}
	}
	if p.Address6.IsValid() {
		out.Addresses = append(out.Addresses, p.Address6.Addr().String())
	}
	if p.Exec != nil && len(p.Exec.Argv) > 0 {
		out.Program = path.Base(p.Exec.Argv[0])
	}
	return out
}

func (s *Server) getAbout(w http.ResponseWriter, r *http.Request) {
	a := s.source.about(s.options.Version)
	a.WatchOnly = s.right(r) != steer
	reply(w, http.StatusOK, a)
}
