// A lesson beside the lab: its sections appear as their checkpoints are reached, and its questions are answered from the packets.
import { el, byId, say } from "./dom.js";
import { safeHTML } from "./safe.js";

export class Lesson {
  constructor(app) {
    this.app = app;
    this.answered = new Map(); // by question: what came of it
    this.sections = [];
    this.open = -1;
  }

  async load() {
    if (!this.app.about.lesson) return;
    this.lesson = await this.app.source.lesson();
    document.body.classList.add("with-lesson");
    byId("lesson").hidden = false;
    say(byId("lesson-title"), this.lesson.title);
    this.progress = el("progress", { max: this.lesson.sections.length, value: 0, "aria-label": "Sections reached" });
    this.progressWord = el("span", { class: "soft" });
    const notes = el("button", { type: "button", "aria-pressed": "false", text: "Notes", title: "Show the notes for the trainer", on: { click: () => notes.setAttribute("aria-pressed", String(byId("lesson").classList.toggle("with-notes"))) } });
    byId("lesson-tools").append(this.progress, this.progressWord, this.lesson.sections.some((s) => s.html.includes("\"trainer\"")) ? notes : "", el("button", { type: "button", text: "Hand-out", title: "The whole lesson on paper", on: { click: () => this.app.handout() } }));
    this.sections = this.lesson.sections.map((s, i) => this.section(s, i));
    this.next = el("div", { class: "next" });
    byId("lesson-text").append(el("p", { class: "soft", text: this.lesson.about }), ...this.sections, this.next);
    this.app.moment.listen((n) => this.show(n));
    this.show(this.app.moment.n);
  }

  section(s, i) {
    const checkpoint = s.checkpoint;
    const look = checkpoint?.look ? el("button", { type: "button", class: "look", on: { click: () => this.look(i) } }, "Look here: ", el("code", { text: checkpoint.look })) : null;
    return el("section", { class: "section", hidden: true, "data-section": i },
      checkpoint ? el("p", { class: "reached" }, "✓ ", checkpoint.says) : null,
      s.title ? el("h3", { text: s.title }) : null, safeHTML(s.html), look, (s.questions || []).map((q) => this.question(q)));
  }

  // reachedBy is the checkpoint of a section as it was reached, up to a moment.
  reachedBy(section, n) {
    const { steps } = this.app.timeline;
    return steps.find((s) => s.section === section && s.n <= n) || null;
  }

  // openAt counts the sections that are open at a moment: those up to the first whose checkpoint was not reached.
  openAt(n) {
    let count = 0;
    for (const [i, s] of this.lesson.sections.entries()) {
      if (s.checkpoint && !this.reachedBy(i, n)) break;
      count++;
    }
    return count;
  }

  show(n) {
    const open = this.openAt(n);
    if (open === this.open) return;
    const grown = this.open >= 0 && open > this.open;
    const before = this.open;
    this.open = open;
    this.sections.forEach((node, i) => (node.hidden = i >= open));
    this.progress.value = open;
    say(this.progressWord, `${open} of ${this.lesson.sections.length}`);
    this.showNext(open);
    if (!grown) return;
    // Several may open at once, as packets cross in no certain order: the first is to be read first.
    this.sections[before].scrollIntoView({ block: "nearest", behavior: this.app.still() ? "auto" : "smooth" });
    const s = this.lesson.sections[before];
    if (this.app.streaming) say(byId("news"), `Lesson: ${s.checkpoint?.says || s.title}`);
    if (s.checkpoint?.look) this.look(before);
  }

  showNext(open) {
    const s = this.lesson.sections[open];
    if (!s) return this.next.replaceChildren(el("p", { class: "done", text: "This was the whole lesson." }));
    const button = this.app.mayAct ? el("button", { type: "button", class: "primary", id: "lesson-next", text: "Go on to it", on: { click: () => this.goOn(open) } }) : null;
    this.next.replaceChildren(el("p", {}, el("span", { class: "soft", text: "Next: " }), s.checkpoint.says), button || "");
  }

  // goOn has the lab go on to the packet that the next section waits for. Where that is no packet, as when somebody is to type, the lab
  // goes on to the next one that it is to be held at.
  goOn(open) {
    const held = this.lesson.sections.slice(open).map((s) => s.checkpoint).find((c) => c?.hold && (c.packet || c.stage));
    const until = {};
    if (held?.packet) until.packet = held.from ? `{packet: ${held.packet}, from: ${held.from}}` : held.packet;
    else if (held) until.stage = held.stage;
    else until.never = true;
    if (held?.guest) until.guest = held.guest;
    return this.app.steps.step({ until });
  }

  // look opens the field that a checkpoint points at.
  look(i) {
    const { look } = this.lesson.sections[i].checkpoint;
    const reached = this.reachedBy(i, this.app.timeline.last);
    const hold = this.app.timeline.hold.at(this.app.moment.n);
    this.app.place("packet", false);
    if (reached?.row) this.app.diagram.mark(reached.row);
    if (reached?.row) return this.app.inspector.open(reached.row, look);
    if (reached?.frame) return this.app.inspector.openFrame(reached.frame, look);
    if (hold?.on) return this.app.inspector.open("held", look);
  }

  question(q) {
    const told = el("p", { class: "told", role: "status" });
    const choices = (q.choices || []).map((c) => el("label", { class: "choice" }, el("input", { type: "radio", name: q.id, value: c }), " ", c));
    const box = choices.length ? el("div", { class: "choices" }, choices) : el("input", { type: "text", name: q.id, "aria-label": "Your answer", autocomplete: "off", spellcheck: "false" });
    const hint = q.hint ? el("details", { class: "hint" }, el("summary", { text: "Hint" }), el("p", { text: q.hint })) : null;
    const form = el("form", { class: "question" }, el("fieldset", {}, el("legend", { text: q.ask }), box, el("button", { type: "submit", text: "Answer" }), hint, told));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const answer = new FormData(form).get(q.id);
      if (answer) this.check(q, String(answer), form, told);
    });
    return form;
  }

  async check(q, answer, form, told) {
    try {
      const came = await this.app.source.answer(q.id, answer);
      this.answered.set(q.id, came.right);
      form.dataset.right = String(came.right);
      told.replaceChildren(el("b", { text: came.right ? "✓ Right. " : "✗ Not so. " }), came.explain || "");
      if (came.frame) told.append(" ", el("button", { type: "button", class: "link", text: `Look at frame ${came.frame}`, on: { click: () => this.app.inspector.openFrame(came.frame, came.field) } }));
    } catch (e) {
      told.textContent = e.message;
    }
  }
}

// handout writes the whole lesson for paper: every section, the questions with room to answer them.
export function handout(lesson) {
  const room = () => el("div", { class: "room" });
  return el("article", { class: "paper" },
    el("h1", { text: lesson.title }), el("p", { class: "soft", text: `${lesson.about} ${lesson.minutes ? lesson.minutes + " minutes. " : ""}Lab: ${lesson.topology}` }),
    lesson.sections.map((s) => el("section", {},
      s.title ? el("h2", { text: s.title }) : null,
      s.checkpoint ? el("p", { class: "reached", text: "When: " + s.checkpoint.says + (s.checkpoint.look ? ` (look at ${s.checkpoint.look})` : "") }) : null,
      safeHTML(s.html),
      (s.questions || []).map((q) => el("div", { class: "question" }, el("p", { text: q.ask }), q.choices?.length ? el("ul", { class: "choices" }, q.choices.map((c) => el("li", { text: "☐ " + c }))) : room())))));
}
