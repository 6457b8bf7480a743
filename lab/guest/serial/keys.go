package serial

import "regexp"

// Keys are what is typed on the serial console at a certain point of a boot.
type Keys struct {
	Name  string         // for the log
	When  *regexp.Regexp // matches a line of the console, begun or finished
	Bytes []byte         // as a terminal sends them
}

// typist types a machine's Keys in their order. A prompt that waits for a key is a line begun and not finished, and
// under a warped clock it does not wait for long: so every octet that comes may be the one that completes a match.
type typist struct {
	port *Port
	left []Keys
}

// see types what is due now that the console shows this line.
func (t *typist) see(line string) {
	if len(t.left) == 0 || line == "" || !t.left[0].When.MatchString(line) {
		return
	}
	k := t.left[0]
	t.left = t.left[1:]
	if err := t.port.Type(k.Bytes); err != nil {
		k.Name += " (" + err.Error() + ")"
	}
	if t.port.config.Typed != nil {
		t.port.config.Typed(k)
	}
}
