package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server/bis"
)

// Signed is a boot program in a TFTP root that is signed when the bundle is made, with a signer made then.
type Signed struct {
	File        string     `json:"file"`
	Credentials string     `json:"credentials"`    // the credentials file, in the same root
	Flaw        bis.Reason `json:"flaw,omitempty"` // why a client refuses the program; empty: it does not
}

// The certificates for clients with BIS, as PEM files in the bundle.
const (
	OwnerFile    = "bis/owner.pem"    // for it boot programs are signed
	StrangerFile = "bis/stranger.pem" // somebody else's, who signs what is to be refused for that
)

// fromWork leads from the working directory of a service's program to the bundle.
const fromWork = "../.."

// certificateFile is the file in the bundle that a variable of topology.Certificates names; empty for any other variable.
func certificateFile(variable string) string {
	switch variable {
	case "owner.certificate":
		return OwnerFile
	case "stranger.certificate":
		return StrangerFile
	}
	return ""
}

// tell notes that a service is told of a certificate, if that is what a variable names.
func (p *Plan) tell(variable string) {
	if file := certificateFile(variable); file != "" && !slices.Contains(p.Certificates, file) {
		p.Certificates = append(p.Certificates, file)
	}
}

// credentials names the credentials of one item's boot files, by architecture.
func credentials(i topology.BootServerItem) map[string]string {
	if i.Credentials == nil {
		return nil
	}
	out := files(i.Boot.Files)
	for arch, file := range out {
		out[arch] = credentialsName(file, i.Credentials.Flaw)
	}
	return out
}

// credentialsName is that of a boot file's credentials. One file may have several, of which one at most has no flaw.
func credentialsName(file, flaw string) string { return path.Join(flaw, bis.CredentialsName(file)) }

// signed plans the credentials in each TFTP root: those of the boot files there that any boot server has signed.
func signed(t *topology.Topology, services []Service) {
	for _, s := range t.Services {
		if s.BootServer == nil {
			continue
		}
		for _, item := range s.BootServer.Boots {
			if item.Credentials == nil {
				continue
			}
			at := cmp.Or(item.Boot.Server, s.Name)
			to := &services[slices.IndexFunc(services, func(o Service) bool { return o.Name == at })]
			for _, file := range files(item.Boot.Files) {
				x := Signed{File: file, Credentials: credentialsName(file, item.Credentials.Flaw), Flaw: bis.Reason(item.Credentials.Flaw)}
				if to.serves(file) && !slices.Contains(to.Signed, x) {
					to.Signed = append(to.Signed, x)
				}
			}
			slices.SortFunc(to.Signed, func(a, b Signed) int { return strings.Compare(a.Credentials, b.Credentials) })
		}
	}
}

// serves tells whether a file is in the service's TFTP root.
func (s *Service) serves(file string) bool {
	return slices.Contains(s.Files, file) || s.Alias[file] != ""
}

// writeCredentials prints what a boot server tells clients with BIS.
func writeCredentials(b *strings.Builder, byArch map[string]string) {
	if len(byArch) == 0 {
		return
	}
	b.WriteString("    credentials (BIS)")
	writeFiles(b, "", byArch)
	b.WriteString("\n")
}

// writeSigned prints the credentials in a TFTP root.
func (s Service) writeSigned(b *strings.Builder) {
	for _, x := range s.Signed {
		does, why := "serves", ""
		if x.Flaw != "" {
			why = ", to be refused: " + string(x.Flaw)
		}
		if x.Flaw == bis.Missing {
			does = "does not serve"
		}
		fmt.Fprintf(b, "  tftp %s %s, the credentials of %s%s\n", does, x.Credentials, x.File, why)
	}
}
