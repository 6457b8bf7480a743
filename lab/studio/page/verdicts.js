// The verdicts as they fall: how each boot ended, in a sentence; why, with the packets that show it; and what was expected.
import { el, byId, say } from "./dom.js";

const ends = { booted: "booted", fetched: "fetched its file", stopped: "stopped", unclear: "unclear" };

export class Verdicts {
  constructor(app) {
    this.app = app;
    this.shown = new Map();
    this.told = new Set();
    this.none = el("p", { class: "empty", text: "No boot has ended yet." });
    this.over = el("p", { class: "over", hidden: true });
    this.list = el("div", { class: "list" });
    byId("verdicts-body").append(this.none, this.list, this.over, ...(app.about.notes || []).map((note) => el("p", { class: "soft", text: "Note: " + note })));
    app.moment.listen((n) => this.show(n));
    app.timeline.listen((items) => this.tell(items));
  }

  // tell has screen readers say what has just happened in a running lab.
  tell(items) {
    if (!this.app.streaming) return;
    for (const { verdict, end } of items) {
      if (verdict) say(byId("news"), `${verdict.guest}: ${verdict.passed ? "as expected" : "not as expected"}. ${verdict.summary}`);
      if (end) say(byId("news"), `The run is over: ${end.why}`);
    }
  }

  show(n) {
    const { timeline } = this.app;
    let changed = false;
    const verdicts = [];
    for (const g of timeline.verdicts.keys()) {
      const v = timeline.verdicts.get(g).at(n);
      if (v) verdicts.push(v);
      if (this.shown.get(g) !== v) changed = true;
      this.shown.set(g, v);
    }
    const end = timeline.end.at(n);
    this.over.hidden = !end;
    if (end) say(this.over, `The run is over: ${end.why}`);
    this.none.hidden = verdicts.length > 0;
    if (!changed) return;
    this.list.replaceChildren(...verdicts.map((v) => this.card(v)));
    this.app.count("verdicts", verdicts.length, verdicts.some((v) => !v.passed));
  }

  card(v) {
    const word = el("span", { class: "mark " + (v.passed ? "passed" : "failed"), text: v.passed ? "✓ as expected" : "✗ not as expected" });
    return el("article", { class: "verdict" },
      el("h3", {}, word, " ", v.guest, v.end ? el("span", { class: "soft", text: `  ${ends[v.end] || v.end}` }) : null),
      el("p", { text: v.summary }),
      (v.answers || []).map((a, i) => this.answer(a, i)),
      (v.notes || []).map((note) => el("p", { class: "soft", text: "Note: " + note })),
      this.claims(v.claims || []));
  }

  answer(a, i) {
    return el("div", { class: "answer" },
      el("p", { text: (i ? "Also possible: " : "") + a.what }),
      a.do ? el("p", { class: "do", text: "What to change: " + a.do }) : null,
      a.see ? el("p", { class: "soft", text: "See " + a.see }) : null,
      a.evidence?.length ? el("ul", {}, a.evidence.map((e) => el("li", {}, this.evidence(e)))) : null);
  }

  // evidence is a link to the row of its packet, if the diagram has it.
  evidence(e) {
    const row = e.frame ? this.app.timeline.byFrame.get(e.frame) : null;
    const text = (e.frame ? `frame ${e.frame}: ` : "") + e.text;
    if (!row && !e.frame) return el("span", { text });
    return el("button", { type: "button", class: "link", text, on: { click: () => (row ? this.app.diagram.reveal(row) : this.app.inspector.openFrame(e.frame)) } });
  }

  claims(claims) {
    if (claims.length === 0) return null;
    const unmet = claims.filter((c) => !c.pass).length;
    return el("details", { open: unmet > 0 },
      el("summary", { text: `expected: ${claims.length - unmet} of ${claims.length} hold` }),
      el("ul", { class: "claims" }, claims.map((c) => el("li", { class: c.pass ? "holds" : "fails" },
        el("span", { class: "sign", "aria-label": c.pass ? "holds" : "does not hold", role: "img", text: c.pass ? "✓" : "✗" }), " ", el("code", { text: c.expected }), " ", c.observed))));
  }
}
