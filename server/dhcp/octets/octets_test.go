package octets

import (
	"bytes"
	"strings"
	"testing"
)

// message is one of op, with these options and no end but what they hold.
func message(op byte, options string, sets ...func([]byte)) []byte {
	b := make([]byte, header, 320)
	copy(b, []byte{op, 1, 6, 0, 1, 2, 3, 4})
	copy(b[chaddr:], []byte{0x52, 0x54, 0, 0, 0, 1})
	for _, set := range sets {
		set(b)
	}
	b = append(append(b, "\x63\x82\x53\x63"...), options...)
	return append(b, make([]byte, max(0, 300-len(b)))...)
}

const (
	asks   = "\x35\x01\x01\x3c\x09PXEClient\x61\x02\x00\x07\xff"
	offers = "\x35\x01\x02\x61\x02\x00\x07"
)

// TestCheckReply breaks each rule of replies.
func TestCheckReply(t *testing.T) {
	put := func(at int, v ...byte) func([]byte) { return func(b []byte) { copy(b[at:], v) } }
	for name, c := range map[string]struct {
		reply []byte
		want  string
	}{
		"right":              {message(2, offers+"\x3c\x09PXEClient\x2b\x04\x06\x01\x08\xff\x43\x02f\x00\xff", put(fileAt, 'f')), ""},
		"a request":          {message(1, offers+"\xff"), "op 1 answered with op 1"},
		"short":              {message(2, offers+"\xff")[:280], "280 octets"},
		"transaction":        {message(2, offers+"\xff", put(xidAt, 9)), "another transaction"},
		"station":            {message(2, offers+"\xff", put(chaddr, 9)), "another hardware address"},
		"no cookie":          {append(make([]byte, 299), 1), "cookie true answered with cookie false"},
		"overload":           {message(2, offers+"\x34\x01\x01\xff"), "option 52"},
		"size":               {message(2, offers+"\x0d\x02\x00\x01\xff"), "option 13"},
		"no UUID":            {message(2, "\x35\x01\x02\xff"), "option 97 0007 returned as"},
		"another class":      {message(2, offers+"\x3c\x0aPXEClient:\xff"), `class "PXEClient:"`},
		"a class not its":    {message(2, offers+"\x3c\x0aHTTPClient\xff"), `class "HTTPClient"`},
		"43 not ended":       {message(2, offers+"\x3c\x09PXEClient\x2b\x03\x06\x01\x08\xff"), "ended: false"},
		"43 cut":             {message(2, offers+"\x3c\x09PXEClient\x2b\x03\x06\x02\xff\xff"), "cut short"},
		"43 without class":   {message(2, offers+"\x2b\x04\x06\x01\x08\xff\xff"), `class ""`},
		"43 in two parts":    {message(2, offers+"\x3c\x09PXEClient\x2b\x03\x06\x01\x08\x2b\x01\xff\xff"), "in 2 parts"},
		"67 without NUL":     {message(2, offers+"\x43\x02fg\xff"), "does not end in NUL"},
		"two files":          {message(2, offers+"\x43\x02f\x00\xff", put(fileAt, 'g')), `file "g"`},
		"lease of nothing":   {message(2, offers+"\x33\x04\x00\x00\x00\x09\xff"), "no address"},
		"lease of something": {message(2, offers+"\x33\x04\x00\x00\x00\x09\xff", put(yiaddrAt, 192, 0, 2, 100)), ""},
	} {
		q, err := Read(message(1, asks))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Read(c.reply)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := CheckReply(q, p); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestRead(t *testing.T) {
	good := message(1, asks)
	m, err := Read(good)
	if err != nil || !m.Cookie || !m.Is(3, 1) || m.Is(3) || !m.Class("PXE") {
		t.Errorf("%+v, %v", m, err)
	}
	long := bytes.Clone(good)
	long[hlenAt] = 17
	for want, b := range map[string][]byte{"239 octets": good[:239], "hardware address of 17": long, "option 97 is cut": good[:256]} {
		if _, err := Read(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if m, err := Read(make([]byte, 300)); err != nil || m.Cookie || m.Is(0, 1) {
		t.Errorf("%+v, %v", m, err)
	}
}
