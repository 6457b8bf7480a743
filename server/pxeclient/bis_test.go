package pxeclient_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/bis"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// flaws are the refusals whose cause is in the credentials.
var flaws = []bis.Reason{bis.Missing, bis.Malformed, bis.TypeUnsupported, bis.ProgramTampered, bis.ManifestTampered,
	bis.SignatureTampered, bis.WrongSigner, bis.Expired, bis.NotYetValid}

// Boot server types of signedServer: from flawed on one for each of flaws.
const (
	sound    pxe.ServerType = 0x8000
	unsigned pxe.ServerType = 0x8001
	flawed   pxe.ServerType = 0x8010
)

// signedServer serves one boot program under many types, with credentials of each kind, and gives the certificates of the
// clients' owner and of somebody else.
func (l *lan) signedServer() (owner, other *x509.Certificate, said decisions) {
	l.t.Helper()
	root := tftpRoot(l.t, "boot.0")
	files, owner, other := credentials(l.t, root)
	control := int(pxe.NoMulticast | pxe.NoBroadcast)
	offer, boots := &server.PXEConfig{Control: &control, Prompt: &server.PXEPrompt{}}, &server.BootServerConfig{}
	for _, typ := range slices.Sorted(maps.Keys(files)) {
		offer.Servers = append(offer.Servers, server.PXEServer{Type: int(typ), Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}})
		offer.Menu = append(offer.Menu, server.PXEItem{Type: int(typ), Text: "x"})
		boots.Boots = append(boots.Boots, server.BootServerItem{Type: int(typ), Boot: server.BootConfig{Files: map[string]string{"bios": "boot.0"}},
			Credentials: []uint32{bis.CredentialType(owner)}, CredentialsFile: files[typ]})
	}
	said = l.serve(server.Config{TFTP: &server.TFTPConfig{Root: root}, BootServer: boots, DHCP: &server.DHCPConfig{
		First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"), PXE: offer}})
	return owner, other, said
}

// credentials signs the program in each way, and gives the files' names by type and architecture.
func credentials(t *testing.T, root string) (files map[pxe.ServerType]map[string]string, owner, other *x509.Certificate) {
	t.Helper()
	now := time.Now()
	authority, signer := signerOf(t, "owner", now)
	_, stranger := signerOf(t, "stranger", now)
	others := map[bis.Reason]bis.Signer{bis.WrongSigner: stranger, bis.Expired: at(t, authority, now.Add(-2*time.Hour)),
		bis.NotYetValid: at(t, authority, now.Add(time.Hour))}
	files = map[pxe.ServerType]map[string]string{unsigned: nil}
	for i, why := range append([]bis.Reason{""}, flaws...) {
		typ, name, by := flawed+pxe.ServerType(i-1), string(why), signer
		if i == 0 {
			typ, name = sound, "boot.0.esw"
		}
		if s, ok := others[why]; ok {
			by = s
		}
		b, err := bis.SignFlawed(program, by, why)
		must(t, err)
		if b != nil {
			must(t, os.WriteFile(filepath.Join(root, name), b, 0o600))
		}
		files[typ] = map[string]string{"bios": name}
	}
	return files, authority.Certificate, stranger.Authority
}

func signerOf(t *testing.T, name string, now time.Time) (*bis.Authority, bis.Signer) {
	t.Helper()
	a, err := bis.NewAuthority(name, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	must(t, err)
	s, err := a.Signer(name, now.Add(-time.Hour), now.Add(time.Hour))
	must(t, err)
	return a, s
}

// at makes a signer whose certificate is valid for an hour.
func at(t *testing.T, a *bis.Authority, from time.Time) bis.Signer {
	t.Helper()
	s, err := a.Signer("owner", from, from.Add(time.Hour))
	must(t, err)
	return s
}

// picked takes the item of a type.
func picked(typ pxe.ServerType) pxeclient.Pick {
	return func(m pxeclient.Menu) (pxe.MenuItem, error) {
		i := slices.IndexFunc(m.Items, func(i pxe.MenuItem) bool { return i.Type == typ })
		return m.Items[i], nil
	}
}

// TestBIS walks to the end of the second exchange: once to a program to start, and once to each refusal.
func TestBIS(t *testing.T) {
	l := newLAN(t)
	owner, other, said := l.signedServer()
	h := l.host()
	type want struct {
		name   string
		typ    pxe.ServerType
		trust  *x509.Certificate
		reason bis.Reason
		told   string // in the walk's end
	}
	all := []want{{"sound", sound, owner, "", ""}, {"unsigned", unsigned, owner, bis.Unanswered, "DHCPREQUEST to 192.0.2.1:4011"},
		{"other owner", sound, other, bis.Unanswered, "no answer"}}
	for i, why := range flaws {
		told := map[bis.Reason]string{bis.Missing: "TFTP error 1", bis.WrongSigner: `"CN=stranger signer" is none of the 1 that are trusted`}
		all = append(all, want{string(why), flawed + pxe.ServerType(i), owner, why, told[why]})
	}
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) {
			h.t = t
			c := h.client(pxeclient.Config{UUID: &pxe.UUID{}, Enough: enough(1), Trust: []*x509.Certificate{x.trust},
				Schedule: pxeclient.Schedule{Boot: []time.Duration{300 * time.Millisecond}}})
			w, err := c.Boot(t.Context(), picked(x.typ))
			if !bytes.Equal(w.Program, program) || (err == nil) != (w.End == "") || !strings.Contains(w.End, x.told) {
				t.Errorf("%v: %s", err, w)
			}
			switch r := (*bis.Refusal)(nil); {
			case x.reason == "" && (err != nil || w.SignedBy == nil || w.Credentials.Vendor.Item.Layer != pxe.CredentialsLayer || w.CredentialsFile.Name != "boot.0.esw"):
				t.Errorf("%v: %s", err, w)
			case x.reason != "" && (!errors.As(err, &r) || r.Reason != x.reason || w.SignedBy != nil):
				t.Errorf("%v, want %s: %s", err, x.reason, w)
			}
			problems(t, c)
			must(t, c.Release())
		})
	}
	said.want(t, "this boot program has none", "there are none but") // as they were asked
}

// want looks for decisions by their reasons.
func (d decisions) want(t *testing.T, reasons ...string) {
	t.Helper()
	for _, want := range reasons {
		for found := false; !found; {
			select {
			case x := <-d:
				found = strings.Contains(x.Reason, want)
			default:
				t.Fatalf("no decision says %q, or not in this order", want)
			}
		}
	}
}

// TestBISReport: the report tells each step of the second exchange, in the order of the boot.
func TestBISReport(t *testing.T) {
	l := newLAN(t)
	owner, _, _ := l.signedServer()
	c := l.host().client(pxeclient.Config{UUID: &pxe.UUID{}, Enough: enough(1), Trust: []*x509.Certificate{owner}})
	w, err := c.Boot(t.Context(), pxeclient.FirstItem)
	must(t, err)
	var steps []string
	for _, s := range pxeclient.NewReport(w, c.Trace()).Steps {
		steps = append(steps, s.Step+" "+s.Text)
	}
	text := strings.Join(steps, "\n")
	for _, want := range []string{"credentials from 192.0.2.1, next server 192.0.2.1, file \"boot.0.esw\"", "item of type 0x8000 layer 0x8000",
		"file tftp://192.0.2.1/boot.0.esw", `verified signed by "CN=owner signer"`} {
		at := strings.Index(text, want)
		if at < 0 {
			t.Fatalf("no %q, or not in this order, in\n%s", want, strings.Join(steps, "\n"))
		}
		text = text[at:]
	}
	for _, p := range c.Trace() {
		if !p.Sent || p.Message == nil {
			continue
		}
		b, _ := p.Message.Get(pxe.OptVendor)
		if v, _ := pxe.ParseVendor(b); v == nil || !slices.Equal(v.Credentials, []uint32{bis.CredentialType(owner)}) {
			t.Errorf("%s has option 43 %x, without the type of credentials", p.Message.Name(), b)
		}
	}
}

// TestBISWithoutBootServer: a server that names its file at once has nobody to ask for credentials.
func TestBISWithoutBootServer(t *testing.T) {
	l := newLAN(t)
	l.own(tftpRoot(t, "boot.0"), &server.BootConfig{Files: map[string]string{"bios": "boot.0"}})
	a, _ := signerOf(t, "owner", time.Now())
	h := l.host()
	w, err := h.client(pxeclient.Config{Enough: enough(1), Trust: []*x509.Certificate{a.Certificate}}).Boot(t.Context(), pxeclient.FirstItem)
	if r := (*bis.Refusal)(nil); !errors.As(err, &r) || r.Reason != bis.Missing || !strings.Contains(w.End, "no boot server named") {
		t.Errorf("%v: %s", err, w)
	}
	if _, err := pxeclient.New(pxeclient.Config{Interface: "lan0", Trust: slices.Repeat([]*x509.Certificate{a.Certificate}, 63)}); err == nil ||
		!strings.Contains(err.Error(), "trust fewer certificates") {
		t.Errorf("%v", err)
	}
}

// TestMaskedLayer: a boot server that takes bit 15 for nothing names the boot program again, which Check finds.
func TestMaskedLayer(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	answer := bootServer(t, "192.0.2.2", sound, "boot.0")
	l.host("192.0.2.2/24").answer(pxeclient.BootPort, netip.Addr{}, func(q *pxeclient.Message) *pxeclient.Message {
		r := answer(q)
		masked, err := (&pxe.Vendor{Item: &pxe.Item{Type: sound}}).Marshal()
		must(t, err)
		r.Options[len(r.Options)-1].Value = masked
		return r
	})
	c := l.leased(pxeclient.Config{UUID: &pxe.UUID{}})
	ack, err := c.AskCredentials(t.Context(), netip.MustParseAddr("192.0.2.2"), pxe.Item{Type: sound})
	if err != nil || ack.Vendor.Item.Layer != 0 {
		t.Errorf("%v, %v", ack, err)
	}
	problems(t, c, "boot item not returned")
}
