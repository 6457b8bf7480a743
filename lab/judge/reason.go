package judge

import (
	"fmt"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// Reason says in one word why a boot stopped. Empty means that it did not.
type Reason string

// The reasons, in the order of the stages they belong to.
const (
	NoFirmware        Reason = "no-firmware"         // nothing on the console
	NoLink            Reason = "no-link"             // the firmware spoke and no frame left its card
	NotManaged        Reason = "not-managed"         // no router sent it to DHCPv6 for an address
	NoOffer           Reason = "no-offer"            // nobody answered its DISCOVERs
	OfferRefused      Reason = "offer-refused"       // it was offered a boot and did not take it
	NoAck             Reason = "no-ack"              // it asked for an address and did not get it
	AddressInUse      Reason = "address-in-use"      // it found the address that it was given in use
	NoBootfile        Reason = "no-bootfile"         // nobody named a boot file, or nobody where to fetch it
	NoClass           Reason = "no-class"            // a proxyDHCP offer lacks option 60
	MenuUnsupported   Reason = "menu-unsupported"    // the client was sent a boot menu, which it has no code for
	NoMenu            Reason = "no-menu"             // it was sent to boot servers without a menu to choose from
	MenuWaits         Reason = "menu-waits"          // the menu is shown, waits for ever, and nobody chooses
	NoDiscoveryGroup  Reason = "no-discovery-group"  // discovery by multicast is allowed and no group is named
	TypeNotListed     Reason = "type-not-listed"     // the server list has no server of the menu's first type
	Cancelled         Reason = "cancelled"           // Esc was pressed
	LocalBoot         Reason = "local-boot"          // the menu's local boot was taken
	ProxySilent       Reason = "proxy-silent"        // port 4011 of a proxyDHCP server did not answer
	BootServerSilent  Reason = "boot-server-silent"  // no boot server answered
	AnswerIgnored     Reason = "answer-ignored"      // a boot server answered in a way that the client does not accept
	TFTPSilent        Reason = "tftp-silent"         // the TFTP server did not answer
	FileNotFound      Reason = "file-not-found"      // the server has no such file
	TFTPNoOptions     Reason = "tftp-no-options"     // the TFTP server knows no options, and the client cannot do without
	TFTPNoTsize       Reason = "tftp-no-tsize"       // the TFTP server does not tell the size, and the client must know it
	TFTPStopped       Reason = "tftp-stopped"        // the TFTP server fell silent in the middle of the file
	TFTPError         Reason = "tftp-error"          // the transfer failed in another way
	NoURI             Reason = "no-uri"              // nobody told UEFI HTTP boot a URI
	HTTPSilent        Reason = "http-silent"         // the HTTP server did not answer
	NoLength          Reason = "no-length"           // the HTTP server does not say how long the file is
	HTTPError         Reason = "http-error"          // the transfer over HTTP failed in another way
	WrongArch         Reason = "wrong-arch"          // the file is a program for another kind of machine
	ImageRefused      Reason = "image-refused"       // the client had the whole file and would not run it
	ChainLoop         Reason = "chain-loop"          // the boot program asks DHCP again and is told to boot itself
	BootProgramSilent Reason = "boot-program-silent" // the boot program did not (finish its) report
	DidNotPowerOff    Reason = "did-not-power-off"   // it reported and stayed on
	GuestCrashed      Reason = "guest-crashed"       // QEMU died, or the machine went off before a program ran
	GaveUp            Reason = "gave-up"             // the client ended the boot for none of the reasons above
	Stalled           Reason = "stalled"             // a stage overran its budget for none of the reasons above
)

// Reasons lists all reasons, for "stops: {reason: ...}" and its help.
func Reasons() []string {
	var out []string
	for _, r := range reasons {
		out = append(out, string(r))
	}
	return out
}

var reasons = []Reason{NoFirmware, NoLink, NotManaged, NoOffer, OfferRefused, NoAck, AddressInUse, NoBootfile, NoClass, MenuUnsupported, NoMenu, MenuWaits,
	NoDiscoveryGroup, TypeNotListed, Cancelled, LocalBoot, ProxySilent, BootServerSilent, AnswerIgnored, TFTPSilent,
	FileNotFound, TFTPNoOptions, TFTPNoTsize, TFTPStopped, TFTPError, NoURI, HTTPSilent, NoLength, HTTPError, WrongArch, ImageRefused, ChainLoop, BootProgramSilent, DidNotPowerOff, GuestCrashed, GaveUp, Stalled}

// Outcome is how a boot ended, in itself: whether that was expected is for the verdicts to say.
type Outcome struct {
	Reason   Reason      `json:"reason,omitempty"` // empty: nothing went wrong
	Stage    event.Stage `json:"stage"`            // the furthest stage reached
	Sentence string      `json:"sentence"`         // what happened, to whom, what to do
	Evidence []Evidence  `json:"evidence,omitempty"`

	// The sentence of a boot that stopped in two: what happened, and what to change.
	What string `json:"what,omitempty"`
	Do   string `json:"do,omitempty"`
	See  string `json:"see,omitempty"` // where it is specified, if elsewhere than others of its reason
}

// diagnosis is what a rule found: what happened and what to do about it.
type diagnosis struct {
	what, do string
	evidence []event.Event
}

// rules are tried in order; the first that applies to a boot that stopped gives its reason. Later stages come
// first, because what a boot has passed cannot be why it stopped.
var rules = []struct {
	reason  Reason
	explain func(*boot) *diagnosis
}{
	{GuestCrashed, (*boot).crashed},
	{DidNotPowerOff, (*boot).didNotPowerOff},
	{NoLength, (*boot).noLength},
	{WrongArch, (*boot).wrongArch},
	{ImageRefused, (*boot).imageRefused},
	{ChainLoop, (*boot).chainLoop},
	{BootProgramSilent, (*boot).programSilent},
	{FileNotFound, (*boot).fileNotFound},
	{TFTPNoOptions, (*boot).tftpNoOptions},
	{TFTPNoTsize, (*boot).tftpNoTsize},
	{TFTPStopped, (*boot).tftpStopped},
	{TFTPError, (*boot).tftpError},
	{TFTPSilent, (*boot).tftpSilent},
	{FileNotFound, (*boot).httpNotFound},
	{HTTPError, (*boot).httpFailed},
	{HTTPSilent, (*boot).httpSilent},
	{AnswerIgnored, (*boot).answerIgnored},
	{BootServerSilent, (*boot).bootServerSilent},
	{MenuUnsupported, (*boot).menuUnsupported},
	{NoMenu, (*boot).noMenu},
	{MenuWaits, (*boot).menuWaits},
	{NoDiscoveryGroup, (*boot).noDiscoveryGroup},
	{TypeNotListed, (*boot).typeNotListed},
	{Cancelled, (*boot).cancelled},
	{LocalBoot, (*boot).localBoot},
	{ProxySilent, (*boot).proxySilent},
	{AddressInUse, (*boot).declined},
	{NoAck, (*boot).noAck},
	{NoAck, (*boot).contradicted},
	{NoURI, (*boot).noURI},
	{NoClass, (*boot).noClass},
	{NoBootfile, (*boot).noBootfile},
	{OfferRefused, (*boot).offerRefused},
	{NotManaged, (*boot).notManaged},
	{NoOffer, (*boot).noOffer},
	{NoLink, (*boot).noLink},
	{NoFirmware, (*boot).noFirmware},
	{GaveUp, (*boot).onlyGaveUp},
	{Stalled, (*boot).onlyStalled},
}

// conclude says how a boot that has settled ended.
func (b *boot) conclude() Outcome {
	stage := b.stopped()
	if text := b.success(); text != "" {
		return Outcome{Stage: b.stage, Sentence: b.guest.Name + " " + text, Evidence: cite(b.events[len(b.events)-1])}
	}
	for _, r := range rules {
		d := r.explain(b)
		if d == nil {
			continue
		}
		see := b.refine(r.reason, d)
		if words := b.dialect(r.reason); words != "" {
			d.do = words
		}
		b.owned(r.reason, d)
		b.handled(r.reason, d)
		evidence := d.evidence
		if b.gaveUp != nil {
			evidence = slices.Concat(evidence, b.complaint, []event.Event{*b.gaveUp})
		}
		return Outcome{Reason: r.reason, Stage: stage, Evidence: cite(evidence...), What: d.what, Do: d.do, See: see,
			Sentence: fmt.Sprintf("%s stopped at %s: %s; %s", b.guest.Name, stage, d.what, d.do)}
	}
	return Outcome{Reason: Stalled, Stage: stage, Sentence: fmt.Sprintf("%s stopped at %s", b.guest.Name, stage)}
}

// stopped is where a boot stopped. A machine that went off without a boot program having run did not come further
// by that.
func (b *boot) stopped() event.Stage {
	if b.stage < event.StageOff || b.has(event.StageStarted) {
		return b.stage
	}
	s := event.StagePower
	for r := range b.reached {
		if r < event.StageOff {
			s = max(s, r)
		}
	}
	return s
}

// success says how a boot ended well; empty if it did not.
func (b *boot) success() string {
	switch {
	case b.exit != nil && clean(b.exit.Exit) && b.has(event.StageReported):
		return fmt.Sprintf("booted, reported and powered itself off after %s", b.seconds(b.took()))
	case b.exit != nil && clean(b.exit.Exit) && b.has(event.StageStarted) && !b.speaks():
		return fmt.Sprintf("booted and powered itself off after %s", b.seconds(b.took()))
	case b.stalled != nil && b.has(event.StageStarted) && b.expectsRunning() && (!b.speaks() || b.reportEnd() != nil):
		return fmt.Sprintf("booted and still runs after %s", b.seconds(b.took()))
	case b.exit == nil && b.gaveUp == nil && b.stalled == nil:
		return fmt.Sprintf("booted and did all that is expected of it in %s", b.seconds(b.took()))
	}
	return ""
}

// seconds writes a time for people. Under warp the guest's own clock ran far faster than this one.
func (b *boot) seconds(d time.Duration) string {
	s := fmt.Sprintf("%.1f s", d.Seconds())
	if b.warp {
		s += " by the host's clock"
	}
	return s
}

// times writes a count with its noun.
func times(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// ends picks the first and the last of a list, which is what evidence needs of a row of retransmissions.
func ends(list []event.Event) []event.Event {
	if len(list) < 2 {
		return list
	}
	return []event.Event{list[0], list[len(list)-1]}
}
