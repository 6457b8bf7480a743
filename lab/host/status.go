package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// errMonitorGone says that the emulator closed its monitor, which it does only by ending.
var errMonitorGone = errors.New("the monitor is gone")

// statusPause is the time between two looks at a machine. An internal error of KVM sends no event of its own,
// so it has to be asked for.
const statusPause = 20 * time.Millisecond

// watchStatus asks over QMP how the machine is until it does not run any more, and says so.
func watchStatus(ctx context.Context, monitor io.ReadWriter) error {
	dec := json.NewDecoder(monitor)
	if err := answer(dec, "QMP", new(struct{})); err != nil {
		return err
	}
	if err := ask(monitor, dec, "qmp_capabilities", new(struct{})); err != nil {
		return err
	}
	tick := time.NewTicker(statusPause)
	defer tick.Stop()
	for {
		var now struct{ Status string }
		if err := ask(monitor, dec, "query-status", &now); err != nil {
			return err
		}
		if !slices.Contains([]string{"running", "prelaunch"}, now.Status) {
			return fmt.Errorf("machine status %q", now.Status)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func ask(w io.Writer, dec *json.Decoder, command string, into any) error {
	if _, err := fmt.Fprintf(w, "{\"execute\":%q}\n", command); err != nil {
		return errMonitorGone
	}
	return answer(dec, "return", into)
}

// answer reads messages up to the one with that member; events in between are no answer.
func answer(dec *json.Decoder, member string, into any) error {
	for {
		var message map[string]json.RawMessage
		err := dec.Decode(&message)
		if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
			return fmt.Errorf("read QMP: %w", err)
		}
		if err != nil {
			return errMonitorGone
		}
		if refusal, ok := message["error"]; ok {
			return fmt.Errorf("QMP error: %s", refusal)
		}
		if v, ok := message[member]; ok {
			return json.Unmarshal(v, into)
		}
	}
}
