// The cards of guests and services in the drawing of the network, and the word for how a guest stands.
import { svg, cut, widthOf } from "./dom.js";
import { shortName } from "./words.js";

const font = "12px system-ui, sans-serif";
const boldFont = "600 12px system-ui, sans-serif";

// cardOf draws a card, and gives the function that says how what it stands for is doing.
export function cardOf(node, size) {
  const { kind, thing } = node;
  const left = node.x - size.width / 2;
  const about = (kind === "guest" ? [thing.firmware, thing.nic] : [thing.program, ...(thing.roles || [])]).filter(Boolean).join(", ") || thing.mac || "";
  const word = svg("text", { class: "word", x: size.width - 10, y: 18, "text-anchor": "end" });
  const address = svg("text", { class: "address", x: 12, y: 36 });
  const dot = svg("circle", { class: "state", cx: 15, cy: 14, r: 4.5 });
  const name = svg("text", { class: "name", x: 25, y: 18.5 });
  const title = svg("title", { text: `${kind} ${thing.name}` });
  const g = svg("g", { class: "card " + kind, transform: `translate(${left} ${node.y})` },
    title,
    svg("rect", { class: "plate", width: size.width, height: size.height, rx: kind === "guest" ? 9 : 3 }),
    dot, name, word, address,
    svg("text", { class: "about", x: 12, y: 51, text: cut(about, size.width - 20, font) }));
  const set = (state, where) => {
    g.dataset.state = state.kind;
    word.textContent = cut(state.short || state.word, 84, boldFont);
    name.textContent = cut(shortName(thing.name), size.width - 42 - widthOf(word.textContent, boldFont), "600 14px system-ui, sans-serif");
    address.textContent = cut(where || "no address yet", size.width - 20, font);
    address.classList.toggle("none", !where);
    if (kind === "guest" && thing.mac) title.textContent = `guest ${thing.name}: ${state.word}${where ? ", " + where : ""}; ${about}; MAC ${thing.mac}`;
  };
  set({ word: "", kind: "idle" }, "");
  return { node: g, set };
}

// guestWord says in a word how a guest stands, and whether that is good.
export function guestWord(guest, verdict) {
  if (!guest) return { word: "not started", short: "not yet", kind: "idle" };
  if (guest.stopped) return { word: "stopped at " + guest.stage, short: "stopped", kind: "bad" };
  if (guest.state === "held") return { word: "held at " + guest.stage, short: "held", kind: "held" };
  if (guest.state === "waiting") return { word: "waiting", kind: "idle" };
  if (guest.state === "settled" || guest.state === "off") return { word: verdict ? verdict.end : guest.state, kind: verdict ? (verdict.passed ? "good" : "bad") : "idle" };
  return { word: guest.stage, kind: "busy" };
}
