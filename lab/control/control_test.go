package control

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestCalls(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l)
	c, ctx := dial(t, ""), context.Background()
	info, err := c.Lab(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Info{Name: "demo", About: "a lab in memory", Version: "v0.test", Since: since, Bundle: "/runs/demo",
		Networks: []string{"lan"}, Services: []string{"dhcp"}, Guests: []string{"x64", "off"}, PID: os.Getpid()}); fmt.Sprint(info) != fmt.Sprint(want) {
		t.Errorf("lab is %+v\nwant %+v", info, want)
	}
	p, err := c.Plan(ctx)
	if err != nil || p.Name != "demo" || len(p.Guests) != 2 {
		t.Errorf("plan is %+v, %v", p, err)
	}
	for _, a := range Actions {
		if err := c.Power(ctx, "x64", a); err != nil {
			t.Errorf("power %s: %v", a, err)
		}
	}
	if got := strings.Join(l.power, ","); got != "x64 on,x64 off,x64 reset,x64 pause,x64 resume" {
		t.Errorf("the lab was told %s", got)
	}
	if err := c.Stop(ctx, "enough seen"); err != nil {
		t.Error(err)
	}
	if got := <-l.stopped; got != "enough seen" {
		t.Errorf("stopped because of %q", got)
	}
}

func TestErrors(t *testing.T) {
	runtimeDir(t)
	up(t, newLab("demo"))
	c, ctx := dial(t, "demo"), context.Background()
	for _, tt := range []struct{ guest, action, want string }{
		{"x64", "explode", `unknown action "explode" (have on, off, reset, pause, resume)`},
		{"ia32", "on", `lab "demo" has no guest "ia32" (have x64, off)`},
		{"../../stop", "on", `lab "demo" has no guest "../../stop" (have x64, off)`},
		{"off", "reset", `guest "off" is off: power it on first`},
	} {
		if err := c.Power(ctx, tt.guest, tt.action); err == nil || err.Error() != tt.want {
			t.Errorf("power %s %s: %v, want %s", tt.guest, tt.action, err, tt.want)
		}
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "nothing", "", 404, "no such call: /v1/nothing"},
		{"GET", "stop", "", 405, "/v1/stop cannot be used with GET (have POST)"},
		{"DELETE", "guests/x64/power", "", 405, "/v1/guests/x64/power cannot be used with DELETE (have POST)"},
		{"POST", "guests/x64/power", "{", 400, "read the request: unexpected EOF"},
		{"POST", "guests/x64/power", `{"acton":"on"}`, 400, `read the request: json: unknown field "acton"`},
		{"POST", "stop", `{"reason":"` + strings.Repeat("x", maxBody) + `"}`, 400, "read the request: http: request body too large"},
		{"PUT", "guests/x64/faults", "", 405, "/v1/guests/x64/faults cannot be used with PUT (have DELETE, POST)"},
		{"POST", "guests/ia32/faults", "{}", 404, `lab "demo" has no guest "ia32" (have x64, off)`},
		{"POST", "guests/x64/faults", "", 409, "fault:1:1: is empty; write a fault"},
		{"DELETE", "guests/x64/faults?rule=0", "", 400, `rule="0" is not the number of a fault`},
		{"DELETE", "guests/x64/faults?rule=5", "", 409, `guest "x64" has no fault 5`},
		{"DELETE", "guests/ia32/faults", "", 404, `lab "demo" has no guest "ia32" (have x64, off)`},
		{"GET", "events?from=x", "", 400, `from="x" is not the number of an event`},
		{"GET", "events?from=-1", "", 400, `from="-1" is not the number of an event`},
		{"GET", "guests/x64/console", "", 426, "a console is a raw stream: ask with `Connection: Upgrade` and `Upgrade: pxelab-console`"},
		{"GET", "guests/ia32/console", "", 404, `lab "demo" has no guest "ia32" (have x64, off)`},
	} {
		req, err := http.NewRequest(tt.method, "http://lab/v1/"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if want := fmt.Sprintf(`{"error":%q}`+"\n", tt.want); err != nil || res.StatusCode != tt.status || string(got) != want {
			t.Errorf("%s %s: %d %s want %d %s", tt.method, tt.path, res.StatusCode, got, tt.status, want)
		}
	}
}

func TestFaultCalls(t *testing.T) {
	runtimeDir(t)
	up(t, newLab("demo"))
	c, ctx := dial(t, "demo"), context.Background()
	var want []Fault
	for _, text := range []string{"{do: drop}", "{do: delay, by: 20ms}"} {
		f, err := c.Arm(ctx, "x64", text)
		want = append(want, Fault{Guest: "x64", Rule: len(want) + 1, Fault: text, Sent: true, Waits: "it is off"})
		if err != nil || f != want[len(want)-1] {
			t.Errorf("arm %s: %+v, %v", text, f, err)
		}
	}
	if list, err := c.Faults(ctx); err != nil || !slices.Equal(list, want) {
		t.Errorf("%+v, %v; want %+v", list, err, want)
	}
	if gone, err := c.Clear(ctx, "x64", 2); err != nil || !slices.Equal(gone, want[1:]) {
		t.Errorf("clear 2: %+v, %v", gone, err)
	}
	if gone, err := c.Clear(ctx, "x64", 0); err != nil || !slices.Equal(gone, want) {
		t.Errorf("clear all: %+v, %v", gone, err)
	}
}

func TestHoldCalls(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	l.hold = Holding{On: true, Guest: "x64", Data: []byte{1, 2, 3}, FromGuest: true, Info: "DHCPDISCOVER", Waiting: 2}
	up(t, l)
	c, ctx := dial(t, "demo"), context.Background()
	if h, err := c.Hold(ctx); err != nil || !reflect.DeepEqual(h, l.hold) {
		t.Errorf("hold: %+v, %v; want %+v", h, err, l.hold)
	}
	if h, err := c.Step(ctx, Step{Data: []byte{4, 5}, Until: Until{Packet: "offer"}}); err != nil || !reflect.DeepEqual(h, Holding{Until: "offer", Data: []byte{4, 5}}) {
		t.Errorf("step: %+v, %v", h, err)
	}
	l.hold = Holding{}
	if _, err := c.Step(ctx, Step{Do: "drop"}); err == nil || err.Error() != "no packet is held" {
		t.Errorf("refusal: %v", err)
	}
}

func TestConsole(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	down := up(t, l)
	c := dial(t, "demo")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := c.Console(ctx, "off"); err == nil || err.Error() != `guest "off" is off: it has no console` {
		t.Errorf("console of a guest that is off: %v", err)
	}
	for _, end := range []struct {
		name string
		by   func(io.Closer)
	}{
		{"client closes", func(rw io.Closer) { rw.Close() }},
		{"context ends", func(io.Closer) { cancel() }},
		{"lab closes", func(io.Closer) { down() }},
	} {
		use := context.Background()
		if end.name == "context ends" {
			use = ctx
		}
		rw, err := c.Console(use, "x64")
		if err != nil {
			t.Fatal(err)
		}
		expect(t, rw, "console of x64\n")
		raw := string([]byte{0, 3, 0xff, '\r', '\n', 0x1b}) // a console is typed at in octets
		if _, err := io.WriteString(rw, raw); err != nil {
			t.Fatal(err)
		}
		expect(t, rw, raw)
		end.by(rw)
		<-l.detached // the lab notices
		if n, err := rw.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: the client still read %d octets", end.name, n)
		}
		rw.Close()
	}
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func TestCapture(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l)
	c := dial(t, "demo")
	l.captured <- []byte("head,")
	l.captured <- []byte("frame,")
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := c.Capture(context.Background(), w)
		w.Close()
		done <- err
	}()
	expect(t, r, "head,frame,") // is sent before the stream ends
	l.captured <- []byte("last")
	expect(t, r, "last")
	close(l.captured)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestCaptureBreaks has the capture fail before its first octet and after it.
func TestCaptureBreaks(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l)
	c := dial(t, "demo")
	l.captured <- nil
	if err := c.Capture(context.Background(), io.Discard); err == nil || err.Error() != "the capture file is gone" {
		t.Errorf("capture that cannot begin: %v", err)
	}
	l.captured <- []byte("head")
	l.captured <- nil
	var got bytes.Buffer
	if err := c.Capture(context.Background(), &got); err == nil || got.String() != "head" {
		t.Errorf("capture that breaks off: %q, %v; want an error", got.String(), err)
	}
}
