package topology

// The forms of hosts on several networks, of relays, and of servers that are not ours; see form.go.

type relayForm struct {
	To             []string   `json:"to" jsonschema:"required" example:"[boot]" jsonschema_description:"Services, or addresses: each gets every request."`
	Clients        []string   `json:"clients" jsonschema_description:"The networks whose clients are relayed. Default: those of its networks that none of these services is on."`
	MaxHops        hops       `json:"maxHops" jsonschema:"default=4" jsonschema_description:"How many hops a request may have made (RFC 1542)."`
	MinSecs        seconds    `json:"minSecs" jsonschema:"default=0" jsonschema_description:"Relay only clients that say they have tried for so many seconds."`
	Option82       policyWord `json:"option82" jsonschema:"default=add" jsonschema_description:"What becomes of the relay agent information (RFC 3046)."`
	LinkSelection  bool       `json:"linkSelection" jsonschema:"default=false" jsonschema_description:"Say by option 82.5 which network the client is on, and put the relay's address on the servers' side into giaddr (RFC 3527)."`
	ServerOverride bool       `json:"serverOverride" jsonschema:"default=false" jsonschema_description:"Have clients take the relay for their server, by option 82.11 (RFC 5107)."`
}

type poolForm struct {
	Range  span   `json:"range" jsonschema:"required" example:"198.51.100.100-198.51.100.199" jsonschema_description:"The pool: first and last address."`
	Router string `json:"router" jsonschema_description:"The service that clients there take for their router (option 3). Default: the router on that network, if there is exactly one."`
}

type execForm struct {
	Command []string          `json:"command" jsonschema:"required" example:"[dnsmasq, --no-daemon, -C, dnsmasq.conf]" jsonschema_description:"The program and its arguments; pxelab is this one. ${SERVICE.address} and the like are replaced."`
	Package string            `json:"package" jsonschema_description:"The distribution's package that has the program, named where it is missing."`
	Files   map[string]string `json:"files" jsonschema_description:"Files to write into its working directory, by name; variables are replaced, and one that begins with #! may be executed."`
	Images  []fileName        `json:"images" jsonschema_description:"Boot programs of this run, and what they fetch next, put into a folder for it to serve: ${self.files}."`
	Env     map[string]string `json:"env" jsonschema_description:"Its environment, besides PATH, HOME and LANG."`
	Ready   *readyForm        `json:"ready" jsonschema_description:"How it shows that it serves: guests are powered on after that."`
	Once    bool              `json:"once" jsonschema:"default=false" jsonschema_description:"It runs to its end by itself, as a client does, and the lab waits for that."`
	After   []string          `json:"after" jsonschema_description:"Services that must serve before it is started; when the lab is over they are stopped after it."`
	Restart *restartForm      `json:"restart" jsonschema_description:"Whether it is started again when it ends. Without this it is not."`
	Within  duration          `json:"within" jsonschema_description:"The longest it may take to be ready, or with once to end. Default: 20s, or 60s."`
}

type externalForm struct {
	Images []fileName `json:"images" jsonschema_description:"Boot programs of this run, and what they fetch next, put into tftp/SERVICE of its bundle for those servers to serve."`
}

type restartForm struct {
	Policy restartWord  `json:"policy" jsonschema:"required" example:"on-failure" jsonschema_description:"When: never; on-failure, when it ends by a signal or with a status other than 0; always."`
	Times  restartTimes `json:"times" jsonschema:"default=5" jsonschema_description:"How often at most, in one run of the lab."`
	Delay  duration     `json:"delay" jsonschema:"default=200ms" jsonschema_description:"How long after its end, the first time; twice as long each time after that, up to 10s."`
}

type (
	restartWord  string
	restartTimes int
)

type readyForm struct {
	UDP port    `json:"udp" jsonschema_description:"It has this UDP port open."`
	TCP port    `json:"tcp" jsonschema_description:"It listens on this TCP port."`
	Log pattern `json:"log" jsonschema_description:"A line that it writes matches this regular expression."`
}

type (
	policyWord string
	hops       int
)

// relayPolicies are what option82 may be.
var relayPolicies = []string{"add", "append", "replace", "keep", "none"}
