package dissect

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape writes octets as text on one line, so that unescape gives the same octets: what does not print is \xNN. A backslash is
// doubled only where it would be taken for the beginning of such an escape, as boot file names have many.
func escape(v []byte) string {
	var s strings.Builder
	for len(v) > 0 {
		r, n := utf8.DecodeRune(v)
		switch {
		case !prints(r, n):
			for _, c := range v[:n] {
				fmt.Fprintf(&s, `\x%02x`, c)
			}
		case r == '\\' && doubled(v[1:]):
			s.WriteString(`\\`)
		default:
			s.Write(v[:n])
		}
		v = v[n:]
	}
	return s.String()
}

func prints(r rune, n int) bool { return (r != utf8.RuneError || n != 1) && unicode.IsPrint(r) }

// doubled tells whether a backslash before these octets would be read as part of an escape.
func doubled(next []byte) bool {
	r, n := utf8.DecodeRune(next)
	return n > 0 && (r == 'x' || r == '\\' || !prints(r, n))
}

// unescape is the reverse of escape.
func unescape(text string) []byte {
	var v []byte
	for len(text) > 0 {
		rest, is := strings.CutPrefix(text, `\x`)
		if is && len(rest) >= 2 {
			if b, err := hex.DecodeString(rest[:2]); err == nil {
				v, text = append(v, b...), rest[2:]
				continue
			}
		}
		if strings.HasPrefix(text, `\\`) {
			text = text[1:]
		}
		v, text = append(v, text[0]), text[1:]
	}
	return v
}

// showText shows text without the NULs that end it: some servers count one as part of an option, and some count none.
func showText(v []byte) (string, bool) {
	text := escape(bytes.TrimRight(v, "\x00"))
	if strings.HasPrefix(text, hexPrefix) {
		text = `\x68` + text[1:]
	}
	return text, true
}

// parseText keeps as many NULs at the end as there were.
func parseText(text string, was []byte) ([]byte, error) {
	nuls := len(was) - len(bytes.TrimRight(was, "\x00"))
	return append(unescape(text), make([]byte, nuls)...), nil
}

// cText is text in a field of fixed size, ended by a NUL; what stands behind that is nothing.
func cText(octets int) kind {
	return kind{fmt.Sprintf("text of at most %d octets", octets-1), func(v []byte) (string, bool) {
		text, _, _ := bytes.Cut(v, []byte{0})
		return showText(text)
	}, func(text string, _ []byte) ([]byte, error) {
		v := unescape(text)
		if len(v) > octets || bytes.IndexByte(v, 0) >= 0 {
			return nil, errKind
		}
		return append(v, make([]byte, octets-len(v))...), nil
	}}
}

// kindString is text that a NUL ends, which is not part of it.
var kindString = kind{"text without NUL", showText, func(text string, _ []byte) ([]byte, error) {
	v := unescape(text)
	if bytes.IndexByte(v, 0) >= 0 {
		return nil, errKind
	}
	return v, nil
}}
