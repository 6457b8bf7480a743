// The serial consoles, one per guest. They follow the moment: at an earlier one they show what was printed up to there.
import { el, byId, say } from "./dom.js";
import { countUpTo } from "./timeline.js";
import { openTerm } from "./term.js";

export class Consoles {
  constructor(app) {
    this.app = app;
    this.all = new Map();
    this.chosen = null;
    this.queue = Promise.resolve(); // keys are sent one after the other, as they were pressed
    byId("consoles").hidden = app.about.guests.length === 0 || app.about.kind === "capture";
    for (const g of app.about.guests) this.make(g);
    if (app.about.guests.length) this.choose(app.about.guests[0].name, false);
    this.tools();
    app.moment.listen((n) => this.show(n));
    app.looks.listen(() => this.relook());
    new ResizeObserver(() => this.fit()).observe(byId("console-body"));
  }

  make(guest) {
    const key = guest.name.replace(/[^A-Za-z0-9_-]/g, "_");
    const tab = el("button", {
      type: "button", role: "tab", id: "tab-" + key, "aria-controls": "console-" + key, "aria-selected": "false", tabindex: "-1",
      on: { click: () => this.choose(guest.name), keydown: (e) => this.tabKey(e) },
    }, el("span", { class: "name", text: guest.name }), el("span", { class: "fresh", "aria-hidden": "true" }));
    const screen = el("div", { class: "screen" });
    const panel = el("div", { role: "tabpanel", id: "console-" + key, "aria-labelledby": "tab-" + key, class: "console", hidden: true }, screen);
    byId("console-tabs").append(tab);
    byId("console-body").append(panel);
    this.all.set(guest.name, { guest, tab, panel, screen, term: null, written: 0, start: 0 });
  }

  tools() {
    const { about } = this.app;
    if (this.app.mayAct) {
      const box = el("details", { class: "drop" }, el("summary", { text: "Power" }),
        el("div", { class: "menu" }, ["on", "off", "reset"].map((action) => el("button", { type: "button", text: action, on: { click: () => { box.open = false; this.power(action); } } }))));
      byId("consoles-tools").append(box);
      say(byId("console-hint"), "All keys go to the guest. Shift+Esc leaves its screen, Ctrl+Alt+← → changes the guest.");
      byId("console-hint").hidden = false;
    }
    if (!about.vendor) byId("console-body").dataset.plain = "yes";
  }

  power(action) {
    return this.app.try(() => this.app.source.power(this.chosen, action), `power ${action} for ${this.chosen}`);
  }

  names() {
    return [...this.all.keys()];
  }

  tabKey(e) {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!way) return;
    e.preventDefault();
    e.stopPropagation();
    this.turn(way);
    this.all.get(this.chosen).tab.focus();
  }

  turn(way) {
    const names = this.names();
    this.choose(names[(names.indexOf(this.chosen) + way + names.length) % names.length]);
  }

  choose(name, show = true) {
    if (!this.all.has(name)) return;
    this.chosen = name;
    for (const [other, c] of this.all) {
      const is = other === name;
      c.tab.setAttribute("aria-selected", String(is));
      c.tab.tabIndex = is ? 0 : -1;
      c.panel.hidden = !is;
      if (is) c.tab.classList.remove("fresh");
    }
    if (show) this.app.place("consoles", false);
    this.open(this.all.get(name));
    this.fit();
    this.show(this.app.moment.n);
  }

  focus() {
    this.all.get(this.chosen)?.term?.focus();
  }

  // open makes a terminal once its guest is looked at; it needs a place in the page to measure its letters.
  open(c) {
    if (c.term || c.panel.offsetParent === null) return;
    c.term = openTerm(c.screen, {
      name: c.guest.name,
      typed: (data) => this.type(c.guest.name, data),
      leave: () => c.tab.focus(),
      turn: (way) => {
        this.turn(way);
        this.focus();
      },
      colours: this.app.looks.terminal(),
      readOnly: !this.app.mayAct,
    });
    c.written = 0;
  }

  type(name, data) {
    if (!this.app.mayAct) return;
    if (!this.app.moment.isNow) this.app.moment.now();
    this.queue = this.queue.then(() => this.app.try(() => this.app.source.keys(name, data), `keys for ${name}`));
  }

  relook() {
    for (const c of this.all.values()) c.term?.colours(this.app.looks.terminal());
    this.fit();
  }

  fit() {
    const c = this.all.get(this.chosen);
    if (!c) return;
    this.open(c);
    c.term?.fit(c.panel.clientWidth, c.panel.clientHeight);
  }

  show(n) {
    for (const [name, c] of this.all) {
      const of = this.app.timeline.prints.get(name);
      const count = of ? countUpTo(of.ns, n) : 0;
      if (name !== this.chosen) {
        if (count > (c.seen || 0) && this.app.streaming) c.tab.classList.add("fresh");
        c.seen = count;
        continue;
      }
      c.seen = count;
      this.open(c);
      if (c.term && of) this.write(c, of, count);
      else if (c.term && c.written) this.clear(c);
    }
  }

  // write brings a terminal to a number of prints: forwards by what is new, backwards by writing that boot again.
  write(c, of, count) {
    const start = bootStart(of.prints, count);
    if (count < c.written || start !== c.start) {
      this.clear(c);
      c.written = start;
      c.start = start;
    }
    if (count === c.written) return;
    let text = "";
    for (; c.written < count; c.written++) if (!of.prints[c.written].typed) text += of.prints[c.written].data;
    c.term.write(text);
  }

  clear(c) {
    c.term.reset();
    c.written = 0;
    c.start = 0;
  }
}

// bootStart is the first of the prints of the boot that the latest of them belongs to.
function bootStart(prints, count) {
  let i = count;
  while (i > 0 && prints[i - 1].boot === prints[count - 1].boot) i--;
  return i;
}
