// A terminal: xterm.js where it is there, else a plain one.
//
// What a guest prints is not to be trusted. It gets letters, colours and the cursor, and nothing else: no links, no title, no clipboard,
// no answers to its questions (an answer would be typed into the guest, whenever a recording is shown again).
import { PlainTerm } from "./plain.js";

const columns = 80;
const lines = 25;

export function openTerm(parent, options) {
  return globalThis.Terminal ? new XTerm(parent, options) : new PlainTerm(parent, options);
}

class XTerm {
  constructor(parent, o) {
    this.options = o;
    this.term = new globalThis.Terminal({
      cols: columns, rows: lines, scrollback: 5000, convertEol: false, disableStdin: o.readOnly, cursorBlink: false, cursorInactiveStyle: "outline",
      fontFamily: "ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace", fontSize: 12, lineHeight: 1.05,
      theme: o.colours, allowTransparency: false, minimumContrastRatio: 4.5, screenReaderMode: false, windowOptions: {},
      linkHandler: { activate() {}, hover() {}, leave() {}, allowNonHttpProtocols: false },
    });
    this.silence();
    this.term.attachCustomKeyEventHandler((e) => this.key(e));
    this.term.onData((data) => o.typed(data));
    this.term.open(parent);
    const area = parent.querySelector("textarea");
    if (area) {
      area.setAttribute("aria-label", `Console of ${o.name}; Shift+Escape leaves it`);
      if (o.readOnly) area.readOnly = true;
    }
  }

  // silence has the terminal swallow every sequence that asks something of it, or changes something outside of its screen.
  silence() {
    const { parser } = this.term;
    const swallow = () => true;
    for (const id of [0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 17, 19, 50, 52, 104, 110, 111, 112, 133, 777, 1337]) parser.registerOscHandler(id, swallow);
    for (const final of ["c", "n", "t", "x", "y"]) parser.registerCsiHandler({ final }, swallow);
    for (const [prefix, final] of [[">", "c"], ["=", "c"], ["?", "n"], [">", "q"], ["?", "S"], ["?", "u"]]) parser.registerCsiHandler({ prefix, final }, swallow);
    for (const prefix of ["", "?"]) parser.registerCsiHandler({ prefix, intermediates: "$", final: "p" }, swallow);
    parser.registerCsiHandler({ prefix: "?", final: "h" }, (modes) => modes.some(reports));
    parser.registerDcsHandler({ intermediates: "$", final: "q" }, swallow);
    parser.registerDcsHandler({ intermediates: "+", final: "q" }, swallow);
    parser.registerEscHandler({ final: "Z" }, swallow);
  }

  key(e) {
    const leaving = e.key === "Escape" && e.shiftKey;
    const turning = e.ctrlKey && e.altKey && { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!leaving && !turning) return true;
    if (e.type === "keydown") {
      e.preventDefault();
      if (leaving) this.options.leave();
      else this.options.turn(turning);
    }
    return false;
  }

  write(text) {
    this.term.write(text);
  }

  reset() {
    this.term.reset();
  }

  focus() {
    this.term.focus();
  }

  colours(theme) {
    this.term.options.theme = theme;
  }

  // fit chooses the letters' size so that the guest's whole screen is in sight: a guest does not ask how many columns we have.
  fit(width, height) {
    if (width < 50 || height < 50) return;
    const size = Math.min((width - 20) / columns / 0.6021, (height - 6) / lines / 1.25);
    const chosen = Math.max(5, Math.min(28, Math.floor(size * 4) / 4));
    if (this.term.options.fontSize !== chosen) this.term.options.fontSize = chosen;
  }
}

// reports tells whether a private mode has the terminal send what the mouse does, or that the page was left.
function reports(mode) {
  return (mode >= 1000 && mode <= 1016) || mode === 9;
}
