package socket

import "time"

// slack is how much later than asked a wait may end because the host was busy.
const slack = 200 * time.Millisecond

// Slept tells of a wait that the process cannot have run through: it was stopped (SIGSTOP) meanwhile, or got no core. Who was waited for
// may have stood still as long, or its answer came and was not looked at, so that its time is to begin anew. A wait that a signal has
// interrupted ended too soon: as far as it can be told, the process was stopped.
func Slept(asked, took time.Duration, interrupted bool) bool {
	return interrupted || asked > 0 && took-asked >= slack
}
