package pxeclient_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/mtftp"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// multicasts runs our own DHCP, TFTP and MTFTP servers, which tell clients how to have program by multicast.
func (l *lan) multicasts(change func(*server.Config)) decisions {
	root := tftpRoot(l.t, "bios.0")
	m := &server.MTFTPConfig{Root: root, Timeout: 1, Delay: 1, Files: []server.MTFTPFile{{Name: "bios.0", Group: netip.MustParseAddr("239.255.1.1")}}}
	direct := int(pxe.Direct)
	c := server.Config{TFTP: &server.TFTPConfig{Root: root}, MTFTP: m,
		DHCP: &server.DHCPConfig{First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"),
			Boot: &server.BootConfig{Files: map[string]string{"bios": "bios.0"}},
			PXE:  &server.PXEConfig{Control: &direct, MTFTP: map[string]server.MTFTPTags{"bios.0": *m.Tags("bios.0")}}}}
	if change != nil {
		change(&c)
	}
	return l.serve(c)
}

// ended waits for the end of a transfer of a role.
func (d decisions) ended(role string) server.Decision {
	for {
		if x := <-d; x.Outcome == mtftp.OK && x.Role == role {
			return x
		}
	}
}

// programBlocks is how many blocks the program has: no more than a station keeps for a reader that is late.
var programBlocks = len(program)/512 + 1

// TestMTFTP has clients of each kind boot at once: one transmission to the group, and what two of them missed once more.
func TestMTFTP(t *testing.T) {
	l := newLAN(t)
	said := l.multicasts(nil)
	var wg sync.WaitGroup
	for want, how := range map[string]pxeclient.MTFTP{
		fmt.Sprintf("opened once, 0 blocks heard, %d acknowledged, 65000 octets", programBlocks):                         {},
		fmt.Sprintf("never opened, %d blocks heard, 0 acknowledged, 65000 octets", programBlocks):                        {Timeout: time.Hour},
		fmt.Sprintf("opened once, %d blocks heard, 40 acknowledged, 40 missed at first, 65000 octets", programBlocks-40): {Timeout: time.Hour, Miss: pxeclient.Blocks{First: 1, Last: 40}},
	} {
		client := l.host().client(pxeclient.Config{Enough: enough(1), Schedule: once, MTFTP: how})
		wg.Go(func() {
			w, err := client.Boot(t.Context(), pxeclient.FirstItem)
			if err != nil || !bytes.Equal(w.Program, program) || w.MTFTP == nil || w.MTFTP.String() != "group 239.255.1.1 port 1758: "+want {
				t.Errorf("%s, %v, want %s", w, err, want)
			}
		})
	}
	wg.Wait()
	first, second := said.ended("mtftp"), said.ended("mtftp")
	if most := int64(programBlocks+1) * 516; first.Sent > most || second.Sent > 42*516 {
		t.Errorf("%d and %d octets were sent", first.Sent, second.Sent)
	}
}

// TestMTFTPFallsBack takes the file by TFTP when MTFTP brings nothing, and says why; firmware does so at once.
func TestMTFTPFallsBack(t *testing.T) {
	if testing.Short() {
		t.Skip("15 s of silence")
	}
	for name, c := range map[string]struct {
		cfg    pxeclient.Config
		change func(*server.Config)
		want   string
	}{
		"another group": {pxeclient.Config{}, func(c *server.Config) {
			tags := c.DHCP.PXE.MTFTP["bios.0"]
			tags.Group = netip.MustParseAddr("239.255.1.9")
			c.DHCP.PXE.MTFTP["bios.0"] = tags
		}, "group 239.255.1.9 port 1758: opened 4 times, 0 blocks heard, 1 acknowledged: MTFTP of bios.0 from 192.0.2.1: the server answers, but after 4 openings not one block has come to the group"},
		"a silent server": {pxeclient.Config{}, func(c *server.Config) { c.MTFTP.Silent = true },
			"opened once, 0 blocks heard, 0 acknowledged: MTFTP of bios.0 from 192.0.2.1: no MTFTP server answers"},
		"firmware":    {pxeclient.LikeIPXE(pxe.ArchBIOS), nil, ""},
		"as it likes": {pxeclient.Config{MTFTP: pxeclient.MTFTP{Off: true}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLAN(t)
			said := l.multicasts(c.change)
			c.cfg.Enough, c.cfg.Schedule = enough(1), once
			w, err := l.host().client(c.cfg).Boot(t.Context(), pxeclient.FirstItem)
			if err != nil || !bytes.Equal(w.Program, program) || (w.MTFTP == nil) != (c.want == "") {
				t.Fatalf("%s, %v", w, err)
			}
			if w.MTFTP != nil && (!w.MTFTP.TFTP || !errors.Is(w.MTFTP.Err, mtftp.ErrSilent) || !strings.Contains(w.MTFTP.String(), c.want)) {
				t.Errorf("%s, want %s", w.MTFTP, c.want)
			}
			if d := said.ended("tftp"); d.Bytes != int64(len(program)) || d.Sent < d.Bytes {
				t.Errorf("%+v", d)
			}
		})
	}
}

// TestMTFTPRefused: an ERROR is an answer, and the end: the file is no more there for TFTP.
func TestMTFTPRefused(t *testing.T) {
	l := newLAN(t)
	l.multicasts(func(c *server.Config) { c.MTFTP.Files[0].Name = "other" })
	client := l.host().client(pxeclient.Config{Enough: enough(1), Schedule: once, MTFTP: pxeclient.MTFTP{Timeout: time.Millisecond}})
	w, err := client.Boot(t.Context(), pxeclient.FirstItem)
	if refused := (*mtftp.RefusedError)(nil); !errors.As(err, &refused) || refused.Code != 1 || w.Program != nil || w.End != err.Error() {
		t.Errorf("%s, %v", w, err)
	}
}
