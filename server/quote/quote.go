// Package quote makes what clients send fit for people to read.
package quote

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Hidden quotes a text that would not show as it is or would upset a terminal; any other stays as it is.
func Hidden(s string) string {
	hidden := func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }
	if s == "" || strings.ContainsFunc(s, hidden) {
		return strconv.Quote(s)
	}
	return s
}
