// The inspector: one packet opened into its fields, each with what it means, its octets and where it is specified; and why it was sent.
import { el, byId, say } from "./dom.js";
import { laneName, seconds } from "./words.js";
import { Tree } from "./tree.js";
import { Octets } from "./octets.js";

export class Inspector {
  constructor(app) {
    this.app = app;
    this.cache = new Map(); // by number of frame
    this.changes = []; // to the held packet: "PATH=VALUE", "-PATH"
    this.showing = null; // what is shown: a row's ID, "held", or "frame N"
    this.asked = 0;
    this.build();
  }

  build() {
    this.title = el("p", { class: "summary" });
    this.why = el("p", { class: "why", hidden: true });
    this.note = el("p", { class: "problem", role: "alert", hidden: true });
    this.edits = el("div", { class: "edits", hidden: true });
    this.tree = new Tree({ select: (field) => this.octets.mark(field), edit: (field, value) => this.edit(field.path, `${field.path}=${value}`), remove: (field) => this.edit(field.path, "-" + field.path) });
    this.octets = new Octets({ choose: (offset) => this.tree.selectAt(offset) });
    this.empty = el("p", { class: "empty", text: "Choose a packet in the diagram to open it." });
    this.split = el("div", { class: "split", hidden: true }, this.tree.node, this.octets.node);
    this.more = el("button", { type: "button", id: "other-change", hidden: true, text: "Other change …", title: "Add an option to the held packet, or write a change as text", on: { click: () => this.write() } });
    byId("packet-tools").append(this.more);
    byId("packet-body").append(this.title, this.why, this.note, this.edits, this.split, this.empty);
  }

  // open shows the packet of a row, or the held one. A transfer is shown by its request.
  async open(id, path) {
    if (id === "held") return this.openHeld(path);
    const entry = this.app.timeline.byID.get(id);
    const row = entry?.track.at(this.app.moment.n) || entry?.first;
    if (!row) return;
    this.showing = id;
    this.setWhy(row);
    this.setEdits(false);
    if (!row.frame) return this.showNote(row, entry);
    await this.load(() => this.frame(row.frame), `Frame ${row.frame} · ${seconds(entry.at)} s · ${laneName(row.from)} → ${laneName(row.to || "*")}`, path);
  }

  async openFrame(number, path) {
    const row = this.app.timeline.byFrame.get(number);
    if (row) return this.open(row, path);
    this.showing = "frame " + number;
    this.setWhy({});
    this.setEdits(false);
    await this.load(() => this.frame(number), `Frame ${number}`, path);
  }

  async openHeld(path) {
    const hold = this.app.timeline.hold.at(this.app.moment.n);
    if (!hold?.on || !hold.data) return;
    this.showing = "held";
    if (this.holding !== hold) {
      this.holding = hold;
      this.changes = [];
    }
    this.heldWhy();
    const now = this.app.moment.isNow && this.app.mayAct;
    this.setEdits(now);
    const get = () => (now && this.changes.length ? this.app.source.preview(this.changes) : this.app.source.held(hold.n));
    await this.load(get, `Held · ${laneName(hold.from)} → ${laneName(hold.to || "*")}`, path, now);
  }

  // heldWhy says why the held packet was sent, as far as its server has told: of a packet that has crossed, its row has the reason.
  heldWhy() {
    const hold = this.holding;
    const mac = this.app.about.guests.find((g) => g.name === hold.guest)?.mac;
    const service = hold.from?.startsWith("service:") ? this.app.timeline.services.get(hold.from.slice(8))?.at(this.app.moment.n) : null;
    const said = service?.last || "";
    this.setWhy({ why: mac && said.startsWith(mac + " ") && said.includes("because") ? said.slice(mac.length + 1) : "" });
  }

  async frame(number) {
    if (!this.cache.has(number)) {
      const frame = await this.app.source.frame(number);
      if (this.cache.size > 500) this.cache.clear();
      this.cache.set(number, frame);
    }
    return this.cache.get(number);
  }

  // load shows what it is given, unless something else was asked for in the meantime.
  async load(get, title, path, editable = false) {
    const asked = ++this.asked;
    try {
      const frame = await get();
      if (asked === this.asked) this.show(frame, title, path, editable);
      return frame;
    } catch (e) {
      if (asked === this.asked) this.fail(title, e);
      return null;
    }
  }

  show(frame, title, path, editable) {
    this.empty.hidden = true;
    this.split.hidden = false;
    this.title.replaceChildren(el("b", { text: frame.summary }), el("span", { class: "soft", text: `  ${title} · ${frame.size} octets` }));
    this.problem(frame.error || "");
    this.octets.show(frame);
    this.tree.show(frame, editable, path);
  }

  fail(title, e) {
    this.empty.hidden = true;
    this.split.hidden = true;
    this.title.textContent = title;
    this.problem(`It cannot be opened: ${e.message}`);
  }

  showNote(row, entry) {
    this.asked++;
    this.split.hidden = true;
    this.empty.hidden = true;
    this.problem(row.bad || "");
    this.title.replaceChildren(el("b", { text: row.label }), el("span", { class: "soft", text: `  ${seconds(entry.at)} s · ${laneName(row.from)}` }));
    if (row.detail && row.detail !== row.label) this.title.append(el("span", { class: "block", text: row.detail }));
  }

  problem(text) {
    say(this.note, text);
    this.note.hidden = !text;
  }

  setWhy(row) {
    this.why.hidden = !row.why;
    this.why.replaceChildren(el("b", { text: "Why: " }), row.why || "");
  }

  // edit adds a change to the held packet, as the server takes them: "PATH=VALUE" or "-PATH". The latest of a field counts.
  edit(path, change) {
    this.changes = this.changes.filter((c) => !c.startsWith(path + "=") && c !== "-" + path);
    this.changes.push(change);
    this.preview(path);
  }

  // other is a box for a change that no field has a pencil for: an option that is not there.
  other() {
    const box = el("input", { type: "text", "aria-label": "Another change: PATH=VALUE adds an option, -PATH takes one out", placeholder: "dhcp.option.60=PXEClient", spellcheck: "false" });
    const form = el("form", { class: "other" }, box, el("button", { type: "submit", text: "Change" }));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const change = box.value.trim();
      if (change) this.edit(change.replace(/^-/, "").split("=")[0], change);
    });
    return form;
  }

  async preview(path) {
    const before = this.changes.slice(0, -1);
    const frame = await this.load(async () => (this.changes.length ? this.app.source.preview(this.changes) : this.app.source.held(this.holding.n)), this.heldTitle(), path, true);
    if (!frame && this.changes.length) {
      this.split.hidden = false;
      this.changes = before;
    }
    this.setEdits(true);
  }

  heldTitle() {
    const hold = this.holding;
    return `Held · ${laneName(hold.from)} → ${laneName(hold.to || "*")}`;
  }

  // setEdits shows what was changed of the held packet, and what can be.
  setEdits(on) {
    this.more.hidden = !on;
    if (!on) this.writing = false;
    this.edits.hidden = !on || (this.changes.length === 0 && !this.writing);
    if (this.edits.hidden) return;
    const list = this.changes.map((c, i) => el("li", {}, el("code", { text: c }), " ", el("button", { type: "button", class: "link", text: "undo", "aria-label": "Undo " + c, on: { click: () => this.undo(i) } })));
    const go = el("button", { type: "button", class: "primary", id: "let-go", text: "Let it go, edited", on: { click: () => this.letGo() } });
    this.edits.replaceChildren(...[list.length ? el("ul", {}, list) : "", this.writing ? this.other() : "", list.length ? go : ""].filter(Boolean));
  }

  // write opens the box for a change that no field has a pencil for.
  write() {
    this.writing = true;
    this.setEdits(true);
    this.edits.querySelector("input").focus();
  }

  undo(i) {
    this.changes.splice(i, 1);
    this.preview();
  }

  async letGo() {
    await this.app.steps.step({ do: "pass", changes: this.changes, until: {} });
  }

  // startEdit opens the first field that can be changed, or the chosen one.
  startEdit() {
    this.tree.startEdit();
  }
}
