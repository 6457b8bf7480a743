package topology

// The forms of what speaks PXE; see form.go.

type pxeForm struct {
	Control   []controlWord   `json:"control" jsonschema_description:"PXE_DISCOVERY_CONTROL (tag 6): [] allows every way of discovery."`
	Multicast address         `json:"multicast" jsonschema_description:"The group of the boot servers (tag 7), such as 224.0.1.2."`
	Servers   []pxeServerForm `json:"servers" jsonschema_description:"Where boot servers of each type are (tag 8)."`
	Menu      []pxeItemForm   `json:"menu" jsonschema_description:"The boot menu (tag 9). The first item is the default."`
	Prompt    *pxePromptForm  `json:"prompt" jsonschema_description:"What is shown before the menu, and for how long (tag 10)."`
	MTFTP     string          `json:"mtftp" example:"boot" jsonschema_description:"The service whose mtftp has the boot files by multicast: clients are told how (tags 1 to 5)."`
	Flaws     []offerFlaw     `json:"flaws" jsonschema_description:"Mistakes to make on purpose: a broken lab."`
}

type pxeServerForm struct {
	Type serverType `json:"type" jsonschema:"required" example:"0x8000" jsonschema_description:"Boot server type."`
	At   []string   `json:"at" jsonschema_description:"Services, or addresses. None: any server of that type may answer."`
}

type pxeItemForm struct {
	Type serverType `json:"type" jsonschema:"required" example:"0x8000" jsonschema_description:"Boot server type; 0 boots from the machine's own disk."`
	Text string     `json:"text" jsonschema:"required" example:"Install" jsonschema_description:"What the menu shows."`
}

type pxePromptForm struct {
	Text    string  `json:"text" jsonschema_description:"What is shown, such as Press F8 for the menu."`
	Timeout seconds `json:"timeout" jsonschema:"required" example:"5" jsonschema_description:"Seconds to wait for the key; 0 takes the first item at once, 255 shows the menu at once."`
}

type proxyForm struct {
	Ports     []port      `json:"ports" jsonschema_description:"Of 67 and 4011. Default: both."`
	Boot      *bootForm   `json:"boot" jsonschema_description:"The boot files it names."`
	PXE       *pxeForm    `json:"pxe" jsonschema_description:"What it says in option 43. Without it, to boot the file at once."`
	ClassOnly bool        `json:"classOnly" jsonschema:"default=false" jsonschema_description:"Say on port 67 no more than PXEClient, so that clients ask port 4011."`
	Flaws     []proxyFlaw `json:"flaws" jsonschema_description:"Mistakes to make on purpose: a broken lab."`
}

type bootServerForm struct {
	Boots     []bootServerItemForm `json:"boots" jsonschema:"required" example:"[{type: 0x8000, boot: {bios: probe}}]" jsonschema_description:"What each type boots."`
	Multicast address              `json:"multicast" jsonschema_description:"The group to answer discovery in."`
	Broadcast bool                 `json:"broadcast" jsonschema:"default=false" jsonschema_description:"Answer discovery by broadcast (port 67), too."`
	Flaws     []bootServerFlaw     `json:"flaws" jsonschema_description:"Mistakes to make on purpose: a broken lab."`
}

type bootServerItemForm struct {
	Type  serverType `json:"type" jsonschema:"required" example:"0x8000" jsonschema_description:"Boot server type."`
	Layer bootLayer  `json:"layer" jsonschema:"default=0" jsonschema_description:"Layer of the boot program."`
	Boot  bootForm   `json:"boot" jsonschema:"required" example:"{bios: probe}" jsonschema_description:"Its boot files."`

	Credentials *credentialsForm `json:"credentials" jsonschema_description:"Its boot files are signed for the owner of the lab's machines, and clients with BIS are given the credentials. ${owner.certificate} is the file with what the owner installs."`
}

type bootpForm struct {
	Range        span              `json:"range" jsonschema:"required" example:"192.0.2.100-192.0.2.199" jsonschema_description:"The pool: first and last address."`
	File         fileName          `json:"file" jsonschema_description:"The boot file of all clients, by its name on the wire."`
	Server       string            `json:"server" jsonschema_description:"The service that serves the files over TFTP. Default: this one."`
	Reservations []reservationForm `json:"reservations" jsonschema_description:"An address, a boot file or both for one client."`
	Flaws        []bootpFlaw       `json:"flaws" jsonschema_description:"Mistakes to make on purpose: a broken lab."`
}

type keysForm struct {
	When  pattern  `json:"when" jsonschema:"required" example:"Press F8" jsonschema_description:"A line of the console matches this regular expression."`
	Press []string `json:"press" jsonschema:"required" example:"[f8]" jsonschema_description:"Keys: f8, up, down, enter, esc, or text."`
}

type (
	controlWord    string
	offerFlaw      string
	proxyFlaw      string
	bootServerFlaw string
	bootpFlaw      string
)

// words of this file's types; see Known.words.
var pxeWords = map[string][]string{
	"control":          {"no-broadcast", "no-multicast", "only-listed", "direct"},
	"flaw":             {"no-class", "full-class", "any-menu", "no-end", "other-group"},
	"proxy flaw":       {"your-ip", "any-client", "unrelayed"},
	"boot server flaw": {"no-item", "to-all", "to-port-68"},
	"bootp flaw":       {"once"},
}

type (
	serverType int
	layer      int // bit 15 asks for credentials
	bootLayer  int
	seconds    int
)
