package control

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
)

// FuzzReadEvents holds that any bytes are read without harm, and that what was read survives being sent again.
func FuzzReadEvents(f *testing.F) {
	f.Add([]byte("id: 1\ndata: {\"seq\":1,\"at\":5,\"kind\":\"console\",\"text\":\"a\\nb\"}\n\n: still here\n\nevent: end\ndata: {}\n\n"))
	f.Add([]byte("data: {}\r\ndata: null\ndata: [\n"))
	f.Add([]byte("event: end"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		collect := func(b []byte) (events []event.Event) {
			_, _ = readEvents(bytes.NewReader(b), func(e event.Event) error {
				events = append(events, e)
				return nil
			})
			return events
		}
		first := collect(stream)
		var again bytes.Buffer
		if err := writeEvents(&again, first); err != nil {
			t.Skip("a value that JSON cannot carry") // a year beyond 9999
		}
		if second := collect(again.Bytes()); len(first) != len(second) {
			t.Errorf("%d events were sent, %d read", len(first), len(second))
		} else if b, _ := json.Marshal(first); len(first) > 0 {
			if c, _ := json.Marshal(second); !bytes.Equal(b, c) {
				t.Errorf("sent %s\nread %s", b, c)
			}
		}
	})
}
