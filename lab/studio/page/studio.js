// The studio: a boot watched, stepped through and taught. This is where its parts are put together.
import { el, byId, say } from "./dom.js";
import { openSource } from "./source.js";
import { Timeline } from "./timeline.js";
import { Moment } from "./moment.js";
import { Looks } from "./looks.js";
import { Diagram } from "./diagram.js";
import { Network } from "./network.js";
import { Stages } from "./stages.js";
import { Consoles } from "./consoles.js";
import { Inspector } from "./inspector.js";
import { Verdicts } from "./verdicts.js";
import { Steps, holdWord } from "./steps.js";
import { Time } from "./time.js";
import { Lesson, handout } from "./lesson.js";
import { Keys } from "./keys.js";
import { shareMenu } from "./share.js";

// readFragment reads what the address says behind its #: the token, and whether the hand-out is wanted. The token is then taken out of
// the address, so that it is in no picture of the screen.
function readFragment() {
  const asked = {};
  for (const part of location.hash.slice(1).split("&").filter(Boolean)) {
    const [name, value] = part.split("=");
    if (name === "handout" || name === "/handout") asked.handout = true;
    else asked.token = decodeURIComponent(value ?? name);
  }
  if (asked.token) history.replaceState(null, "", location.pathname + location.search + (asked.handout ? "#handout" : ""));
  return asked;
}

class Studio {
  constructor(source, about) {
    this.source = source;
    this.about = about;
    this.mayAct = Boolean(about.live && !about.watchOnly && !source.embedded);
    this.streaming = false; // true once what had happened before is here, and things come as they happen
    this.looks = new Looks();
    this.timeline = new Timeline();
    this.moment = new Moment(this.timeline);
    this.diagram = new Diagram(this);
    this.network = new Network(this);
    this.stages = new Stages(this);
    this.inspector = new Inspector(this);
    this.consoles = new Consoles(this);
    this.verdicts = new Verdicts(this);
    this.steps = new Steps(this);
    this.time = new Time(this);
    this.lesson = new Lesson(this);
    this.keys = new Keys(this);
    this.top();
    this.panels();
    this.moment.listen((n) => this.show(n));
    this.timeline.listen((items) => this.heldNow(items));
  }

  top() {
    const { about } = this;
    document.title = `${about.name} · pxelab studio`;
    say(byId("name"), about.name);
    say(byId("about-line"), about.about || "");
    byId("about-line").title = about.about || "";
    const help = el("button", { type: "button", id: "help", "aria-label": "Keys and help", title: "Keys (?)", on: { click: () => this.keys.help() } }, el("span", { "aria-hidden": "true", text: "?" }));
    byId("top-tools").append(...[shareMenu(this), ...this.looks.buttons(), help].filter(Boolean));
    addEventListener("click", (e) => document.querySelectorAll("details.drop[open]").forEach((d) => d.contains(e.target) || (d.open = false)));
    addEventListener("keydown", (e) => e.key === "Escape" && document.querySelectorAll("details.drop[open]").forEach((d) => {
      d.open = false;
      d.querySelector("summary").focus();
    }), true);
  }

  // panels gives each panel its button in the bar that narrow windows have, and its button to fill the window.
  panels() {
    const panels = [...document.querySelectorAll("main > .panel")].filter((p) => !p.hidden && p.id !== "stages" && p.id !== "lesson");
    for (const panel of panels) {
      const name = panel.querySelector("h2").textContent;
      const grow = el("button", { type: "button", class: "grow", "aria-pressed": "false", "aria-label": `${name}: fill the window`, title: "Fill the window", text: "⤢", on: { click: () => this.enlarge(panel, grow) } });
      byId(panel.id + "-tools").append(grow);
    }
    const places = [...panels, ...(this.about.lesson ? [byId("lesson")] : [])];
    this.factsButton("packet", "verdicts", "Verdicts");
    this.factsButton("verdicts", "packet", "Packet");
    document.body.classList.toggle("no-consoles", byId("consoles").hidden);
    for (const panel of places) {
      const button = el("button", { type: "button", "data-place": panel.id, on: { click: () => this.place(panel.id, true) } }, el("span", { text: panel.id === "lesson" ? "Lesson" : panel.querySelector("h2").textContent }), el("span", { class: "count" }));
      byId("places").append(button);
    }
    byId("places").hidden = false;
    document.body.dataset.facts = "packet";
    this.place(this.about.lesson ? "lesson" : "diagram", true);
  }

  // factsButton leads from the packet to the verdicts and back, where they share a place.
  factsButton(at, to, label) {
    byId(at + "-tools").prepend(el("button", { type: "button", class: "other-facts", "data-place": to, on: { click: () => this.place(to, false) } }, label, el("span", { class: "count" })));
  }

  enlarge(panel, button) {
    const on = panel.classList.toggle("large");
    document.querySelectorAll(".panel.large").forEach((p) => p !== panel && p.classList.remove("large"));
    document.querySelectorAll(".grow").forEach((b) => b.setAttribute("aria-pressed", String(b === button && on)));
    byId("studio").classList.toggle("one", on);
  }

  // place brings a panel to the front where the window shows one at a time. Without force only if another fills the window.
  place(id, force) {
    const panel = byId(id);
    const large = document.querySelector(".panel.large");
    if (large && large !== panel) this.enlarge(large, null);
    if (id === "packet" || id === "verdicts") document.body.dataset.facts = id;
    if (!force && !this.narrow()) return;
    document.body.dataset.show = id;
    document.querySelectorAll("#places button").forEach((b) => (b.dataset.place === id ? b.setAttribute("aria-current", "true") : b.removeAttribute("aria-current")));
    if (id === "consoles") this.consoles.fit();
  }

  narrow() {
    return getComputedStyle(byId("places")).display !== "none";
  }

  still() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  // count puts a number on a panel's button.
  count(id, number, bad) {
    for (const mark of document.querySelectorAll(`[data-place=${id}] .count`)) {
      say(mark, number ? String(number) : "");
      mark.classList.toggle("bad", Boolean(bad));
    }
  }

  // inspect opens a row of the diagram in the inspector.
  inspect(id, go) {
    this.inspector.open(id);
    document.body.dataset.facts = "packet";
    if (go || this.narrow()) this.place("packet", false);
    if (go) byId("packet-body").querySelector("[role=treeitem][tabindex='0']")?.focus();
  }

  // followRow opens the row that a step in time came to.
  followRow(entry) {
    this.diagram.selected = entry.id;
    clearTimeout(this.following);
    this.following = setTimeout(() => this.inspector.open(entry.id), 120);
  }

  // heldNow opens the packet that the lab has just been held at.
  heldNow(items) {
    if (!this.moment.isNow) return;
    this.followGone(items);
    const hold = items.findLast((i) => i.hold)?.hold;
    if (!hold && this.inspector.showing === "held" && items.some((i) => i.service)) this.inspector.heldWhy();
    if (!hold) return;
    if (hold.on && hold.data) {
      this.diagram.selected = "held";
      document.body.dataset.facts = "packet";
      this.inspector.open("held");
    } else if (this.inspector.showing === "held") {
      this.inspector.setEdits(false);
      this.gone = true;
    }
  }

  // followGone has the inspector stay with a packet that was held, once it is in the diagram.
  followGone(items) {
    const row = this.gone && this.inspector.showing === "held" ? items.find((i) => i.row?.frame)?.row : null;
    if (!row) return;
    this.gone = false;
    this.diagram.mark(row.id);
    this.inspector.open(row.id);
  }

  show(n) {
    const { timeline, moment } = this;
    const hold = timeline.hold.at(n);
    const end = timeline.end.at(timeline.last);
    const state = !moment.isNow ? "past" : hold?.on ? "held" : this.lost ? "lost" : this.about.live && !end ? "live" : "recorded";
    const words = { past: "looking back", held: hold?.data ? `held at ${hold.label || "a packet"}` : "held", lost: "the lab cannot be reached", live: hold?.armed ? holdWord(hold) : "live", recorded: this.about.live ? "ended" : this.source.embedded ? "exported" : this.about.kind === "capture" ? "capture" : "recorded" };
    byId("state").dataset.state = state;
    document.body.dataset.state = state;
    say(byId("state"), words[state] + (this.about.watchOnly && this.about.live ? " · watching only" : ""));
  }

  // try does something that the server may refuse, and says so if it does.
  async try(action, what) {
    try {
      return (await action()) ?? true;
    } catch (e) {
      this.complain(`${what}: ${e.message}`);
      return null;
    }
  }

  complain(text) {
    const box = el("div", { class: "complaint", role: "alert" }, el("p", { text }), el("button", { type: "button", "aria-label": "Close this message", text: "✕", on: { click: () => box.remove() } }));
    document.body.append(box);
    setTimeout(() => box.remove(), 12000);
  }

  handout() {
    const paper = handout(this.lesson.lesson);
    const notes = el("input", { type: "checkbox", id: "paper-notes", on: { change: () => paper.classList.toggle("with-notes", notes.checked) } });
    byId("handout").replaceChildren(paper, el("p", { class: "no-print" }, el("label", { class: "check", for: "paper-notes" }, notes, "with the notes for the trainer"), " ", el("button", { type: "button", text: "Print", on: { click: () => print() } }), " ", el("button", { type: "button", text: "Back to the lab", on: { click: () => this.leaveHandout() } })));
    byId("handout").hidden = false;
    document.body.classList.add("handing-out");
  }

  leaveHandout() {
    document.body.classList.remove("handing-out");
    byId("handout").hidden = true;
  }

  // whole is called once every item is here. A recording opens with a packet to look at: the first that tells why it was sent.
  whole() {
    document.body.dataset.whole = "yes";
    const rows = this.timeline.rows.filter((r) => r.first.frame && !r.first.chatter);
    const one = rows.find((r) => r.first.why) || rows[0];
    if (one && this.inspector.showing === null) {
      this.diagram.mark(one.id);
      this.inspector.open(one.id);
    }
  }

  async run(asked) {
    await this.lesson.load();
    if (asked.handout && this.lesson.lesson) this.handout();
    setTimeout(() => (this.streaming = true), 1500);
    await this.source.items(this.timeline, (state) => {
      this.lost = state === "lost";
      if (state === "ended") this.whole();
      this.moment.tell();
    });
  }
}

function gate(text) {
  say(byId("gate"), text);
  byId("gate").hidden = false;
}

async function start() {
  const asked = readFragment();
  const source = openSource(asked);
  let about;
  try {
    about = await source.about();
  } catch (e) {
    return gate(`The studio cannot be opened: ${e.message}${e.status ? "" : ". Is pxelab studio still running?"}`);
  }
  byId("studio").hidden = false;
  byId("time").hidden = false;
  const studio = new Studio(source, about);
  globalThis.studio = studio;
  document.body.dataset.ready = "yes";
  try {
    await studio.run(asked);
  } catch (e) {
    gate(`The studio lost its lab: ${e.message}`);
  }
}

start();
