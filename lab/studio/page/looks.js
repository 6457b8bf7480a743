// How the page looks: light, dark or as the system is; how large its text is.
import { el } from "./dom.js";

const sizes = [0.85, 1, 1.15, 1.3, 1.5, 1.75, 2];
const themes = { auto: "◐", light: "☀", dark: "☾" };

export class Looks {
  constructor() {
    this.heard = [];
    this.theme = localStorage.getItem("pxelab-studio-theme") || "auto";
    this.size = Number(localStorage.getItem("pxelab-studio-size")) || 1;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.tell());
    addEventListener("resize", () => this.arrange());
    this.set();
  }

  // arrange chooses the page's layout by how many letters fit into the window, so that large text counts as a small window does.
  arrange() {
    const room = innerWidth / parseFloat(getComputedStyle(document.documentElement).fontSize);
    document.body.dataset.layout = room < 56 ? "narrow" : room < 106 ? "wide" : "vast";
  }

  listen(callback) {
    this.heard.push(callback);
  }

  tell() {
    for (const callback of this.heard) callback();
  }

  set() {
    const root = document.documentElement;
    if (this.theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = this.theme;
    root.style.setProperty("--size", this.size);
    this.arrange();
    this.tell();
  }

  grow(way) {
    const at = sizes.findIndex((s) => s >= this.size - 0.01);
    this.size = sizes[Math.max(0, Math.min(sizes.length - 1, at + way))];
    localStorage.setItem("pxelab-studio-size", this.size);
    this.set();
  }

  isDark() {
    return this.theme === "dark" || (this.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  }

  // terminal gives the colours of the consoles: firmware writes for dark screens, so they are dark in both themes.
  terminal() {
    const background = this.isDark() ? "#05080c" : "#10161d";
    return { background, foreground: "#e6edf3", cursor: "#f3c14b", cursorAccent: background, selectionBackground: "#3b5b7d" };
  }

  buttons() {
    const say = () => {
      theme.replaceChildren(el("span", { "aria-hidden": "true", text: themes[this.theme] }));
      theme.setAttribute("aria-label", `Theme: ${this.theme}`);
      theme.title = `Theme: ${this.theme}`;
    };
    const theme = el("button", { type: "button", id: "theme", on: { click: () => {
      const names = Object.keys(themes);
      this.theme = names[(names.indexOf(this.theme) + 1) % names.length];
      localStorage.setItem("pxelab-studio-theme", this.theme);
      this.set();
      say();
    } } });
    say();
    return [
      el("button", { type: "button", id: "smaller", "aria-label": "A−: smaller text", title: "Smaller text (-)", text: "A−", on: { click: () => this.grow(-1) } }),
      el("button", { type: "button", id: "larger", "aria-label": "A+: larger text", title: "Larger text (+)", text: "A+", on: { click: () => this.grow(1) } }),
      theme,
    ];
  }
}
