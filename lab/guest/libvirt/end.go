package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest/console"
)

// drainLimit is how long after the domain's end its last words may take. They are in sockets already; more time would only pass if
// their end were lost.
const drainLimit = time.Second

// Done is closed when the domain is gone, all it wrote has been delivered, and Exit can be asked.
func (m *Machine) Done() <-chan struct{} { return m.done }

// Exit is how the domain ended. Libvirt does not tell QEMU's exit status: 0 stands for an end that was asked for, by the guest or by
// Kill, -1 for any other, and what is known of that is in Stderr. Its CPU is zero where the daemon had ended QEMU before it could be
// asked. Valid after Done.
func (m *Machine) Exit() event.Exit {
	<-m.done
	return m.exit
}

// Err is what went wrong in this process or with the daemon. Valid after Done.
func (m *Machine) Err() error {
	<-m.done
	return m.err
}

// Kill ends the guest whatever it does. It returns at once; Done tells when it is gone.
func (m *Machine) Kill() {
	m.kill.Do(func() {
		close(m.asked)
		go func() {
			m.sample()
			if err := m.destroy(); err != nil {
				m.end(err)
			}
			select {
			case <-m.over:
			case <-time.After(callLimit):
				m.end(fmt.Errorf("domain %q was ended, and libvirt's daemon does not tell of it", m.config.Name))
			}
		}()
	})
}

// destroy has the daemon end QEMU, first with SIGTERM. A domain that is gone already is no error.
func (m *Machine) destroy() error {
	_, err := limited(context.Background(), callLimit, func() (any, error) { return nil, m.c.daemon.DomainDestroy(m.domain) })
	if err == nil || gone(err) {
		return nil
	}
	return fmt.Errorf("end domain %q: %w", m.config.Name, err)
}

// gone tells whether a call failed because the domain has ended.
func gone(err error) bool {
	var said golibvirt.Error
	return errors.As(err, &said) && (said.Code == uint32(golibvirt.ErrNoDomain) || strings.Contains(said.Message, "not running"))
}

// happened is called for each event of the domain, in their order.
func (m *Machine) happened(what golibvirt.DomainEventType, detail int32) {
	switch what {
	case golibvirt.DomainEventShutdown:
		go m.sample()
	case golibvirt.DomainEventSuspended, golibvirt.DomainEventCrashed:
		go m.checkBroken() // an internal error of KVM has no event of its own
	case golibvirt.DomainEventStopped:
		m.stopped(golibvirt.DomainEventStoppedDetailType(detail))
	}
}

// checkBroken tells once if the machine has stopped and cannot go on.
func (m *Machine) checkBroken() {
	<-m.ready
	status, err := m.Status(context.Background())
	switch status {
	case "internal-error", "guest-panicked", "io-error":
		if err == nil && m.config.Broken != nil {
			m.broken.Do(func() { m.config.Broken(status) })
		}
	}
}

// stopped notes how the domain ended.
func (m *Machine) stopped(detail golibvirt.DomainEventStoppedDetailType) {
	asked := false
	select {
	case <-m.asked:
		asked = true
	default:
	}
	m.ending.Do(func() {
		m.sampling.Lock()
		defer m.sampling.Unlock()
		switch {
		case asked, detail == golibvirt.DomainEventStoppedShutdown:
		case detail == golibvirt.DomainEventStoppedDestroyed:
			m.exit.Code, m.exit.Stderr = -1, "somebody else ended its domain through libvirt"
		default: // crashed, or failed: its monitor was cut off
			m.exit.Code, m.exit.Stderr = -1, m.lastWords()
		}
		close(m.over)
	})
}

// end ends the machine for a reason of ours: its domain will not be heard of.
func (m *Machine) end(why error) {
	m.ending.Do(func() {
		m.sampling.Lock()
		defer m.sampling.Unlock()
		m.exit.Code, m.lost = -1, why
		close(m.over)
	})
}

// reap waits for the end of the domain, then for all it left to read.
func (m *Machine) reap() {
	<-m.over
	late := time.AfterFunc(drainLimit, m.hangUp)
	m.workers.Wait()
	late.Stop()
	m.hangUp()
	m.c.remove(m)
	m.err = errors.Join(m.err, m.lost)
	close(m.done)
}

func (m *Machine) hangUp() {
	m.nic.close()
	if m.console != nil {
		_ = m.console.Close()
	}
}

// sample notes what the machine has used so far: once it is gone, nobody can tell.
func (m *Machine) sample() {
	<-m.ready
	cpu, err := limited(context.Background(), sampleLimit, func() (uint64, error) {
		_, _, _, _, cpu, err := m.c.daemon.DomainGetInfo(m.domain)
		return cpu, err
	})
	if err != nil {
		return
	}
	m.sampling.Lock()
	defer m.sampling.Unlock()
	select {
	case <-m.over: // too late
	default:
		m.exit.CPU = time.Duration(cpu)
	}
}

// logBytes is how much of the domain's log is read, from its end.
const logBytes = 4096

// lastWords are QEMU's, from the daemon's log of the domain, if this process may read it.
func (m *Machine) lastWords() string {
	const none = "QEMU ended, and libvirt does not say why"
	if m.c.hypervisor.Remote() {
		return none + "; its log is on the daemon's host"
	}
	path := filepath.Join("/var/log/libvirt/qemu", m.config.Name+".log")
	if m.c.hypervisor.Driver == "qemu:///session" {
		path = filepath.Join(cacheDir(), "libvirt/qemu/log", m.config.Name+".log")
	}
	f, err := os.Open(path)
	if err != nil {
		return none + "; see " + path
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-logBytes), io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	return console.LastLines(string(text))
}
