package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"

	"golang.org/x/sys/unix"
)

// Listen opens a socket on the host of a service outside the lab, as of net.Listen: network is "udp", "tcp" or one of these with
// 4 or 6 behind it, the address an IP address and a port, such as ":67". The file is for net.FilePacketConn or net.FileListener;
// the caller closes it. The socket stays that host's, wherever it is used.
//
// The answer brings a descriptor along (SCM_RIGHTS of unix(7)), which no HTTP client would take: hence the exchange by hand.
func (c *Client) Listen(ctx context.Context, service, network, address string) (*os.File, error) {
	refused := func(err error) error {
		return fmt.Errorf("lab %q: listen on %s %s as service %q: %w", c.name, network, address, service, err)
	}
	body, err := json.Marshal(listenRequest{network, address})
	if err != nil {
		return nil, refused(err)
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://lab/v1/services/"+url.PathEscape(service)+"/listen", bytes.NewReader(body))
	if err != nil {
		return nil, refused(err)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.path)
	if err != nil {
		return nil, refused(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := req.Write(conn); err != nil {
		return nil, refused(err)
	}
	socket, err := receive(conn.(*net.UnixConn), req)
	if err != nil {
		return nil, refused(err)
	}
	return socket, nil
}

// receive takes the answer to a request for a socket, and the descriptor that comes with its first octets.
func receive(conn *net.UnixConn, req *http.Request) (*os.File, error) {
	first, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := conn.ReadMsgUnix(first, rights)
	if err != nil {
		return nil, err
	}
	socket, err := granted(rights[:m])
	if err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(&continued{first[:n], conn}), req)
	if err == nil {
		defer res.Body.Close()
		var f failure
		switch err = json.NewDecoder(res.Body).Decode(&f); {
		case err == nil && f.Error != "":
			err = errors.New(f.Error)
		case err == nil && socket == nil:
			err = fmt.Errorf("it answered %s and gave no socket", res.Status)
		}
	}
	if err != nil && socket != nil {
		socket.Close()
	}
	if err != nil {
		return nil, err
	}
	return socket, nil
}

// continued is what was read of a stream, and then the rest of it.
type continued struct {
	read []byte
	rest *net.UnixConn
}

func (c *continued) Read(p []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(p, c.read)
		c.read = c.read[n:]
		return n, nil
	}
	return c.rest.Read(p)
}

// granted is the descriptor in the rights of a message; nil if it has none.
func granted(rights []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil || len(fds) == 0 {
			continue
		}
		unix.CloseOnExec(fds[0])
		return os.NewFile(uintptr(fds[0]), "socket"), nil //nolint:gosec // the kernel numbers from 0
	}
	return nil, nil
}

func (s *Server) postListen(w http.ResponseWriter, r *http.Request) {
	var ask listenRequest
	if !body(w, r, &ask) {
		return
	}
	socket, err := s.lab.Listen(r.Context(), r.PathValue("service"), ask.Network, ask.Address)
	if err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	defer socket.Close()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		fail(w, http.StatusInternalServerError, "pass the socket on: %v", err)
		return
	}
	defer conn.Close()
	const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}\n"
	// A client that is gone needs no socket.
	_, _, _ = conn.(*net.UnixConn).WriteMsgUnix([]byte(answer), unix.UnixRights(int(socket.Fd())), nil)
}
