package dissect

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The kinds of the tags of PXE that are lists. Their entries have a semicolon between.
var (
	kindServers = kind{`boot servers by type, as "0x8000 192.0.2.1 192.0.2.2; 0x8001"`, showServers, parseServers}
	kindMenu    = kind{`menu items by type, as "0x0000 Local disk; 0x8000 Installer"`, showMenu, parseMenu}
	kindPrompt  = kind{`seconds and a text, as "10 Press F8 for the menu"`, showPrompt, parsePrompt}
	kindItem    = kind{`type and layer, as "0x8000 0x0000"`, showItem, parseItem}
)

const between = "; "

func showServers(v []byte) (string, bool) {
	var entries []string
	for len(v) > 0 {
		if len(v) < 3 || len(v)-3 < 4*int(v[2]) {
			return "", false
		}
		words := []string{fmt.Sprintf("0x%04x", big(v[:2]))}
		n := 3 + 4*int(v[2])
		for at := 3; at < n; at += 4 {
			a, _ := showAddress(v[at : at+4])
			words = append(words, a)
		}
		entries = append(entries, strings.Join(words, " "))
		v = v[n:]
	}
	return strings.Join(entries, between), true
}

func parseServers(text string, _ []byte) ([]byte, error) {
	var v []byte
	for _, e := range entries(text) {
		words := split(e)
		if len(words) == 0 || len(words) > 256 {
			return nil, errKind
		}
		t, err := kindType.parse(words[0], nil)
		if err != nil {
			return nil, err
		}
		v = append(append(v, t...), byte(len(words)-1))
		for _, w := range words[1:] {
			a, err := parseAddress(w, nil)
			if err != nil {
				return nil, err
			}
			v = append(v, a...)
		}
	}
	return v, nil
}

// entries cuts a list at its semicolons.
func entries(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, strings.TrimSpace(between))
}

func showMenu(v []byte) (string, bool) {
	var items []string
	for len(v) > 0 {
		if len(v) < 3 || len(v)-3 < int(v[2]) {
			return "", false
		}
		n := 3 + int(v[2])
		text := strings.ReplaceAll(escape(v[3:n]), ";", `\x3b`)
		items = append(items, fmt.Sprintf("0x%04x %s", big(v[:2]), text))
		v = v[n:]
	}
	return strings.Join(items, between), true
}

func parseMenu(text string, _ []byte) ([]byte, error) {
	var v []byte
	for i, e := range entries(text) {
		if i > 0 {
			e = strings.TrimPrefix(e, " ")
		}
		number, rest, _ := strings.Cut(e, " ")
		t, err := kindType.parse(number, nil)
		if err != nil {
			return nil, err
		}
		words := unescape(rest)
		if len(words) > 255 {
			return nil, errKind
		}
		v = append(append(append(v, t...), byte(len(words))), words...)
	}
	return v, nil
}

func showPrompt(v []byte) (string, bool) {
	if len(v) == 0 {
		return "", false
	}
	return fmt.Sprintf("%d %s", v[0], escape(v[1:])), true
}

func parsePrompt(text string, _ []byte) ([]byte, error) {
	number, rest, _ := strings.Cut(text, " ")
	v, err := parseNumber(number, 1)
	return append(v, unescape(rest)...), err
}

func showItem(v []byte) (string, bool) {
	if len(v) != 4 {
		return "", false
	}
	return fmt.Sprintf("0x%04x 0x%04x", binary.BigEndian.Uint16(v), binary.BigEndian.Uint16(v[2:])), true
}

func parseItem(text string, _ []byte) ([]byte, error) {
	words := split(text)
	if len(words) != 2 {
		return nil, errKind
	}
	t, err := kindType.parse(words[0], nil)
	if err != nil {
		return nil, err
	}
	layer, err := parseNumber(words[1], 2)
	return append(t, layer...), err
}
