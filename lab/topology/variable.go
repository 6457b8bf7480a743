package topology

import (
	"errors"
	"fmt"
	"strings"
)

// variableError is a variable that nobody gives a value.
type variableError string

func (e variableError) Error() string { return fmt.Sprintf("unknown variable ${%s}", string(e)) }

func unknownVariable(err error) string {
	var e variableError
	errors.As(err, &e)
	return string(e)
}

// Files is the variable with the folder of a program's images, as seen from its working directory.
const Files = "self.files"

// Expand replaces every ${NAME} in a text by its value. $${ stands for ${ itself.
func Expand(text string, value func(name string) (string, bool)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			out.WriteString(text)
			return out.String(), nil
		}
		if strings.HasSuffix(before, "$") {
			out.WriteString(before + "{")
			text = rest
			continue
		}
		name, rest, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("${%.20s has no } behind it; $${ stands for ${ itself", name)
		}
		v, ok := value(name)
		if !ok {
			return "", variableError(name)
		}
		out.WriteString(before + v)
		text = rest
	}
}

// Variables lists what may stand in ${} in the texts of a service: of each service, and of itself as self, the
// address, interface and mac (on its first network, or with the network's name behind a dot on that one); of each
// network the subnet, netmask and broadcast address; of each guest the mac; Files, if it serves images; and Certificates.
func (t *Topology) Variables(self string) []string {
	var out []string
	of := func(name string, s Service) {
		for _, what := range []string{"address", "interface", "mac"} {
			if what != "address" || s.Address.IsValid() {
				out = append(out, name+"."+what)
			}
			for _, l := range s.Links {
				out = append(out, name+"."+what+"."+l.Network)
			}
		}
	}
	for _, s := range t.Services {
		if s.Name == self && s.Exec != nil && len(s.Exec.Images) > 0 {
			out = append(out, Files)
		}
		if s.Name == self {
			of("self", s)
		}
		of(s.Name, s)
	}
	for _, n := range t.Networks {
		for _, what := range []string{"subnet", "netmask", "broadcast"} {
			if n.Subnet.Addr().Is4() || what == "subnet" {
				out = append(out, "network."+n.Name+"."+what)
			}
		}
	}
	for _, g := range t.Guests {
		out = append(out, "guest."+g.Name+".mac")
	}
	return append(out, Certificates...)
}
