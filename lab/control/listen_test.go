package control

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/topology"
)

// A socket that the lab opened works in this process: what is sent to it arrives, and what it sends leaves.
func TestListen(t *testing.T) {
	runtimeDir(t)
	up(t, newLab("demo"))
	c, ctx := dial(t, "demo"), context.Background()
	file, err := c.Listen(ctx, "mine", "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FilePacketConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, err := net.Dial("udp4", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	n, from, err := conn.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "hello" || from.String() != client.LocalAddr().String() {
		t.Errorf("read %q from %v, %v", buf[:n], from, err)
	}

	if file, err = c.Listen(ctx, "mine", "tcp4", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	listener, err := net.FileListener(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(listener) //nolint:errcheck // Close ends it
	defer server.Close()
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := web.Get("http://" + listener.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("the server behind the socket answered %s", res.Status)
	}
}

func TestListenRefused(t *testing.T) {
	runtimeDir(t)
	up(t, newLab("demo"))
	c := dial(t, "demo")
	want := `lab "demo": listen on udp4 :67 as service "dhcp": service "dhcp" is not one of servers outside the lab`
	if file, err := c.Listen(context.Background(), "dhcp", "udp4", ":67"); err == nil || err.Error() != want {
		t.Errorf("%v, %v; want %s", file, err, want)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if file, err := c.Listen(ended, "mine", "udp4", "127.0.0.1:0"); err == nil {
		t.Errorf("a call whose context has ended gave %v", file)
	}
}

func TestBoot(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l)
	c, ctx := dial(t, "demo"), context.Background()
	if err := c.Boot(ctx, "x64", []topology.Expectation{{Booted: &topology.Booted{Image: "probe", From: "mine"}}, {Ends: "off"}}); err != nil {
		t.Error(err)
	}
	if err := c.Boot(ctx, "x64", nil); err != nil {
		t.Error(err)
	}
	if got, want := strings.Join(l.power, "; "), "x64 boot [booted: {image: probe, from: mine} ends: off]; x64 boot []"; got != want {
		t.Errorf("the lab was told %s, want %s", got, want)
	}
	if err := c.Boot(ctx, "off", nil); err == nil || err.Error() != `guest "off" is on, or about to be` {
		t.Error(err)
	}
	if err := c.Boot(ctx, "ia32", nil); err == nil || err.Error() != `lab "demo" has no guest "ia32" (have x64, off)` {
		t.Error(err)
	}
}
