package advice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/pxelab/pxelab/server/pxeclient"
)

// Survey asks the servers on one interface, as one asker after the other, never as two at once.
type Survey struct {
	Interface string
	MAC       net.HardwareAddr // of every asker, so that a pool loses one address at most
	Wait      time.Duration    // for offers, after each of at most two DISCOVERs, and for an ACK
	Offers    int              // stop waiting when there are so many; 0: wait
}

// Ask collects what each asker is told. An asker that was given an address gives it back.
func (s Survey) Ask(ctx context.Context, askers []Asker) ([]Answer, error) {
	var all []Answer
	for _, a := range askers {
		answer, err := s.ask(ctx, a)
		if err != nil {
			return all, fmt.Errorf("ask as %s: %w", a, err)
		}
		all = append(all, *answer)
	}
	return all, nil
}

func (s Survey) ask(ctx context.Context, a Asker) (*Answer, error) {
	cfg := a.config()
	cfg.Interface, cfg.MAC = s.Interface, s.MAC
	waits := []time.Duration{s.Wait, s.Wait}
	cfg.Schedule = pxeclient.Schedule{Discover: waits, Request: waits, Boot: waits}
	if s.Offers > 0 {
		cfg.Enough = func(offers []*pxeclient.Reply) bool { return len(offers) >= s.Offers }
	}
	look := &looker{wait: s.Wait, uris: a.takesURIs()}
	cfg.Download = look
	c, err := pxeclient.New(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	walk, err := c.Boot(ctx, pxeclient.FirstItem)
	if walk.Lease != nil {
		_ = c.Release() // an address that is not given back is lost for as long as it was leased
	}
	if broke := (*os.PathError)(nil); errors.As(err, &broke) || ctx.Err() != nil {
		return nil, err // of the interface, or of the user; all else is the servers'
	}
	talk := slices.DeleteFunc(c.Trace(), func(p pxeclient.Packet) bool {
		return p.Message == nil && p.ICMP == "" && p.Malformed == ""
	})
	return &Answer{Asker: a, Walk: walk, Problems: pxeclient.Check(talk), Look: look.saw}, nil
}
