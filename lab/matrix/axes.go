package matrix

import (
	"path"
	"slices"

	"github.com/pxelab/pxelab/lab/topology"
)

// axes reads topologies and axes.
func (r *reader) axes(f *file, v *topology.Value) {
	list, all := v.Get("topologies"), v.Get("axes")
	if list != nil {
		f.axes = append(f.axes, axis{name: topologyAxis, at: list})
		f.topologies = r.patterns(list, "topologies")
	}
	if all == nil && list == nil {
		r.problem(v, "", "needs \"topologies\", such as topologies: [firmware-trio, \"proxy-*\"]")
	}
	if all == nil || !r.mapping(all, "axes", nil) {
		return
	}
	for _, e := range all.Entries {
		key := "axes." + e.Key
		at := &topology.Value{Path: v.Path, Line: e.Line, Column: e.Column}
		if !nameForm.MatchString(e.Key) {
			r.problem(at, key, "bad name %q of an axis: use letters, digits and dashes", e.Key)
			continue
		}
		a := axis{name: e.Key, at: at}
		switch e.Key {
		case topologyAxis:
			if list != nil {
				r.problem(at, key, "topologies names them already; leave one of the two out")
				continue
			}
			f.topologies = r.patterns(e.Value, key)
		case faultsAxis, serversAxis:
			a.values = r.named(e.Value, key, e.Key)
		case firmwareAxis, nicAxis, memoryAxis, clockAxis, startAxis, imageAxis:
			a.values = r.words(e.Value, key, e.Key)
		default:
			a.values = r.overlays(e, key)
		}
		f.axes = append(f.axes, a)
	}
	if list == nil && f.topologies == nil {
		r.problem(v, "", "needs \"topologies\", such as topologies: [firmware-trio, \"proxy-*\"]")
	}
}

// patterns reads names and globs of topology files.
func (r *reader) patterns(v *topology.Value, key string) []*topology.Value {
	items := r.list(v, key)
	for _, item := range items {
		r.text(item, key)
	}
	return items
}

// words reads the values of an axis that is a list.
func (r *reader) words(v *topology.Value, key, name string) []value {
	var out []value
	for _, item := range r.list(v, key) {
		one := value{at: item}
		if name == firmwareAxis && item.Kind == topology.Mapping {
			one.firmware = r.flash(item, key)
			one.name = one.firmware.Name
		} else {
			one.name = r.text(item, key)
			r.word(item, key, name)
		}
		out = r.distinct(out, one, key)
	}
	return out
}

// word checks a value of which only certain words are allowed.
func (r *reader) word(v *topology.Value, key, name string) {
	noun, allowed := name, []string(nil)
	switch name {
	case firmwareAxis:
		allowed = r.known.Firmwares
	case nicAxis:
		noun, allowed = "NIC model", r.known.NICs
	case imageAxis:
		allowed = r.known.Images
	case clockAxis:
		allowed = []string{"auto", "real", "warp"}
	case startAxis:
		allowed = []string{"auto", "cold", "warm"}
	case memoryAxis:
		if v.Text != own && v.Kind != topology.Number {
			r.problem(v, key, "want a number of MiB, or %s for what the topology says, not %q", own, v.Text)
		}
		return
	}
	if name != clockAxis && name != startAxis {
		allowed = append(slices.Clone(allowed), own)
	}
	if v.Text != "" && !slices.Contains(allowed, v.Text) {
		r.problem(v, key, "unknown %s %q %s", noun, v.Text, topology.Hint(v.Text, allowed))
	}
}

// flash reads a firmware that is given by its files.
func (r *reader) flash(v *topology.Value, key string) *Firmware {
	f := &Firmware{}
	fields := []struct {
		key  string
		to   *string
		need bool
	}{{"name", &f.Name, true}, {"firmware", &f.Firmware, true}, {"code", &f.Code, true}, {"vars", &f.Vars, false}, {"sha256", &f.SHA256, false}}
	var known []string
	for _, field := range fields {
		known = append(known, field.key)
		if at := v.Get(field.key); at != nil {
			*field.to = r.text(at, key+"."+field.key)
		} else if field.need {
			r.problem(v, key, "needs %q, as in {name: ovmf-x64-new, firmware: ovmf-x64, code: OVMF_CODE.fd, vars: OVMF_VARS.fd, sha256: ...}", field.key)
		}
	}
	r.mapping(v, key, known)
	f.Code, f.Vars = beside(v.Path, f.Code), beside(v.Path, f.Vars)
	flash := slices.DeleteFunc(slices.Clone(r.known.Firmwares), func(n string) bool { return n == "bios" })
	if f.Firmware != "" && !slices.Contains(flash, f.Firmware) {
		r.problem(v.Get("firmware"), key+".firmware", "unknown firmware with flash %q %s", f.Firmware, topology.Hint(f.Firmware, flash))
	}
	if f.SHA256 != "" && !isSHA256(f.SHA256) {
		r.problem(v.Get("sha256"), key+".sha256", "%q is no SHA-256; write the 64 digits that `sha256sum %s` prints", f.SHA256, f.Code)
	}
	return f
}

// beside gives a path that starts from a file's folder.
func beside(file, name string) string {
	if name == "" || path.IsAbs(name) {
		return name
	}
	return path.Join(path.Dir(file), name)
}

func isSHA256(s string) bool {
	hex := func(r rune) bool { return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' }
	return len(s) == 64 && !slices.ContainsFunc([]rune(s), func(r rune) bool { return !hex(r) })
}

// named reads the values of an axis that is a mapping: name to list of faults, or name to services.
func (r *reader) named(v *topology.Value, key, name string) []value {
	if !r.mapping(v, key, nil) {
		return nil
	}
	want := map[string]topology.ValueKind{faultsAxis: topology.List, serversAxis: topology.Mapping}[name]
	var out []value
	for _, e := range v.Entries {
		if e.Value.Kind != want {
			r.problem(e.Value, key+"."+e.Key, "want %s, not %s", want, e.Value.Kind)
			continue
		}
		out = r.distinct(out, value{name: e.Key, at: e.Value}, key)
	}
	if len(v.Entries) == 0 {
		r.problem(v, key, "has no value; leave it out, or name one")
	}
	return out
}

// overlays reads the values of an axis that the file itself invents: name to what is merged over the topology.
func (r *reader) overlays(e topology.Entry, key string) []value {
	if e.Value.Kind != topology.Mapping {
		r.problem(e.Value, key, "unknown axis %q %s; an axis of your own is a mapping of names to what is merged over the topology, such as {plain: {}, large: {guests: {\"*\": {memory: 512}}}}",
			e.Key, topology.Hint(e.Key, axisNames))
		return nil
	}
	var out []value
	for _, one := range e.Value.Entries {
		if one.Value.Kind != topology.Mapping {
			r.problem(one.Value, key+"."+one.Key, "want a mapping to merge over the topology ({} for nothing), not %s", one.Value.Kind)
			continue
		}
		out = r.distinct(out, value{name: one.Key, at: one.Value}, key)
	}
	if len(e.Value.Entries) == 0 {
		r.problem(e.Value, key, "has no value; leave it out, or name one")
	}
	return out
}

// distinct adds a value with a good name that is not there yet.
func (r *reader) distinct(list []value, one value, key string) []value {
	switch {
	case one.name == "":
		return list
	case !nameForm.MatchString(one.name):
		r.problem(one.at, key, "bad name %q of a value: it becomes a folder, so use letters, digits, dots and dashes", one.name)
		return list
	case slices.ContainsFunc(list, func(v value) bool { return v.name == one.name }):
		r.problem(one.at, key, "%q is there twice", one.name)
		return list
	}
	return append(list, one)
}
