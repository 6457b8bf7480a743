package images

import "strings"

// The lines of the report that a booted Linux makes: see docs/payloads.md.
const (
	osPrefix  = "PXELAB-OS "
	osBanner  = "v1 "
	osCmdline = "cmdline="
)

// ParseOSLine reads one line of a booted Linux's report; false means it is none. Its keys are "os" (the banner, first),
// "smbios", "nic" (one for each card), "module" (one that did not load), "cmdline" (whose one field holds blanks) and
// "end" (the last).
func ParseOSLine(line string) (Line, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\r"), osPrefix)
	if !ok {
		return Line{}, false
	}
	if rest == "END" {
		return Line{Key: "end", Fields: map[string]string{}}, true
	}
	if facts, ok := strings.CutPrefix(rest, osBanner); ok {
		return newLine("os", facts)
	}
	if text, ok := strings.CutPrefix(rest, osCmdline); ok {
		return Line{Key: "cmdline", Fields: map[string]string{"cmdline": text}}, true
	}
	key, facts, _ := strings.Cut(rest, " ")
	if !isKey(key) {
		return Line{}, false
	}
	return newLine(key, facts)
}
