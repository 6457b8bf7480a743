// The bar of time: a slider over everything that happened, steps to and fro, and playing it again.
import { el, byId, say } from "./dom.js";
import { countUpTo } from "./timeline.js";
import { seconds } from "./words.js";

export class Time {
  constructor(app) {
    this.app = app;
    this.build();
    app.moment.listen((n) => this.show(n));
  }

  build() {
    const { moment } = this.app;
    const button = (label, title, click, id) => el("button", { type: "button", "aria-label": title, title, id, on: { click } }, el("span", { "aria-hidden": "true", text: label }));
    this.playing = button("▶", "Play from the beginning", () => this.toggle(), "play");
    this.slider = el("input", { type: "range", min: 0, max: 0, step: 1, value: 0, id: "scrub", "aria-label": "Moment of the run", on: { input: () => { moment.pause(); moment.set(Number(this.slider.value)); } } });
    this.clock = el("output", { class: "clock", for: "scrub" });
    this.speed = el("select", { "aria-label": "Speed of playing", on: { change: () => (moment.speed = Number(this.speed.value)) } },
      [0.05, 0.25, 1, 4, 16].map((s) => el("option", { value: s, text: s < 1 ? `1/${1 / s}×` : `${s}×` })));
    this.speed.value = "1";
    this.now = el("button", { type: "button", class: "now", id: "now", text: this.app.about.live ? "Now" : "End", on: { click: () => moment.now() } });
    this.marks = el("div", { class: "ticks", "aria-hidden": "true" });
    byId("time").append(
      button("|◀", "To the beginning", () => { moment.pause(); moment.set(0); }, "first"),
      button("◀", "One row back", () => this.back(), "back"),
      this.playing,
      button("▶|", "One row on", () => this.on(), "forth"),
      el("div", { class: "track" }, this.slider, this.marks), this.clock, this.speed, this.now);
  }

  toggle() {
    if (this.app.moment.playing) this.app.moment.pause();
    else this.app.moment.play();
  }

  // back and on go from row to row of the diagram, as it is filtered.
  back() {
    const { moment, diagram } = this.app;
    moment.pause();
    const count = countUpTo(diagram.ns, moment.n);
    if (count === 0) return;
    const n = diagram.ns[count - 1];
    moment.set(n - 1);
    if (count > 1) this.app.followRow(diagram.shown[count - 2]);
  }

  on() {
    const { moment, diagram } = this.app;
    if (moment.isNow) return;
    moment.pause();
    const count = countUpTo(diagram.ns, moment.n);
    if (count >= diagram.ns.length) return moment.now();
    moment.set(diagram.ns[count]);
    this.app.followRow(diagram.shown[count]);
  }

  show(n) {
    const { timeline, moment } = this.app;
    this.slider.max = timeline.last;
    this.slider.value = n;
    const at = `${seconds(timeline.timeOf(n))} s`;
    const rows = countUpTo(timeline.rowNs, n);
    this.slider.setAttribute("aria-valuetext", `${at}, item ${n} of ${timeline.last}`);
    say(this.clock, `${at} · ${n}/${timeline.last}`);
    this.clock.title = `item ${n} of ${timeline.last}, ${rows} changes of the diagram so far`;
    this.now.classList.toggle("is", moment.isNow);
    this.now.setAttribute("aria-pressed", String(moment.isNow));
    const label = moment.playing ? "Pause" : moment.isNow ? "Play from the beginning" : "Play";
    this.playing.setAttribute("aria-label", label);
    this.playing.title = label;
    say(this.playing.firstChild, moment.playing ? "▮▮" : "▶");
    this.tick();
  }

  // tick marks on the slider where a guest's boot ended.
  tick() {
    const { timeline } = this.app;
    const key = `${timeline.last >> 5} ${timeline.verdicts.size}`;
    if (key === this.ticked) return;
    this.ticked = key;
    const ticks = [];
    for (const [name, track] of timeline.verdicts) {
      track.ns.forEach((n, i) => {
        const tick = el("i", { class: track.values[i].passed ? "good" : "bad", title: name });
        tick.style.left = `${(100 * n) / timeline.last}%`;
        ticks.push(tick);
      });
    }
    this.marks.replaceChildren(...ticks);
  }
}
