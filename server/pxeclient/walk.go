package pxeclient

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

// Walk is one boot from power-on to the boot program in memory: what the client was told at each step. Fields of steps
// that were not taken are nil.
type Walk struct {
	Offers     []*Reply
	Choice     Choice
	Lease      *Reply
	Proxy      *Reply // ACK of port 4011
	Menu       *Menu
	Picked     *pxe.MenuItem
	BootServer *Reply
	File       *File
	MTFTP      *Transmission // nil: the file was not sought by MTFTP
	Program    []byte        // with an End beside it, it is refused
	End        string        // how the walk ended, in a clause; empty when there is a boot program to start

	// With BIS: the answer to the second request, what it names, and whose signature holds.
	Credentials     *Reply
	CredentialsFile *File
	SignedBy        *x509.Certificate
}

// String tells the walk in one line.
func (w *Walk) String() string {
	parts := []string{fmt.Sprintf("%d offers", len(w.Offers)), w.Choice.Reason}
	add := func(format string, a ...any) { parts = append(parts, fmt.Sprintf(format, a...)) }
	if w.Lease != nil {
		add("address %s from %s", w.Lease.YIAddr, w.Lease.Server())
	}
	if w.Proxy != nil {
		add("port 4011 of %s", w.Proxy.Server())
	}
	if w.Picked != nil {
		add("item %q of type %s", w.Picked.Text, typeText(w.Picked.Type))
	}
	if w.BootServer != nil {
		add("boot server %s", w.BootServer.Server())
	}
	if w.File != nil {
		add("%q of %s", w.File.Name, w.File.Server)
	}
	if w.MTFTP != nil {
		add("MTFTP %s", w.MTFTP)
	}
	if w.Program != nil {
		add("%d octets", len(w.Program))
	}
	if w.SignedBy != nil {
		add("signed by %q", w.SignedBy.Subject)
	}
	if w.End != "" {
		add("%s", w.End)
	}
	return strings.Join(parts, "; ")
}

// Pick chooses from a boot menu. The error of one that chooses nothing ends the walk.
type Pick func(Menu) (pxe.MenuItem, error)

// FirstItem takes what a client takes when nobody touches a key.
func FirstItem(m Menu) (pxe.MenuItem, error) {
	if len(m.Items) == 0 {
		return pxe.MenuItem{}, errors.New("the menu is empty")
	}
	return m.Items[0], nil
}

// Boot walks all the way. The Walk tells, even beside an error, how far it came.
func (c *Client) Boot(ctx context.Context, pick Pick) (*Walk, error) {
	w := &Walk{}
	boot, err := c.findOut(ctx, w)
	if err != nil {
		return w, w.ended(err)
	}
	if boot, err = c.follow(ctx, w, boot, pick); err != nil || boot == nil {
		return w, w.ended(err)
	}
	f, err := boot.File()
	if err != nil {
		return w, w.ended(err)
	}
	if w.File = &f; boot.isHTTP() {
		w.End = "the URI is left to an HTTP client"
		return w, nil
	}
	if w.Program, err = c.fetch(ctx, w, f); err == nil && c.cfg.Trust != nil {
		err = c.verify(ctx, w)
	}
	return w, w.ended(err)
}

func (w *Walk) ended(err error) error {
	if err != nil {
		w.End = err.Error()
	}
	return err
}

// fetch has the boot program by multicast, if the file is announced so, and otherwise by Download.
func (c *Client) fetch(ctx context.Context, w *Walk, f File) (program []byte, err error) {
	if f.MTFTP != nil && !c.cfg.MTFTP.Off {
		if w.MTFTP, err = c.receive(ctx, f); !w.MTFTP.TFTP {
			return w.MTFTP.Data, err
		}
	}
	return c.Download(ctx, f)
}

// Download fetches a boot program with the configured Downloader.
func (c *Client) Download(ctx context.Context, f File) ([]byte, error) {
	b, err := c.cfg.Download.Download(ctx, c.host, f)
	if err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	return b, nil
}

// findOut gets an address and the word on how to boot.
func (c *Client) findOut(ctx context.Context, w *Walk) (boot *Reply, err error) {
	if w.Offers, err = c.Discover(ctx); err != nil {
		return nil, err
	}
	if w.Choice = Choose(w.Offers); w.Choice.Address == nil {
		return nil, errors.New(w.Choice.Reason)
	}
	if w.Lease, err = c.Request(ctx, w.Choice.Address); err != nil {
		return nil, err
	}
	switch {
	case w.Choice.AskBoot():
		w.Proxy, err = c.ProxyRequest(ctx, w.Choice.Boot.Server())
		return w.Proxy, err
	case w.Choice.Boot != w.Choice.Address:
		return w.Choice.Boot, nil
	}
	return w.Lease, nil
}

// follow goes through menu and boot server, if the word on how to boot wants that. A nil Reply without an error is a
// boot from the client's own disk.
func (c *Client) follow(ctx context.Context, w *Walk, boot *Reply, pick Pick) (*Reply, error) {
	v := boot.Vendor
	if boot.VendorErr != nil {
		return nil, boot.VendorErr
	}
	if boot.Direct() || !boot.discovers() || v.Menu == nil && boot.bootFile() != "" {
		return boot, nil
	}
	menu := boot.Menu()
	w.Menu = &menu
	item, err := pick(menu)
	if err != nil {
		return nil, err
	}
	if w.Picked = &item; item.Type == pxe.LocalBoot {
		w.End = "the menu item stands for the client's own disk"
		return nil, nil
	}
	w.BootServer, err = c.DiscoverBootServer(ctx, Discovery{Item: pxe.Item{Type: item.Type}, By: v, Inform: c.cfg.Inform})
	return w.BootServer, err
}
