package pxeclient

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/server/bis"
	"github.com/pxelab/pxelab/server/pxe"
)

// maxCredentials is how many types of credentials fit into option 43 beside a boot item and the end.
const maxCredentials = 62

// withCredentials fills in what the certificates in Trust stand for.
func (c Config) withCredentials() Config {
	if c.Credentials == nil {
		for _, t := range c.Trust {
			c.Credentials = append(c.Credentials, bis.CredentialType(t))
		}
	}
	return c
}

// checkCredentials holds tag 12 to what option 43 has room for.
func (c *Config) checkCredentials() error {
	if n := len(c.Credentials); n > maxCredentials {
		return fmt.Errorf("%d types of credentials do not fit into option 43, which has room for %d: trust fewer certificates", n, maxCredentials)
	}
	return nil
}

// AskCredentials asks a boot server that has named a boot program for the file with its credentials: by the same type
// and layer with bit 15 set (PXE 2.1 table 2-1, tag 71). A server without credentials of a type in tag 12 stays silent,
// which is a *bis.Refusal.
func (c *Client) AskCredentials(ctx context.Context, server netip.Addr, item pxe.Item) (*Reply, error) {
	item.Layer |= pxe.CredentialsLayer
	ack, err := c.DiscoverBootServer(ctx, Discovery{Item: item, Mode: Unicast, To: []netip.Addr{server}})
	if errors.Is(err, ErrNoAnswer) {
		return nil, &bis.Refusal{Reason: bis.Unanswered, Detail: fmt.Sprintf("credentials of the types %#x were asked for: %v", c.cfg.Credentials, err)}
	}
	return ack, err
}

// verify does what comes between the download of a boot program and its start on a machine with BIS (PXE 2.1 section 2.2):
// it asks for the credentials, downloads them, and checks the program against them.
func (c *Client) verify(ctx context.Context, w *Walk) (err error) {
	if w.BootServer == nil {
		return &bis.Refusal{Reason: bis.Missing, Detail: "no boot server named the boot program, and nobody else has credentials"}
	}
	if w.Credentials, err = c.AskCredentials(ctx, w.BootServer.Server(), pxe.Item{Type: w.Picked.Type}); err != nil {
		return err
	}
	f, err := w.Credentials.File()
	if err != nil {
		return &bis.Refusal{Reason: bis.Missing, Detail: err.Error()}
	}
	w.CredentialsFile = &f
	credentials, err := c.Download(ctx, f)
	if told := (*Error)(nil); errors.As(err, &told) || errors.Is(err, ErrNoAnswer) {
		return &bis.Refusal{Reason: bis.Missing, Detail: err.Error()}
	} else if err != nil {
		return err
	}
	by, err := bis.Verify(w.Program, credentials, c.cfg.Trust, time.Now())
	if err == nil {
		w.SignedBy = by
	}
	return err
}
