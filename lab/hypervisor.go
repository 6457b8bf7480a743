package lab

import (
	"context"
	"io"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// emulator is the QEMU of one power-on, whoever started it: *guest.Machine has these methods. They may be called from any
// goroutine, also after its end.
type emulator interface {
	PID() int                         // as this process knows it; 0 where it does not
	CPU() (ran, waited time.Duration) // of the guest's processor since power-on; zero where nobody tells
	Status(ctx context.Context) (string, error)
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	Freeze()                // stops it as it is now, before this returns: for a guest that is killed next
	Type(keys []byte) error // on the serial console
	Attach(w io.Writer) (detach func(), done <-chan struct{})
	Kill()                 // returns at once
	Done() <-chan struct{} // closed when it is gone and all it wrote was delivered
	Exit() event.Exit      // valid after Done
	Err() error            // what went wrong in this process; valid after Done
}
