package plan

import "github.com/pxelab/pxelab/lab/topology"

// What a guest keeps busy of a core while it boots in real time, measured: OVMF works all the time, SeaBIOS and iPXE mostly wait.
const (
	flashCores = 1.0
	biosCores  = 0.25
)

// Needs estimates what a lab takes of a machine while it runs: cores kept busy, and memory. Under warp, as on one core, its guests
// boot one after the other; in real time all at once.
func Needs(t *topology.Topology, clock string) (cores float64, memoryMiB int) {
	for _, g := range t.Guests {
		memory, busy := g.Memory, flashCores
		if memory == 0 {
			memory = profiles[g.Firmware].memory
		}
		if g.Firmware == "bios" {
			busy = biosCores
		}
		memory += overheadMiB
		if clock == "real" {
			cores, memoryMiB = cores+busy, memoryMiB+memory
		} else {
			cores, memoryMiB = 1, max(memoryMiB, memory)
		}
	}
	return cores, memoryMiB + labMiB
}

// labMiB is what the supervisor and its services take (measured: 40 to 70 MiB).
const labMiB = 70
