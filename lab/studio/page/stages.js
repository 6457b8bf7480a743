// The stage bar of each guest: how far its boot has come, when each stage was reached, and where it stopped.
import { el, byId, say } from "./dom.js";
import { stages, seconds, shortName } from "./words.js";
import { guestWord } from "./card.js";

export class Stages {
  constructor(app) {
    this.app = app;
    this.bars = new Map();
    for (const g of app.about.guests) this.bars.set(g.name, this.bar(g));
    byId("stages").hidden = app.about.guests.length === 0;
    byId("stages").append(...[...this.bars.values()].map((b) => b.node));
    app.moment.listen((n) => this.show(n));
  }

  bar(guest) {
    const steps = stages.map((s) => el("li", { "data-stage": s }, el("span", { text: s })));
    const word = el("span", { class: "word" });
    const list = el("ol", { class: "bar", "aria-hidden": "true" }, steps);
    const heard = el("span", { class: "unseen" });
    const node = el("div", { class: "guest" }, el("span", { class: "name", text: shortName(guest.name), title: [guest.name, guest.firmware].filter(Boolean).join(", ") }), list, word, heard);
    return { node, steps, word, heard };
  }

  show(n) {
    for (const [name, bar] of this.bars) {
      const state = this.app.timeline.guests.get(name)?.at(n) || null;
      const verdict = this.app.timeline.verdicts.get(name)?.at(n) || null;
      if (bar.state === state && bar.verdict === verdict) continue;
      bar.state = state;
      bar.verdict = verdict;
      this.draw(name, bar, state, verdict);
    }
  }

  draw(name, bar, state, verdict) {
    const reached = state?.reached || {};
    const began = reached.power || 0;
    const current = state?.stage;
    stages.forEach((stage, i) => {
      const at = reached[stage];
      const step = bar.steps[i];
      const stopped = state?.stopped && stage === current;
      step.className = [at !== undefined ? "reached" : "", stage === current ? "current" : "", stopped ? "stopped" : ""].join(" ");
      step.title = at === undefined ? `${stage}: not reached` : `${stage}: ${seconds(at - began)} s after power-on${stopped ? "; it came no further" : ""}`;
    });
    const { word, kind } = guestWord(state, verdict);
    bar.node.dataset.state = kind;
    const at = current && reached[current] !== undefined ? `${seconds(reached[current] - began)} s` : "";
    const clock = [state?.clock === "warp" ? "warped clock" : "", state?.warm ? "warm start" : ""].filter(Boolean).join(", ");
    bar.word.replaceChildren(el("b", { text: word }), at ? ` ${at}` : "");
    bar.node.title = clock;
    say(bar.heard, `${name}: ${word}${at ? ", " + at + " after power-on" : ""}`);
  }
}
