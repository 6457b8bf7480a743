// The network drawn: segments as lines, what is plugged into them as cards, and the packet of the moment on its way.
import { el, svg, byId, cut } from "./dom.js";
import { countUpTo } from "./timeline.js";
import { heldRow } from "./diagram.js";
import { protocols, protocol, laneName } from "./words.js";
import { cardOf, guestWord } from "./card.js";

const card = { width: 152, height: 60, gap: 12, drop: 20 };

export class Network {
  constructor(app) {
    this.app = app;
    const { about } = app;
    // Of a capture only addresses are known: what is no machine that boots is drawn as a service.
    const others = about.kind === "capture" ? about.lanes.filter((l) => l.kind === "other").map((l) => ({ name: l.name, lane: l.id })) : [];
    this.nets = about.networks.length ? about.networks : [{ name: "" }];
    this.services = [...about.services, ...others];
    this.nodes = new Map(); // by lane: {x, y, taps: [{net, y}], node, set}
    this.lines = new Map(); // by network: y
    this.places();
    this.build();
    app.moment.listen((n) => this.show(n));
  }

  // places gives each thing its place: above a segment its services, below it its guests, at the left who stands in several.
  places() {
    const { nets } = this;
    const netsOf = (s) => s.networks || (s.network ? [s.network] : [nets[0].name]);
    const bridging = this.services.filter((s) => netsOf(s).length > 1);
    const columns = Math.max(2, ...nets.map((n) => Math.max(this.above(n, netsOf).length, this.below(n, nets).length)));
    const margin = bridging.length ? card.width + 2 * card.gap : 0;
    this.margin = margin;
    this.width = margin + columns * (card.width + card.gap) + card.gap;
    let y = 6;
    for (const net of nets) {
      const up = this.above(net, netsOf);
      const down = this.below(net, nets);
      let line = y + (up.length ? card.height + card.drop : 18);
      if (bridging.length && this.lines.size) line = Math.max(line, Math.max(...this.lines.values()) + card.height + 2 * card.drop);
      y = line - (up.length ? card.height + card.drop : 18);
      this.lines.set(net.name, line);
      this.row(up, "service", margin, y, net.name, line);
      this.row(down, "guest", margin, line + card.drop, net.name, line);
      y = line + (down.length ? card.drop + card.height : 6) + 14;
    }
    this.height = y - 8;
    bridging.forEach((s, i) => this.bridge(s, netsOf(s), i));
  }

  above(net, netsOf) {
    return this.services.filter((s) => netsOf(s).length === 1 && netsOf(s)[0] === net.name);
  }

  below(net, nets) {
    return this.app.about.guests.filter((g) => (g.network || nets[0].name) === net.name);
  }

  row(things, kind, left, y, net, line) {
    const room = (this.width - left - card.gap) / Math.max(1, things.length);
    things.forEach((thing, i) => {
      const x = left + card.gap / 2 + room * (i + 0.5);
      this.nodes.set(thing.lane || `${kind}:${thing.name}`, { kind, thing, x, y, taps: [{ net, x, line, from: kind === "service" ? y + card.height : y }] });
    });
  }

  bridge(service, nets, i) {
    const lines = nets.map((n) => this.lines.get(n) ?? 0);
    const y = (Math.min(...lines) + Math.max(...lines)) / 2 - card.height / 2 + i * 10;
    const x = card.gap + card.width / 2;
    const taps = nets.map((net, k) => ({ net, x, line: lines[k], from: lines[k] < y ? y : y + card.height }));
    this.nodes.set("service:" + service.name, { kind: "service", thing: service, x, y, taps });
  }

  build() {
    this.flight = svg("g", { class: "flight" });
    const drawing = svg("svg", { viewBox: `0 0 ${this.width} ${this.height}`, class: "drawing", preserveAspectRatio: "xMidYMin meet", role: "group", "aria-label": "Network" });
    for (const net of this.nets) this.segment(drawing, net);
    for (const node of this.nodes.values()) for (const tap of node.taps) drawing.append(svg("path", { class: "cable", d: `M${tap.x} ${tap.from}V${tap.line}` }));
    drawing.append(this.flight);
    for (const [id, node] of this.nodes) {
      node.card = cardOf(node, card);
      if (node.kind === "guest") node.card.node.addEventListener("click", () => this.app.consoles.choose(node.thing.name));
      node.card.node.dataset.lane = id;
      drawing.append(node.card.node);
    }
    drawing.style.minWidth = this.width * 0.62 + "px";
    drawing.style.minHeight = this.height * 0.62 + "px";
    drawing.style.maxHeight = this.height * 2 + "px";
    this.caption = el("p", { class: "caption", "aria-live": "off" });
    byId("studio").style.setProperty("--network-height", Math.min(13.6 + 4.5 * (this.nets.length - 1), 20) + "rem");
    byId("network-body").append(drawing);
    byId("network-title").after(this.caption);
  }

  segment(drawing, net) {
    const y = this.lines.get(net.name);
    const subnets = [net.subnet, net.subnet6].filter(Boolean).join(", ");
    const { from, to } = this.gap(net.name);
    drawing.append(
      svg("path", { class: "segment", d: `M6 ${y}H${this.width - 6}` }),
      svg("text", { class: "segment-name", x: (from + to) / 2, y: y - 6, "text-anchor": "middle", text: cut(`${net.name}  ${subnets}`, to - from - 8, "11px sans-serif") }),
    );
  }

  // gap is the widest place above a segment that no cable crosses: its name goes there.
  gap(net) {
    const taps = [...this.nodes.values()].flatMap((node) => node.taps.filter((tap) => tap.net === net && tap.from < tap.line).map((tap) => tap.x));
    const edges = [6 + this.margin, ...taps.sort((a, b) => a - b), this.width - 6];
    let best = { from: 6, to: this.width - 6, width: 0 };
    for (let i = 1; i < edges.length; i++) if (edges[i] - edges[i - 1] >= best.width) best = { from: edges[i - 1], to: edges[i], width: edges[i] - edges[i - 1] };
    return best;
  }

  show(n) {
    const { timeline } = this.app;
    for (const [id, node] of this.nodes) {
      const name = node.thing.name;
      if (node.kind === "guest") {
        const state = timeline.guests.get(name)?.at(n);
        const verdict = timeline.verdicts.get(name)?.at(n);
        node.card.set(guestWord(state, verdict), state?.address || "", id);
      } else if (node.thing.lane) {
        node.card.set({ word: "", kind: "idle" }, " ", id);
      } else {
        const state = timeline.services.get(name)?.at(n);
        node.card.set({ word: state?.state || "not yet", kind: { ready: "good", exited: "bad", lost: "bad" }[state?.state] || "idle" }, (node.thing.addresses || []).join(" "), id);
        node.card.node.querySelector("title").textContent = [`service ${name}: ${state?.state || "not started"}`, state?.last].filter(Boolean).join("\n");
      }
    }
    this.showFlight(n);
  }

  // showFlight lights the way of the latest packet, or of the one that the lab is held at.
  showFlight(n) {
    const { timeline } = this.app;
    const hold = timeline.hold.at(n);
    const row = hold?.on && hold.from ? heldRow(hold) : this.latest(n);
    const key = row?.id === "held" ? hold : row;
    if (this.flying === key) return;
    this.flying = key;
    this.flight.replaceChildren();
    this.caption.textContent = row ? `${row.id === "held" ? "Held: " : ""}${laneName(row.from)} → ${laneName(row.to)}: ${row.label}` : "";
    if (!row) return;
    this.flight.dataset.proto = protocol(row.proto);
    this.flight.classList.toggle("held", row.id === "held");
    const ends = row.to === "*" ? [...this.nodes.keys()].filter((id) => id !== row.from) : [row.to];
    const ways = ends.flatMap((id) => this.way(row.from, id) || [this.way(row.from, row.via), this.way(row.via, id)]).filter(Boolean);
    for (const d of ways) this.flight.append(svg("path", { class: "way", d }));
    if (ways.length && row.id !== "held") this.fly(row, ways);
  }

  latest(n) {
    const { shown, ns } = this.app.diagram;
    for (let i = countUpTo(ns, n) - 1; i >= 0 && i > ns.length - 200; i--) {
      const row = shown[i].track.at(n);
      if (row.kind !== "note") return row;
    }
    return null;
  }

  way(from, to) {
    const a = this.nodes.get(from);
    const b = this.nodes.get(to);
    if (!a || !b) return null;
    const tapB = b.taps.find((t) => a.taps.some((o) => o.net === t.net));
    const tapA = a.taps.find((t) => t.net === tapB?.net);
    return tapA && tapB ? `M${tapA.x} ${tapA.from}V${tapA.line}H${tapB.x}V${tapB.from}` : null;
  }

  // fly moves an envelope along each way, once; at its end it stays.
  fly(row, ways) {
    const letter = protocols[protocol(row.proto)].letter;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || performance.now() - (this.flew || 0) < 300;
    this.flew = performance.now();
    const began = performance.now();
    const paths = [...this.flight.querySelectorAll("path")];
    const badges = ways.map(() => svg("g", { class: "badge" }, svg("circle", { r: 8 }), svg("text", { "text-anchor": "middle", y: 4, text: letter })));
    this.flight.append(...badges);
    const move = (time) => {
      if (this.flying !== row) return;
      const part = still ? 1 : Math.min(1, Math.max(0, (time - began) / 450));
      paths.forEach((path, i) => {
        const at = path.getPointAtLength((path.getTotalLength() - card.drop / 2) * part);
        badges[i].setAttribute("transform", `translate(${at.x} ${at.y})`);
      });
      if (part < 1) requestAnimationFrame(move);
    };
    move(began);
  }
}
