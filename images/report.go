package images

import "strings"

// Line is one fact of a probe's report.
type Line struct {
	Key    string            // what it is about: "probe" (the banner), "self", "packet", "udp", …, "end" (the last line)
	Fields map[string]string // the facts; for Key "packet" and "via" also under that name: Fields["packet"] = "ack"
}

// The two lines of a report that do not follow the pattern of the others.
const (
	bannerPrefix = "PXELAB-PROBE v1 "
	endLine      = "PXELAB-PROBE END"
)

// ParseLine reads one line of the serial console; false means it is no line of a report.
// A carriage return at the end is allowed, as are keys this version does not know.
func ParseLine(line string) (Line, bool) {
	line = strings.TrimSuffix(line, "\r")
	if line == endLine {
		return Line{Key: "end", Fields: map[string]string{}}, true
	}
	if rest, ok := strings.CutPrefix(line, bannerPrefix); ok {
		return newLine("probe", rest)
	}
	rest, ok := strings.CutPrefix(line, "PXELAB ")
	if !ok {
		return Line{}, false
	}
	key, facts, _ := strings.Cut(rest, " ")
	if name, _, ok := strings.Cut(key, "="); ok {
		key, facts = name, rest
	}
	if !isKey(key) {
		return Line{}, false
	}
	return newLine(key, facts)
}

func newLine(key, facts string) (Line, bool) {
	fields, ok := parseFields(facts)
	if !ok {
		return Line{}, false
	}
	return Line{Key: key, Fields: fields}, true
}

// parseFields reads "k=v k=v"; a key that comes twice, or a word without "=", is no fact of a probe.
func parseFields(s string) (map[string]string, bool) {
	fields := map[string]string{}
	if s == "" {
		return fields, true
	}
	for word := range strings.SplitSeq(s, " ") {
		key, value, ok := strings.Cut(word, "=")
		if _, twice := fields[key]; !ok || twice || !isKey(key) || !printable(value, '!') {
			return nil, false
		}
		fields[key] = value
	}
	return fields, true
}

// isKey says whether s is lower case letters and digits, and not empty.
func isKey(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
