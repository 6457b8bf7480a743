// The keyboard: every key of the page in one list, which the help shows.
import { el, byId } from "./dom.js";

const off = "pxelab-studio-no-keys";

export class Keys {
  constructor(app) {
    this.app = app;
    this.on = localStorage.getItem(off) === null;
    this.list = table(app).filter((k) => !k.acts || app.mayAct);
    addEventListener("keydown", (e) => this.press(e));
  }

  press(e) {
    if (e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || !this.on) return;
    const at = e.target;
    if (at.closest?.("input:not([type=range]):not([type=checkbox]), textarea, select, form, [role=textbox], .xterm, dialog[open]")) return;
    const name = e.key === " " ? "space" : e.key;
    if (name === "space" && at.closest?.("button, summary, a, input")) return; // it presses that
    if ((name === "ArrowLeft" || name === "ArrowRight") && at.closest?.("[role=tab], [role=treeitem]")) return;
    const known = this.list.find((k) => k.keys.includes(name));
    if (!known) return;
    e.preventDefault();
    known.run(name);
  }

  help() {
    const box = el("input", { type: "checkbox", id: "keys-on", on: { change: () => this.set(box.checked) } });
    box.checked = this.on;
    const dialog = el("dialog", { class: "help", "aria-labelledby": "help-title" },
      el("h2", { id: "help-title", text: "Keys" }),
      el("dl", {}, this.list.flatMap((k) => [el("dt", {}, k.keys.flatMap((key, i) => [i ? " " : "", el("kbd", { text: sign(key) })])), el("dd", { text: k.says })])),
      el("p", { class: "soft", text: "In the diagram ↑ ↓ choose a packet and Enter opens it; in the packet ↑ ↓ ← → walk through its fields. On a console every key goes to the guest: Shift+Esc leaves it, Ctrl+Alt+← → changes the guest." }),
      el("label", { class: "check", for: "keys-on" }, box, "single keys act on the page"),
      el("form", { method: "dialog" }, el("button", { class: "primary", text: "Close" })));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  set(on) {
    this.on = on;
    if (on) localStorage.removeItem(off);
    else localStorage.setItem(off, "yes");
  }
}

function sign(key) {
  return { ArrowLeft: "←", ArrowRight: "→", Home: "Home", End: "End" }[key] || key;
}

function table(app) {
  const { steps, time, moment, consoles, diagram } = app;
  const focus = (id) => byId(id)?.querySelector("[tabindex='0'], button")?.focus();
  return [
    { keys: ["space"], says: "next packet (held or not)", acts: true, run: () => steps.next() },
    { keys: ["h"], says: "hold the lab now", acts: true, run: () => steps.holdNow() },
    { keys: ["n"], says: "go on to the next stage", acts: true, run: () => steps.step({ until: { stage: "next" } }) },
    { keys: ["m"], says: "go on to the next packet of a kind", acts: true, run: () => steps.openMatching() },
    { keys: ["d"], says: "drop the held packet", acts: true, run: () => steps.hold?.data && steps.step({ do: "drop", until: {} }) },
    { keys: ["t"], says: "send the held packet twice", acts: true, run: () => steps.hold?.data && steps.step({ do: "duplicate", until: {} }) },
    { keys: ["e"], says: "edit the held packet", acts: true, run: () => steps.edit() },
    { keys: ["c"], says: "continue", acts: true, run: () => steps.step({ until: { never: true } }) },
    { keys: [app.mayAct ? "p" : "space", "p"].filter((k, i, all) => all.indexOf(k) === i), says: "play and pause", run: () => time.toggle() },
    { keys: ["ArrowLeft", ","], says: "one row back", run: () => time.back() },
    { keys: ["ArrowRight", "."], says: "one row on", run: () => time.on() },
    { keys: ["Home"], says: "to the beginning", run: () => { moment.pause(); moment.set(0); } },
    { keys: ["End", "l"], says: app.about.live ? "now" : "to the end", run: () => moment.now() },
    { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], says: "console of a guest", run: (key) => { const name = consoles.names()[Number(key) - 1]; if (name) { consoles.choose(name); consoles.focus(); } } },
    { keys: ["a"], says: "show or hide chatter (ARP and the like)", run: () => diagram.filter(diagram.guest, !diagram.chatter) },
    { keys: ["g"], says: "to the diagram", run: () => { app.place("diagram", false); diagram.list.focus(); } },
    { keys: ["i"], says: "to the packet", run: () => { app.place("packet", false); focus("packet-body"); } },
    { keys: ["+", "="], says: "larger text", run: () => app.looks.grow(1) },
    { keys: ["-"], says: "smaller text", run: () => app.looks.grow(-1) },
    { keys: ["?"], says: "this help", run: () => app.keys.help() },
  ];
}
