// The octets of a packet. The ones of the chosen field are marked, and a click on an octet chooses its field.
import { el } from "./dom.js";

export class Octets {
  constructor(told) {
    this.told = told;
    this.field = null;
    this.node = el("div", { class: "octets", tabindex: "0", role: "group", "aria-label": "Octets of the packet, in hexadecimal" });
    this.node.addEventListener("click", (e) => {
      const at = e.target.closest("[data-at]");
      if (at) this.told.choose(Number(at.dataset.at));
    });
    new ResizeObserver(() => this.arrange()).observe(this.node);
  }

  show(frame) {
    const hex = frame.hex || "";
    this.bytes = hex.match(/../g) || [];
    this.field = null;
    this.perLine = 0;
    this.arrange();
  }

  // arrange writes as many octets into a line as there is room for.
  arrange() {
    if (!this.bytes || this.node.clientWidth === 0) return;
    const em = parseFloat(getComputedStyle(this.node).fontSize) * 0.602;
    const perLine = (this.node.clientWidth - 24) / em >= 4 + 2 + 16 * 4 + 3 ? 16 : 8;
    if (perLine === this.perLine) return;
    this.perLine = perLine;
    this.cells = [];
    const lines = [];
    for (let at = 0; at < this.bytes.length; at += perLine) lines.push(this.line(at, perLine));
    this.node.replaceChildren(...lines);
    this.mark(this.field);
  }

  line(at, perLine) {
    const hex = el("span", { class: "hex" });
    const text = el("span", { class: "text" });
    for (let i = at; i < Math.min(at + perLine, this.bytes.length); i++) {
      const code = parseInt(this.bytes[i], 16);
      const a = el("span", { "data-at": i, text: this.bytes[i] });
      const b = el("span", { "data-at": i, text: code > 32 && code < 127 ? String.fromCharCode(code) : "·" });
      this.cells[i] = [a, b];
      hex.append(a);
      text.append(b);
    }
    return el("div", {}, el("span", { class: "offset", text: at.toString(16).padStart(4, "0") }), hex, text);
  }

  mark(field) {
    this.node.querySelectorAll(".on").forEach((c) => c.classList.remove("on"));
    this.field = field;
    if (!field || !this.cells) return;
    for (let i = field.at; i < field.at + field.len; i++) for (const cell of this.cells[i] || []) cell.classList.add("on");
    const first = this.cells[field.at]?.[0];
    if (!first) return;
    const top = first.offsetTop - this.node.offsetTop;
    if (top < this.node.scrollTop || top > this.node.scrollTop + this.node.clientHeight - 30) this.node.scrollTop = Math.max(0, top - this.node.clientHeight / 3);
  }
}
