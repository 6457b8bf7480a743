package matrix

import (
	"slices"

	"github.com/pxelab/pxelab/lab/topology"
)

// Topologies are merged as values, so that whatever is wrong with the outcome is told where it was written. No function here
// changes a value that it is given: parts are shared.

// everyGuest stands for all guests of a topology in an overlay.
const everyGuest = "*"

// replacedImage is the boot program that an axis of images replaces.
const replacedImage = "probe"

// apply gives the topology as one value of an axis makes it.
func apply(doc *topology.Value, axis string, v value) *topology.Value {
	if v.name == own && v.at.Scalar() {
		return doc
	}
	switch axis {
	case topologyAxis, firmwareAxis, clockAxis, startAxis:
		return doc
	case nicAxis, memoryAxis:
		return everywhere(doc, func(g *topology.Value) *topology.Value { return with(g, axis, v.at) })
	case imageAxis:
		return inImagesPlace(doc, v.at)
	case faultsAxis:
		return everywhere(doc, func(g *topology.Value) *topology.Value { return withFaults(g, v.at) })
	case serversAxis:
		return withServers(doc, v.at)
	}
	if all := v.at.Get("guests"); all != nil && all.Get(everyGuest) != nil {
		doc = everywhere(doc, func(g *topology.Value) *topology.Value { return merge(g, all.Get(everyGuest)) })
		return merge(doc, with(v.at, "guests", without(all, everyGuest)))
	}
	return merge(doc, v.at)
}

// merge lays one value over another: mappings key by key, a key without a value taken away; all else replaces what was there.
func merge(under, over *topology.Value) *topology.Value {
	if under == nil || under.Kind != topology.Mapping || over.Kind != topology.Mapping {
		return over
	}
	for _, e := range over.Entries {
		if e.Value.Kind == topology.Null {
			under = without(under, e.Key)
		} else {
			under = with(under, e.Key, merge(under.Get(e.Key), e.Value))
		}
	}
	return under
}

// with gives a mapping with a key set.
func with(m *topology.Value, key string, v *topology.Value) *topology.Value {
	out := *m
	out.Entries = slices.Clone(m.Entries)
	i := slices.IndexFunc(out.Entries, func(e topology.Entry) bool { return e.Key == key })
	if i < 0 {
		out.Entries = append(out.Entries, topology.Entry{Key: key, Line: v.Line, Column: v.Column, Value: v})
	} else {
		out.Entries[i].Value = v
	}
	return &out
}

// without gives a mapping without a key.
func without(m *topology.Value, key string) *topology.Value {
	out := *m
	out.Entries = slices.DeleteFunc(slices.Clone(m.Entries), func(e topology.Entry) bool { return e.Key == key })
	return &out
}

// everywhere changes every guest.
func everywhere(doc *topology.Value, change func(*topology.Value) *topology.Value) *topology.Value {
	guests := *doc.Get("guests")
	guests.Entries = slices.Clone(guests.Entries)
	for i, e := range guests.Entries {
		guests.Entries[i].Value = change(e.Value)
	}
	return with(doc, "guests", &guests)
}

// withFaults gives a guest further faults.
func withFaults(guest, faults *topology.Value) *topology.Value {
	if len(faults.Items) == 0 {
		return guest
	}
	all := *faults
	if old := guest.Get("faults"); old != nil {
		all.Items = slices.Concat(old.Items, faults.Items)
	}
	return with(guest, "faults", &all)
}

// withServers replaces services whole; one without a value is taken away.
func withServers(doc, servers *topology.Value) *topology.Value {
	services := doc.Get("services")
	if services == nil {
		services = &topology.Value{Path: servers.Path, Line: servers.Line, Column: servers.Column, Kind: topology.Mapping}
	}
	for _, e := range servers.Entries {
		services = without(services, e.Key)
		if e.Value.Kind != topology.Null {
			services = with(services, e.Key, e.Value)
		}
	}
	return with(doc, "services", services)
}

// inImagesPlace names another boot program wherever services and claims name the one that is replaced.
func inImagesPlace(doc, image *topology.Value) *topology.Value {
	var replaced func(v *topology.Value) *topology.Value
	replaced = func(v *topology.Value) *topology.Value {
		if v.Kind == topology.Text && v.Text == replacedImage {
			return image
		}
		out := *v
		out.Items, out.Entries = slices.Clone(v.Items), slices.Clone(v.Entries)
		for i, item := range v.Items {
			out.Items[i] = replaced(item)
		}
		for i, e := range v.Entries {
			out.Entries[i].Value = replaced(e.Value)
		}
		return &out
	}
	for _, key := range []string{"services", "expect"} {
		if part := doc.Get(key); part != nil {
			doc = with(doc, key, replaced(part))
		}
	}
	return doc
}

// onlyFirmware keeps the guests that have a firmware, and what is expected of them. A lone guest is given it instead. It tells
// whether any guest is left, and whether any went.
func onlyFirmware(doc *topology.Value, firmware *topology.Value, name string) (kept *topology.Value, some, fewer bool) {
	guests := doc.Get("guests")
	if len(guests.Entries) == 1 {
		return everywhere(doc, func(g *topology.Value) *topology.Value {
			word := *firmware
			word.Kind, word.Text, word.Entries = topology.Text, name, nil
			return with(g, "firmware", &word)
		}), true, false
	}
	expect := doc.Get("expect")
	for _, e := range doc.Get("guests").Entries {
		if fw := e.Value.Get("firmware"); fw != nil && fw.Text == name {
			continue
		}
		fewer = true
		guests = without(guests, e.Key)
		if expect != nil {
			expect = without(expect, e.Key)
		}
	}
	doc = with(doc, "guests", guests)
	if expect != nil {
		doc = with(doc, "expect", expect)
		if len(expect.Entries) == 0 {
			doc = without(doc, "expect")
		}
	}
	return doc, len(guests.Entries) > 0, fewer
}
