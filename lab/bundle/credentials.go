package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/bis"
)

// signers make the credentials of one bundle. Their keys are in memory alone, and gone with it: nothing that any machine
// but this lab's trusts can be signed with them.
type signers struct {
	now             time.Time
	owner, stranger *bis.Authority
	made            map[bis.Reason]bis.Signer // by flaw; keys take a while to make
}

func newSigners(now time.Time) (*signers, error) {
	const long = 365 * 24 * time.Hour
	s := &signers{now: now, made: map[bis.Reason]bis.Signer{}}
	var err error
	if s.owner, err = bis.NewAuthority("owner", now.Add(-long), now.Add(long)); err == nil {
		s.stranger, err = bis.NewAuthority("stranger", now.Add(-long), now.Add(long))
	}
	return s, err
}

// of gives who signs what is to be refused for a reason, or what is not.
func (s *signers) of(flaw bis.Reason) (bis.Signer, error) {
	const day = 24 * time.Hour
	by, name, from, until := s.owner, "owner", s.now.Add(-day), s.now.Add(day)
	switch flaw {
	case bis.WrongSigner:
		by, name = s.stranger, "stranger"
	case bis.Expired:
		from, until = s.now.Add(-2*day), s.now.Add(-day)
	case bis.NotYetValid:
		from, until = s.now.Add(day), s.now.Add(2*day)
	default:
		flaw = "" // they share one
	}
	if made, ok := s.made[flaw]; ok {
		return made, nil
	}
	made, err := by.Signer(name, from, until)
	s.made[flaw] = made
	return made, err
}

// AddCredentials signs the boot programs of all TFTP roots, which are filled, and leaves the certificates for clients.
func (b Folder) AddCredentials(p *plan.Plan, now time.Time) error {
	signed := func(s plan.Service) bool { return len(s.Signed) > 0 }
	if len(p.Certificates) == 0 && !slices.ContainsFunc(p.Services, signed) {
		return nil
	}
	by, err := newSigners(now)
	if err != nil {
		return err
	}
	for name, a := range map[string]*bis.Authority{plan.OwnerFile: by.owner, plan.StrangerFile: by.stranger} {
		if err := writeFile(filepath.Join(string(b), name), bis.EncodeCertificate(a.Certificate)); err != nil {
			return fmt.Errorf("write a certificate: %w", err)
		}
	}
	for _, s := range p.Services {
		for _, x := range s.Signed {
			if err := b.sign(s.Name, x, by); err != nil {
				return fmt.Errorf("sign %s of %s: %w", x.File, s.Name, err)
			}
		}
	}
	return nil
}

// sign makes the credentials of one boot program, whatever it was made from.
func (b Folder) sign(service string, x plan.Signed, by *signers) error {
	program, err := os.ReadFile(filepath.Join(b.TFTP(service), x.File))
	if err != nil {
		return err
	}
	signer, err := by.of(x.Flaw)
	if err != nil {
		return err
	}
	credentials, err := bis.SignFlawed(program, signer, x.Flaw)
	if err != nil || credentials == nil {
		return err
	}
	return b.addFile(service, x.Credentials, credentials)
}

// WithCredentials tells a boot server the type of its credentials: it follows from the owner's certificate, which is made
// with the bundle.
func (b Folder) WithCredentials(c *server.BootServerConfig) (*server.BootServerConfig, error) {
	text, err := os.ReadFile(filepath.Join(string(b), plan.OwnerFile))
	if errors.Is(err, fs.ErrNotExist) || c == nil {
		return c, nil
	} else if err != nil {
		return nil, err
	}
	owner, err := bis.ParseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", plan.OwnerFile, err)
	}
	out := *c
	out.Boots = slices.Clone(c.Boots)
	for i := range out.Boots {
		if len(out.Boots[i].CredentialsFile) > 0 {
			out.Boots[i].Credentials = []uint32{bis.CredentialType(owner[0])}
		}
	}
	return &out, nil
}
