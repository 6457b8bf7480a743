package control

import (
	"context"
	"net/http"
)

// Holding is how stepping through a lab stands.
type Holding struct {
	On    bool   `json:"on"`              // everybody in the lab stands still, until a Step
	Until string `json:"until,omitempty"` // it is not held, and will be there; empty: nowhere

	Guest     string `json:"guest,omitempty"` // on whose cable the packet is that it is held at
	Data      []byte `json:"data,omitempty"`  // that packet, an Ethernet frame; empty: it is held between packets
	FromGuest bool   `json:"tx,omitempty"`    // the guest sent it
	Info      string `json:"info,omitempty"`  // the packet in one line; of a hold at a stage: who has reached it
	Waiting   int    `json:"waiting"`         // packets that follow before anybody moves

	Seq int `json:"seq,omitempty"` // the latest event that told of it; 0: none yet
}

// Until says where a lab that goes on is to be held next. The zero Until is the next packet that tells something: not ARP and the like,
// and not the middle of a file.
type Until struct {
	Never  bool   `json:"never,omitempty"`  // nowhere: it just goes on
	Now    bool   `json:"now,omitempty"`    // at once, between packets
	Any    bool   `json:"any,omitempty"`    // any packet at all
	Packet string `json:"packet,omitempty"` // this packet, written as a fault's selection: "offer", or "{packet: data, block: 3, from: boot}"
	Guest  string `json:"guest,omitempty"`  // on this guest's cable; empty: any
	Stage  string `json:"stage,omitempty"`  // once a guest reaches this stage; "next": any further one
}

// Step lets a held lab go on. On one that is not held it says where it will be.
type Step struct {
	Do    string `json:"do,omitempty"`   // what becomes of the packet: "pass" (the default), "drop", "duplicate"
	Data  []byte `json:"data,omitempty"` // goes on in its place
	Until Until  `json:"until"`
}

// Hold says how stepping through the lab stands.
func (c *Client) Hold(ctx context.Context) (Holding, error) {
	var h Holding
	err := c.ask(ctx, "GET", "hold", nil, &h)
	return h, err
}

// Step lets a held lab go on until the next hold, or has one that is not held be held there. It returns at once, with how the lab
// stands then: the event stream tells when it is held.
func (c *Client) Step(ctx context.Context, s Step) (Holding, error) {
	var h Holding
	err := c.ask(ctx, "POST", "step", s, &h)
	return h, err
}

func (s *Server) getHold(w http.ResponseWriter, r *http.Request) {
	h, err := s.lab.Hold(r.Context())
	answer(w, http.StatusOK, h, err)
}

func (s *Server) postStep(w http.ResponseWriter, r *http.Request) {
	var ask Step
	if !body(w, r, &ask) {
		return
	}
	h, err := s.lab.Step(r.Context(), ask)
	answer(w, http.StatusOK, h, err)
}
