package wire

// Bounds of what a decoder remembers, far beyond what a boot consists of: a capture from outside may hold a machine that scans a
// network, or octets made to fill memory.
const (
	maxRemembered = 1024 // of each kind of thing that was seen
	maxTransfers  = 128  // known at once, as each takes 4 KiB
)

// room makes room for one more in a table. What is forgotten may be told a second time, which is all the harm.
func room[K comparable, V any](table map[K]V) {
	if len(table) >= maxRemembered {
		clear(table)
	}
}

// put enters a transfer. When there are too many, those that have ended go, and if that is not enough, all.
func (d *Decoder) put(key transferKey, t *transfer) {
	if len(d.transfers) >= maxTransfers && d.transfers[key] == nil {
		for k, old := range d.transfers {
			if old.ended {
				delete(d.transfers, k)
			}
		}
		if len(d.transfers) >= maxTransfers {
			clear(d.transfers)
		}
		clear(d.newest)
		clear(d.asked)
		clear(d.opened)
	}
	d.transfers[key] = t
}
