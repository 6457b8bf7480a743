// A plain terminal, for a page that was built without xterm.js: letters and the cursor, no colours.
import { el } from "./dom.js";

const columns = 80;
const lines = 25;

const keys = {
  Enter: "\r", Backspace: "\x7f", Tab: "\t", Escape: "\x1b", ArrowUp: "\x1b[A", ArrowDown: "\x1b[B", ArrowRight: "\x1b[C", ArrowLeft: "\x1b[D", Home: "\x1b[H", End: "\x1b[F",
  Delete: "\x1b[3~", PageUp: "\x1b[5~", PageDown: "\x1b[6~", F1: "\x1bOP", F2: "\x1bOQ", F3: "\x1bOR", F4: "\x1bOS", F5: "\x1b[15~", F6: "\x1b[17~", F7: "\x1b[18~",
  F8: "\x1b[19~", F9: "\x1b[20~", F10: "\x1b[21~", F11: "\x1b[23~", F12: "\x1b[24~",
};

export class PlainTerm {
  constructor(parent, options) {
    this.options = options;
    this.node = el("pre", { class: "plain", tabindex: "0", role: "textbox", "aria-multiline": "true", "aria-readonly": String(options.readOnly), "aria-label": `Console of ${options.name}; Shift+Escape leaves it` });
    this.node.addEventListener("keydown", (e) => this.key(e));
    parent.append(this.node);
    this.reset();
  }

  reset() {
    this.past = [];
    this.rows = Array.from({ length: lines }, () => "");
    this.x = 0;
    this.y = 0;
    this.rest = "";
    this.draw();
  }

  write(text) {
    const all = this.rest + text;
    this.rest = "";
    for (let i = 0; i < all.length; ) {
      if (all[i] !== "\x1b") {
        this.letter(all[i++]);
        continue;
      }
      const found = /^\x1b(?:\[([0-?]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])/.exec(all.slice(i, i + 4096));
      if (!found) {
        if (all.length - i < 4096) this.rest = all.slice(i);
        else i++;
        if (this.rest) break;
        continue;
      }
      if (found[2]) this.control(found[1], found[2]);
      i += found[0].length;
    }
    this.draw();
  }

  letter(c) {
    if (c === "\r") this.x = 0;
    else if (c === "\n") this.newline();
    else if (c === "\b") this.x = Math.max(0, this.x - 1);
    else if (c === "\t") this.x = Math.min(columns - 1, (this.x | 7) + 1);
    else if (c >= " " && c !== "\x7f") {
      if (this.x >= columns) {
        this.x = 0;
        this.newline();
      }
      const row = this.rows[this.y].padEnd(this.x);
      this.rows[this.y] = row.slice(0, this.x) + c + row.slice(this.x + 1);
      this.x++;
    }
  }

  newline() {
    if (this.y < lines - 1) {
      this.y++;
      return;
    }
    this.past.push(this.rows.shift());
    if (this.past.length > 2000) this.past.shift();
    this.rows.push("");
  }

  control(given, final) {
    const [a, b] = given.split(";").map((s) => parseInt(s, 10) || 0);
    const to = (x, y) => {
      this.x = Math.max(0, Math.min(columns - 1, x));
      this.y = Math.max(0, Math.min(lines - 1, y));
    };
    if (final === "H" || final === "f") to((b || 1) - 1, (a || 1) - 1);
    else if (final === "A") to(this.x, this.y - (a || 1));
    else if (final === "B") to(this.x, this.y + (a || 1));
    else if (final === "C") to(this.x + (a || 1), this.y);
    else if (final === "D") to(this.x - (a || 1), this.y);
    else if (final === "G") to((a || 1) - 1, this.y);
    else if (final === "d") to(this.x, (a || 1) - 1);
    else if (final === "J") this.erase(a || 0);
    else if (final === "K") this.rows[this.y] = a === 2 ? "" : a === 1 ? " ".repeat(this.x) + this.rows[this.y].slice(this.x) : this.rows[this.y].slice(0, this.x);
  }

  erase(which) {
    const from = which === 0 ? this.y + 1 : 0;
    const to = which === 1 ? this.y : lines;
    for (let y = from; y < to; y++) this.rows[y] = "";
    if (which === 0) this.rows[this.y] = this.rows[this.y].slice(0, this.x);
  }

  draw() {
    this.node.textContent = [...this.past, ...this.rows].map((r) => r.trimEnd()).join("\n").trimEnd();
    this.node.scrollTop = this.node.scrollHeight;
  }

  key(e) {
    if (e.key === "Escape" && e.shiftKey) this.options.leave();
    else if (e.ctrlKey && e.altKey && (e.key === "ArrowLeft" || e.key === "ArrowRight")) this.options.turn(e.key === "ArrowLeft" ? -1 : 1);
    else if (this.options.readOnly || e.metaKey || e.altKey) return;
    else if (e.ctrlKey && /^[a-z@[\\\]^_]$/i.test(e.key)) this.options.typed(String.fromCharCode(e.key.toUpperCase().charCodeAt(0) & 31));
    else if (e.ctrlKey) return;
    else if (keys[e.key]) this.options.typed(keys[e.key]);
    else if (e.key.length === 1) this.options.typed(e.key);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  focus() {
    this.node.focus();
  }

  colours() {}

  fit(width, height) {
    const size = Math.max(5, Math.min(28, (width - 20) / columns / 0.6021, (height - 8) / lines / 1.25));
    this.node.style.fontSize = size + "px";
  }
}
