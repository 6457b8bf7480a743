// The sequence diagram: one lane per guest and service, one row per packet. Only the rows in sight are in the document, so a boot of
// many thousand packets scrolls as one of ten does.
import { el, byId, perFrame } from "./dom.js";
import { countUpTo } from "./timeline.js";
import { rowShape } from "./arrow.js";
import { laneName, protocol, sentence, seconds, shortName } from "./words.js";

const spare = 6; // rows beyond each edge that are drawn before they are in sight

export class Diagram {
  constructor(app) {
    this.app = app;
    this.guest = ""; // whose packets are shown; empty: everybody's
    this.chatter = false;
    this.shown = []; // the rows that pass the filter, and the items they came with
    this.ns = [];
    this.taken = 0; // rows of the timeline that were looked at
    this.extra = []; // lanes that are not in the plan
    this.drawn = new Map(); // by place: {element, key}
    this.follow = true;
    this.selected = null; // a row's ID
    this.build();
    app.timeline.listen(() => this.take());
    app.moment.listen((n) => this.show(n));
  }

  build() {
    this.heads = el("div", { class: "heads" });
    this.lines = el("div", { class: "lifelines", "aria-hidden": "true" });
    this.list = el("div", { class: "rows", role: "listbox", tabindex: "0", "aria-label": "Packets, the latest last" });
    this.canvas = el("div", { class: "canvas" }, this.heads, this.lines, this.list);
    this.scroller = el("div", { class: "scroll" }, this.canvas);
    this.empty = el("p", { class: "empty", text: "No packets yet." });
    byId("diagram-body").append(this.scroller, this.empty);
    this.paint = perFrame(() => this.draw());
    this.scroller.addEventListener("scroll", () => {
      const room = this.scroller.scrollHeight - this.scroller.clientHeight;
      this.follow = this.scroller.scrollTop >= room - this.height;
      this.paint();
    });
    new ResizeObserver(() => this.layout()).observe(this.scroller);
    this.list.addEventListener("click", (e) => {
      const row = e.target.closest("[role=option]");
      if (row) this.choose(row.dataset.id === "held" ? "held" : Number(row.dataset.id));
    });
    this.list.addEventListener("keydown", (e) => this.key(e));
    this.tools();
  }

  tools() {
    const { about } = this.app;
    const options = [el("option", { value: "", text: "all guests" }), ...about.guests.map((g) => el("option", { value: g.name, text: g.name }))];
    const pick = el("select", { "aria-label": "Show the packets of", on: { change: () => this.filter(pick.value, this.chatter) } }, options);
    const box = el("input", { type: "checkbox", id: "chatter", on: { change: () => this.filter(this.guest, box.checked) } });
    byId("diagram-tools").append(el("label", { class: "check", for: "chatter", title: "ARP, neighbour discovery, ICMP, bare TCP segments" }, box, "chatter"), pick);
    this.chatterBox = box;
  }

  filter(guest, chatter) {
    this.guest = guest;
    this.chatter = chatter;
    this.chatterBox.checked = chatter;
    this.shown = [];
    this.ns = [];
    this.extra = [];
    this.taken = 0;
    this.follow = true;
    this.take();
    this.layout();
  }

  passes(row) {
    if (row.chatter && !this.chatter) return false;
    if (!this.guest) return true;
    const lane = "guest:" + this.guest;
    return row.guest === this.guest || row.from === lane || row.to === lane;
  }

  take() {
    const { rows } = this.app.timeline;
    let more = false;
    for (; this.taken < rows.length; this.taken++) {
      const entry = rows[this.taken];
      if (!this.passes(entry.first)) continue;
      this.shown.push(entry);
      this.ns.push(entry.n);
      for (const id of [entry.first.from, entry.first.to, entry.first.via]) more = this.meet(id) || more;
    }
    if (more) this.layout();
  }

  // meet adds the lane of an address that is in no plan, once a row needs it.
  meet(id) {
    if (!id || id === "*" || this.extra.includes(id) || this.app.about.lanes.some((l) => l.id === id && l.kind !== "other")) return false;
    this.extra.push(id);
    return true;
  }

  laneList() {
    const mine = this.app.about.lanes.filter((l) => l.kind !== "other" && (!this.guest || l.kind !== "guest" || l.name === this.guest));
    const others = this.extra.map((id) => this.app.about.lanes.find((l) => l.id === id) || { id, kind: "other", name: laneName(id) });
    return [...mine, ...others];
  }

  layout() {
    const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const lanes = this.laneList();
    this.height = Math.round(em * 2.25);
    this.left = Math.round(em * 4.2); // the column of times
    const wide = Math.max(this.scroller.clientWidth, this.left + lanes.length * em * (document.body.dataset.layout === "narrow" ? 3.3 : 4.4));
    const each = (wide - this.left) / Math.max(1, lanes.length);
    const xs = new Map(lanes.map((l, i) => [l.id, (i + 0.5) * each]));
    const family = getComputedStyle(document.body).fontFamily;
    this.geometry = {
      height: this.height, unit: em / 15, width: wide - this.left, lanes: lanes.map((l) => l.id), x: (id) => xs.get(id) ?? each / 2,
      font: `${em * 0.8}px ${family}`, boldFont: `600 ${em * 0.8}px ${family}`,
    };
    this.canvas.style.width = wide + "px";
    this.heads.replaceChildren(...lanes.map((l) => this.laneHead(l, xs.get(l.id), each)));
    this.lines.replaceChildren(...lanes.map((l) => this.lifeline(l, xs.get(l.id))));
    for (const { element } of this.drawn.values()) element.remove();
    this.drawn.clear();
    this.show(this.app.moment.n);
  }

  laneHead(lane, x, width) {
    const head = el("div", { class: "lane " + lane.kind, title: `${lane.kind} ${lane.name}` }, el("span", { text: shortName(lane.name) }));
    head.style.left = this.left + x - width / 2 + "px";
    head.style.width = width + "px";
    return head;
  }

  lifeline(lane, x) {
    const line = el("div", { class: lane.kind });
    line.style.left = this.left + x + "px";
    return line;
  }

  // show has the diagram as it was at an item.
  show(n) {
    if (!this.geometry) return;
    this.n = n;
    this.count = countUpTo(this.ns, n);
    const hold = this.app.timeline.hold.at(n);
    this.held = hold?.on && hold.from ? hold : null;
    const total = this.count + (this.held ? 1 : 0);
    this.empty.hidden = total > 0;
    const height = total * this.height + "px";
    if (this.list.style.height !== height) this.list.style.height = height;
    if (!this.app.moment.isNow || this.app.moment.playing) this.follow = true;
    if (this.follow) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.paint();
  }

  draw() {
    if (!this.geometry) return;
    const total = this.count + (this.held ? 1 : 0);
    const top = this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / this.height) - spare);
    const last = Math.min(total, Math.ceil((top + this.scroller.clientHeight) / this.height) + spare);
    for (const [place, { element }] of this.drawn) {
      if (place >= first && place < last) continue;
      element.remove();
      this.drawn.delete(place);
    }
    for (let place = first; place < last; place++) this.drawRow(place, total);
    const active = this.place(this.selected);
    if (active >= first && active < last) this.list.setAttribute("aria-activedescendant", "row-" + this.selected);
    else this.list.removeAttribute("aria-activedescendant");
  }

  drawRow(place, total) {
    const held = place === this.count;
    const entry = held ? null : this.shown[place];
    const row = held ? heldRow(this.held) : entry.track.at(this.n);
    const id = held ? "held" : entry.id;
    const latest = place === this.count - 1 && !this.held;
    const key = held ? this.held : row;
    const before = this.drawn.get(place);
    const state = `${id === this.selected} ${latest} ${held}`;
    if (before?.key === key && before.state === state) return;
    const at = held ? this.app.timeline.timeOf(this.n) : entry.at;
    const element = el("div", {
      role: "option", id: "row-" + id, "data-id": id, "aria-selected": String(id === this.selected), "aria-posinset": place + 1, "aria-setsize": total,
      title: [row.detail || row.label, row.why ? "Why: " + row.why : ""].filter(Boolean).join("\n"),
      class: ["row", row.kind, row.chatter ? "chatter" : "", latest ? "latest" : "", held ? "held" : ""].join(" "), "data-proto": protocol(row.proto),
    }, el("span", { class: "at", "aria-hidden": "true", text: held ? "held" : seconds(at) }), el("span", { class: "unseen", text: (held ? "held: " : "") + sentence(row, at) }), rowShape(row, this.geometry, held));
    element.style.transform = `translateY(${place * this.height}px)`;
    element.style.height = this.height + "px";
    if (before) before.element.replaceWith(element);
    else this.list.append(element);
    this.drawn.set(place, { element, key, state });
  }

  place(id) {
    if (id === "held") return this.held ? this.count : -1;
    const entry = id === null ? null : this.app.timeline.byID.get(id);
    if (!entry) return -1;
    const place = countUpTo(this.ns, entry.n) - 1;
    return this.shown[place] === entry && place < this.count ? place : -1;
  }

  // choose selects a row, and has the inspector open it.
  choose(id) {
    this.selected = id;
    this.paint();
    this.app.inspect(id);
  }

  // mark selects a row without opening it.
  mark(id) {
    this.selected = id;
    this.paint();
  }

  // reveal brings a row into sight, whatever is filtered and whenever it was.
  reveal(id) {
    const entry = this.app.timeline.byID.get(id);
    if (!entry) return;
    if (entry.n > this.app.moment.n) this.app.moment.set(entry.n);
    if (!this.passes(entry.first)) this.filter("", this.chatter || Boolean(entry.first.chatter));
    this.show(this.app.moment.n);
    this.choose(id);
    this.scrollTo(this.place(id));
  }

  scrollTo(place) {
    if (place < 0) return;
    const head = this.heads.offsetHeight;
    const view = this.scroller.clientHeight - head;
    const top = place * this.height;
    const at = this.scroller.scrollTop;
    if (top < at || top + this.height > at + view) this.scroller.scrollTop = Math.max(0, top - view / 2);
  }

  key(e) {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const total = this.count + (this.held ? 1 : 0);
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 2);
    const now = this.place(this.selected);
    const to = { ArrowDown: now < 0 ? total - 1 : now + 1, ArrowUp: now < 0 ? total - 1 : now - 1, PageDown: now + page, PageUp: now - page, Home: 0, End: total - 1 }[e.key];
    if (e.key === "Enter" && now >= 0) {
      e.preventDefault();
      e.stopPropagation();
      this.app.inspect(this.selected, true);
      return;
    }
    if (to === undefined || total === 0) return;
    e.preventDefault();
    e.stopPropagation();
    const place = Math.max(0, Math.min(total - 1, to));
    this.choose(place === this.count ? "held" : this.shown[place].id);
    this.scrollTo(place);
  }
}

// heldRow is the packet that the lab is held at, as a row.
export function heldRow(hold) {
  return { id: "held", kind: "message", from: hold.from, to: hold.to || "*", label: hold.label || "a packet", proto: protoOf(hold.label || ""), guest: hold.guest };
}

// protoOf guesses a held packet's protocol by how its label begins, for its colour only.
function protoOf(label) {
  if (/^(DHCP)?(DISCOVER|OFFER|REQUEST|ACK|NAK|INFORM|DECLINE|RELEASE|BOOT)/.test(label)) return "dhcp";
  if (/^(SOLICIT|ADVERTISE|REPLY)/.test(label)) return "dhcp6";
  if (/^(RRQ|DATA|OACK|TFTP|ERROR)/.test(label)) return "tftp";
  if (/^(HTTP|GET|HEAD)/.test(label)) return "http";
  if (/^ARP/.test(label)) return "arp";
  return "other";
}
