// The moment is what the whole page shows: an item of the timeline, or now, which moves on by itself in a running lab.
import { perFrame } from "./dom.js";

// Gaps longer than this are shortened when a recording plays: nobody learns from a prompt that waits for ten seconds.
const longestGap = 1.5e9;

export class Moment {
  constructor(timeline) {
    this.timeline = timeline;
    this.fixed = null; // null: now
    this.playing = false;
    this.speed = 1;
    this.heard = [];
    this.tell = perFrame(() => {
      for (const callback of this.heard) callback(this.n);
    });
    timeline.listen(() => {
      if (this.fixed === null) this.tell();
    });
  }

  listen(callback) {
    this.heard.push(callback);
  }

  get n() {
    return this.fixed === null ? this.timeline.last : this.fixed;
  }

  get isNow() {
    return this.fixed === null;
  }

  set(n) {
    const to = Math.max(0, Math.min(n, this.timeline.last));
    this.fixed = to === this.timeline.last ? null : to;
    this.tell();
  }

  now() {
    this.pause();
    this.fixed = null;
    this.tell();
  }

  play() {
    if (this.playing) return;
    if (this.isNow) this.fixed = 0;
    this.playing = true;
    let before = performance.now();
    let at = this.timeline.timeOf(this.n);
    const frame = (time) => {
      if (!this.playing) return;
      at += (time - before) * 1e6 * this.speed;
      before = time;
      const next = this.timeline.ats[this.n];
      if (next !== undefined && next - at > longestGap * this.speed) at = next - longestGap * this.speed;
      const n = this.timeline.atTime(at);
      if (n > this.n) this.set(n);
      if (this.isNow) return this.pause();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    this.tell();
  }

  pause() {
    this.playing = false;
    this.tell();
  }
}
