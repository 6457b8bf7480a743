// Hold and step: the whole lab stands still, until it is told what becomes of the packet it is held at, and where to stand still next.
import { el, byId, say } from "./dom.js";
import { laneName } from "./words.js";

const kinds = ["discover", "offer", "request", "ack", "nak", "inform", "pxe", "dhcp6", "rrq", "oack", "data", "tftp-ack", "tftp-error", "http-request", "http-response", "arp", "any"];

export class Steps {
  constructor(app) {
    this.app = app;
    this.hold = null;
    if (!app.mayAct) return;
    this.build();
    app.timeline.listen(() => this.show());
    this.show();
  }

  build() {
    const button = (id, label, key, title, run, primary) => el("button", { type: "button", id, class: primary ? "primary" : "", title: `${title} (${key})`, "aria-keyshortcuts": key === "space" ? "Space" : key, on: { click: run } }, label, el("kbd", { "aria-hidden": "true", text: key }));
    this.word = el("span", { class: "holding", role: "status" });
    this.whenFree = [button("hold", "Hold now", "h", "Everybody in the lab stands still, at once", () => this.holdNow())];
    this.whenHeld = [
      button("drop", "Drop", "d", "The held packet is lost; go on to the next", () => this.step({ do: "drop", until: {} })),
      button("twice", "Send twice", "t", "The held packet goes on twice; go on to the next", () => this.step({ do: "duplicate", until: {} })),
      button("edit", "Edit", "e", "Change a field of the held packet", () => this.edit()),
    ];
    this.go = button("continue", "Continue", "c", "Everybody goes on, until told otherwise", () => this.step({ until: { never: true } }));
    byId("steps").append(
      this.word, ...this.whenFree,
      button("next", "Next packet", "space", "Go on to the next packet that tells something", () => this.next(), true),
      button("next-stage", "Next stage", "n", "Go on until a guest reaches a further stage", () => this.step({ until: { stage: "next" } })),
      this.matching(), ...this.whenHeld, this.go);
    byId("steps").hidden = false;
  }

  // matching is the choice of a packet to go on to.
  matching() {
    const { about } = this.app;
    const select = (name, first, values) => el("select", { name, "aria-label": name }, el("option", { value: "", text: first }), values.map((v) => el("option", { value: v, text: v })));
    const packet = select("packet", "any that tells", kinds);
    const from = select("sent by", "anybody", ["guest", ...about.services.map((s) => s.name)]);
    const guest = select("on the cable of", "any guest", about.guests.map((g) => g.name));
    const form = el("form", { class: "menu", on: { submit: (e) => e.preventDefault() } },
      el("label", {}, "packet ", packet), el("label", {}, "sent by ", from), el("label", {}, "on the cable of ", guest),
      el("button", { type: "submit", class: "primary", text: "Go on to it" }));
    const box = el("details", { class: "drop", id: "matching" }, el("summary", { title: "Go on to the next packet of a kind (m)", text: "Next …" }), form);
    form.addEventListener("submit", () => {
      box.open = false;
      this.step({ until: untilOf(packet.value, from.value, guest.value) });
    });
    this.matchBox = box;
    return box;
  }

  openMatching() {
    if (!this.matchBox) return;
    this.matchBox.open = true;
    this.matchBox.querySelector("select").focus();
  }

  next() {
    return this.step({ until: {} });
  }

  holdNow() {
    return this.step({ until: { now: true } });
  }

  edit() {
    if (!this.hold?.on || !this.hold.data) return;
    this.app.moment.now();
    this.app.place("packet", false);
    this.app.inspector.open("held").then(() => this.app.inspector.startEdit());
  }

  async step(step) {
    if (!this.app.mayAct) return;
    this.app.moment.now();
    await this.app.try(() => this.app.source.step(step), "step");
  }

  // show follows the lab as it is now, whatever moment is looked at: the buttons act on the lab.
  show() {
    const hold = this.app.timeline.hold.at(this.app.timeline.last);
    if (hold === this.hold) return;
    this.hold = hold;
    const on = Boolean(hold?.on);
    for (const b of this.whenFree) b.disabled = on;
    for (const b of this.whenHeld) b.disabled = !on || !hold.data;
    this.go.disabled = !on && !hold?.armed;
    byId("steps").classList.toggle("on", on);
    say(this.word, holdWord(hold));
  }
}

// holdWord says in a sentence how the lab stands.
export function holdWord(hold) {
  if (!hold || (!hold.on && !hold.armed)) return "";
  if (!hold.on) return `Goes on to the next ${hold.armed}`;
  if (!hold.data) return "Held between packets: everybody stands still";
  const behind = hold.waiting ? `, ${hold.waiting} more behind it` : "";
  return `Held at ${hold.label || "a packet"} (${laneName(hold.from || "?")} → ${laneName(hold.to || "*")}${behind})`;
}

function untilOf(packet, from, guest) {
  const until = {};
  if (packet && from) until.packet = `{packet: ${packet}, from: ${from}}`;
  else if (packet === "any") until.any = true;
  else if (packet) until.packet = packet;
  else if (from) until.packet = `{from: ${from}}`;
  if (guest) until.guest = guest;
  return until;
}
