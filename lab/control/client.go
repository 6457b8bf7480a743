package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// patience is how long a lab may take to say who it is. It is asked while others wait for the folder's lock.
const patience = 5 * time.Second

// Client speaks to one running lab. Every call opens a connection of its own, so there is nothing to close.
type Client struct {
	name string
	path string
	http *http.Client
}

// Dial finds the running lab of that name; with an empty name, the only one that runs.
func Dial(name string) (*Client, error) {
	if name == "" {
		labs, err := List()
		if err != nil {
			return nil, err
		}
		if len(labs) == 0 {
			return nil, errors.New("no lab is up; `pxelab up TOPOLOGY` starts one")
		}
		if len(labs) > 1 {
			return nil, fmt.Errorf("which lab? name one; %s", running(labs))
		}
		name = labs[0].Name
	}
	path, err := socketOf(name)
	if err != nil {
		return nil, err
	}
	info, err := askWho(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		labs, err := List()
		return nil, errors.Join(fmt.Errorf("no lab named %q is up; %s", name, running(labs)), err)
	case err != nil:
		return nil, fmt.Errorf("ask lab %q: %w", name, err)
	case info.Silent:
		return nil, fmt.Errorf("lab %q does not answer: it is being started, or process %d is stuck", name, info.PID)
	}
	return newClient(name, path), nil
}

// Reach waits until a lab that is being started answers, as long as ctx lasts: on a busy host that takes its time. It fails at once if
// nobody listens on the lab's socket.
func Reach(ctx context.Context, name string) (*Client, error) {
	path, err := socketOf(name)
	if err != nil {
		return nil, err
	}
	c := newClient(name, path)
	if _, err := c.Lab(ctx); err != nil {
		return nil, fmt.Errorf("reach lab %q: %w", name, err)
	}
	return c, nil
}

// socketOf is where the lab of that name listens, if it is up.
func socketOf(name string) (string, error) {
	dir, err := RuntimeDir()
	if err != nil {
		return "", err
	}
	return socketPath(dir, name)
}

// running lists labs for a message.
func running(labs []Info) string {
	if len(labs) == 0 {
		return "none is running; `pxelab up TOPOLOGY` starts one"
	}
	var names []string
	for _, l := range labs {
		names = append(names, l.Name)
	}
	return "running: " + strings.Join(names, ", ")
}

func newClient(name, path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{name: name, path: path, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// askWho asks what is behind a socket, and waits for the answer as long as patience lasts. A lab that ends while it
// is asked breaks the connection off: asked again, there is nobody.
func askWho(path string) (info Info, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 3 {
		info, err = visit(ctx, path)
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.EOF) {
			break
		}
	}
	return info, err
}

// visit asks what is behind a socket. It fails with fs.ErrNotExist if there is no socket, and with
// ECONNREFUSED if nobody listens on it. Who listens but does not answer before ctx is done is Silent.
func visit(ctx context.Context, path string) (Info, error) {
	c := newClient("", path)
	pid, err := c.PID(ctx)
	if err != nil {
		return Info{}, err
	}
	info, err := c.Lab(ctx)
	if err != nil && ctx.Err() != nil {
		return Info{PID: pid, Silent: true}, nil
	}
	return info, err
}

// Name is the lab's name.
func (c *Client) Name() string { return c.name }

// PID is the process that serves the lab, as this process sees it: its namespaces are the lab's.
func (c *Client) PID(ctx context.Context) (int, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.path)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return peerPID(conn.(*net.UnixConn))
}

// Lab says which lab this is.
func (c *Client) Lab(ctx context.Context) (Info, error) {
	var info Info
	if err := c.ask(ctx, "GET", "lab", nil, &info); err != nil {
		return Info{}, err
	}
	var err error
	info.PID, err = c.PID(ctx)
	return info, err
}

// Plan gives the lab's plan.
func (c *Client) Plan(ctx context.Context) (*plan.Plan, error) {
	var p plan.Plan
	if err := c.ask(ctx, "GET", "plan", nil, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

// Power does one of the Actions to a guest.
func (c *Client) Power(ctx context.Context, guest, action string) error {
	return c.ask(ctx, "POST", "guests/"+url.PathEscape(guest)+"/power", powerRequest{action}, nil)
}

// Boot has a guest powered on as soon as there is a core for it, to be judged on these expectations, or on the plan's if there are
// none, and switched off once it has settled: the event stream tells when. It returns before that.
func (c *Client) Boot(ctx context.Context, guest string, expect []topology.Expectation) error {
	return c.ask(ctx, "POST", "guests/"+url.PathEscape(guest)+"/boot", bootRequest{expect}, nil)
}

// Stop asks the lab to end. The event stream tells when it has.
func (c *Client) Stop(ctx context.Context, reason string) error {
	return c.ask(ctx, "POST", "stop", stopRequest{reason}, nil)
}

// Capture copies the capture from its beginning to w, and follows it until the lab ends or ctx is done.
func (c *Client) Capture(ctx context.Context, w io.Writer) error {
	res, err := c.do(ctx, "GET", "capture", nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err = io.Copy(w, res.Body); err != nil && ctx.Err() == nil {
		return fmt.Errorf("capture of lab %q: %w", c.name, err)
	}
	return ctx.Err()
}

// ask sends one request and decodes the answer, if one is wanted.
func (c *Client) ask(ctx context.Context, method, path string, request, answer any) error {
	var body []byte
	if request != nil {
		var err error
		if body, err = json.Marshal(request); err != nil {
			return err
		}
	}
	res, err := c.do(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("read the answer of lab %q to %s: %w", c.name, path, err)
	}
	return nil
}

// do sends a request; an answer that is an error comes back as one.
func (c *Client) do(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://lab/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the made-up address
		}
		if c.name == "" { // the caller says whom it asks
			return nil, err
		}
		return nil, fmt.Errorf("lab %q: %w", c.name, err)
	}
	if res.StatusCode < 400 {
		return res, nil
	}
	defer res.Body.Close()
	var f failure
	if json.NewDecoder(bufio.NewReader(io.LimitReader(res.Body, maxBody))).Decode(&f) != nil || f.Error == "" {
		f.Error = "answered " + res.Status
	}
	return nil, errors.New(f.Error)
}
