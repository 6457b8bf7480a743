package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
)

// moves decodes a script and gives what it tells of files on their way.
func moves(t *testing.T, script []frame) []event.Progress {
	t.Helper()
	var out []event.Progress
	d := New(guestMAC)
	for i, f := range script {
		_, kept := d.Frame(i+1, f.data, f.guest)
		m, ok := d.Moved()
		if ok && kept {
			t.Errorf("frame %d is told, and how far it came, too", i+1)
		}
		if ok {
			out = append(out, m)
		}
	}
	return out
}

// fetch is a transfer of so many blocks of 1024 octets.
func fetch(blocks int, options ...string) []frame {
	ask, a := talk{guestIP + ":2000", serverIP + ":69"}, talk{guestIP + ":2000", serverIP + ":40000"}
	script := []frame{ask.tx(strs(1, append([]string{"big", "octet"}, options...)...)), a.rx(strs(6, options...)), a.tx(block(4, 0, 0))}
	data, ack := renumbered(a.rx(block(3, 1, 1024))), renumbered(a.tx(block(4, 1, 0)))
	for n := 1; n <= blocks; n++ {
		script = append(script, data(n), ack(n), data(n)) // each comes twice
	}
	return append(script, a.rx(block(3, blocks+1, 0)))
}

// TestMovedTFTP: a long file is told of ten times at most where its size is known, and seldom where it is not; a short one never.
func TestMovedTFTP(t *testing.T) {
	for _, c := range []struct {
		blocks  int
		options []string
		want    int
		size    int64
	}{
		{4096, []string{"blksize", "1024", "tsize", "4194304"}, 9, 4 << 20},
		{4096, []string{"blksize", "1024"}, 10, 0},
		{200, []string{"blksize", "1024", "tsize", "204800"}, 3, 204800},
		{60, []string{"blksize", "1024", "tsize", "61440"}, 0, 0},
	} {
		got, before := moves(t, fetch(c.blocks, c.options...)), int64(0)
		if len(got) != c.want {
			t.Errorf("%d blocks, %v: told %d times, want %d", c.blocks, c.options, len(got), c.want)
		}
		for _, m := range got {
			if m.Bytes <= before || m.Bytes%1024 != 0 || m.Size != c.size || m.File != "big" || m.Client != guestIP+":2000" || m.Proto != "tftp" {
				t.Errorf("after %d octets: %+v", before, m)
			}
			before = m.Bytes
		}
	}
}

func TestMovedHTTP(t *testing.T) {
	c := dial()
	part := strings.Repeat("x", 1024)
	script := append(c.open(), c.ask(getSNP), c.answer(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1<<20)))
	for range 1024 {
		script = append(script, c.answer(part))
	}
	got := moves(t, script)
	if len(got) != 9 {
		t.Errorf("told %d times, want 9", len(got))
	}
	for _, m := range got {
		if m.File != "/snp.efi" || m.Size != 1<<20 || m.Client != guestIP+":49152" || m.Proto != "http" {
			t.Errorf("%+v", m)
		}
	}
}
