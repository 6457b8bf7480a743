package event

// HTTP is one step of an exchange over HTTP/1.0 or HTTP/1.1 (RFC 9112): a request, the head of its response, the end
// of the response's body, or the end of the connection before that. Every step carries all that is known of the
// exchange by then. The middle of a body is folded.
type HTTP struct {
	Op     string `json:"op"`               // "request", "response", "end", "cut"
	Method string `json:"method,omitempty"` // "GET", "HEAD"
	Target string `json:"target,omitempty"` // of the request, as sent: "/probe-x64.efi"
	Host   string `json:"host,omitempty"`   // the request's Host
	Status int    `json:"status,omitempty"` // of the response
	Length *int64 `json:"length,omitempty"` // the response's Content-Length; absent when it names none
	Chunks bool   `json:"chunks,omitempty"` // its body comes in chunks, which say themselves where it ends
	Bytes  int64  `json:"bytes,omitempty"`  // octets of the response's body so far, each counted once
	Last   bool   `json:"last,omitempty"`   // the response is whole
	CRC32  string `json:"crc32,omitempty"`  // of its body when it is whole: IEEE, 8 lower-case hex digits
	Repeat int    `json:"repeat,omitempty"` // how often this request was sent before, by TCP
}
