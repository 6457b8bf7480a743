// The drawing of one row of the diagram.
import { svg, cut, widthOf } from "./dom.js";
import { protocols, protocol, progress, marks, harmless } from "./words.js";

// rowShape draws a row. g says where things are: {height, width, font, x(lane), lanes: [lane id]}.
export function rowShape(row, g, held) {
  const shape = svg("svg", { width: g.width, height: g.height, "aria-hidden": "true", class: "shape", "data-proto": protocol(row.proto) });
  if (row.kind === "note") note(shape, row, g);
  else if (row.to === "*") broadcast(shape, row, g, held);
  else between(shape, row, g, held);
  return shape;
}

function badge(row, x, y, g) {
  const letter = protocols[protocol(row.proto)].letter;
  return svg("g", { class: "badge", transform: `translate(${x} ${y}) scale(${g.unit})` }, svg("circle", { r: 7.5 }), svg("text", { "text-anchor": "middle", y: 3.7, text: letter }));
}

// head is an arrow's head, its tip at x. A packet that did not arrive whole ends in a cross.
function head(row, x, y, way, g) {
  const transform = `translate(${x} ${y}) scale(${g.unit})`;
  if (row.bad && row.kind !== "transfer") return svg("path", { class: "cross", transform, d: `M${-way * 12 - 5} -5l10 10m0 -10l-10 10` });
  return svg("path", { class: "head", transform, d: `M0 0l${-way * 9} -5v10z` });
}

function between(shape, row, g, held) {
  const a = g.x(row.from);
  const b = g.x(row.to);
  const way = b >= a ? 1 : -1;
  const y = g.height - 9.5 * g.unit;
  const classes = ["line", row.repeat ? "repeat" : "", row.bad ? "bad" : "", held ? "held" : ""].join(" ");
  if (a === b) {
    shape.append(svg("path", { class: classes, d: `M${a} ${y}h26` }), badge(row, a, y, g));
  } else if (row.kind === "transfer") {
    bar(shape, row, g, Math.min(a, b), Math.max(a, b), y);
  } else {
    const end = row.bad ? b - way * 12 * g.unit : b - way * 2;
    shape.append(svg("path", { class: classes, d: `M${a} ${y}H${end}` }), head(row, b - way, y, way, g));
    if (row.via) shape.append(svg("circle", { class: "via", cx: g.x(row.via), cy: y, r: 4.5 }));
    shape.append(badge(row, a + way * 12 * g.unit, y, g));
  }
  label(shape, row, g, (a + b) / 2, held);
}

// bar is a transfer: how much of the file has come, between who asks and who serves.
function bar(shape, row, g, left, right, y) {
  const x = left + 22 * g.unit;
  const width = Math.max(20, right - left - 26 * g.unit);
  const size = { y: y - 5 * g.unit, height: 10 * g.unit, rx: 5 * g.unit };
  const done = row.outcome === "whole" ? 1 : row.size ? Math.min(1, (row.bytes || 0) / row.size) : row.bytes ? 0.5 : 0;
  const classes = "bar" + (row.bad || !harmless(row.outcome) ? " bad" : "");
  shape.append(
    svg("rect", { class: classes, x, width, ...size }),
    svg("rect", { class: classes + " done", x, width: Math.max(width * done, done ? 10 : 0), ...size }),
    badge(row, left + 12 * g.unit, y, g),
  );
}

function broadcast(shape, row, g, held) {
  const a = g.x(row.from);
  const xs = g.lanes.map(g.x).filter((x) => x !== a);
  const y = g.height - 9.5 * g.unit;
  const left = Math.min(a, ...xs);
  const right = Math.max(a, ...xs);
  const classes = ["line", row.repeat ? "repeat" : "", row.bad ? "bad" : "", held ? "held" : ""].join(" ");
  shape.append(svg("path", { class: classes, d: `M${left} ${y}H${right}` }));
  for (const x of xs) shape.append(head(row, x - Math.sign(x - a), y, Math.sign(x - a), g));
  shape.append(badge(row, a, y, g));
  label(shape, row, g, (left + right) / 2, held);
}

// label is what the row says, above its line, within the diagram however long it is.
function label(shape, row, g, middle, held) {
  const said = marks(harmless(row.outcome) ? row : { ...row, bad: "" }); // its outcome says what is bad
  const extra = row.kind === "transfer" ? progress({ ...row, outcome: row.outcome === "whole" ? "" : row.outcome }) : "";
  const tail = [extra, ...said].filter(Boolean).map((s) => `  ${s}`).join("");
  const alarming = Boolean(row.bad) || said.length > 0 || !harmless(row.outcome);
  const tailFont = alarming ? g.boldFont : g.font;
  const front = held ? "waiting: " : "";
  const room = g.width - 8;
  const tailWidth = Math.min(widthOf(tail, tailFont), room * 0.6);
  const text = cut(front + row.label, room - tailWidth, g.boldFont);
  const shownTail = cut(tail, tailWidth + 1, tailFont);
  const width = widthOf(text, g.boldFont) + widthOf(shownTail, tailFont);
  const left = Math.max(4, Math.min(middle - width / 2, g.width - width - 4));
  const node = svg("text", { class: "label", x: left, y: g.height - 19 * g.unit });
  node.append(svg("tspan", { class: "what", text }));
  if (shownTail.trim()) node.append(svg("tspan", { class: alarming ? "mark" : "soft", text: shownTail }));
  shape.append(node);
}

// note is something that happened at one lane: its text stands beside the lane, on the side with more room.
function note(shape, row, g) {
  const x = g.x(row.from);
  const y = g.height / 2;
  const text = row.label + (row.bad && row.bad !== row.label ? `  ${row.bad}` : "");
  const rightwards = x < g.width / 2;
  const room = (rightwards ? g.width - x : x) - 24;
  const shown = cut(text, room, g.font);
  const width = widthOf(shown, g.font) + 12;
  shape.append(
    svg("path", { class: "dot" + (row.bad ? " bad" : ""), d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` }),
    svg("rect", { class: "plate", x: rightwards ? x + 11 : x - 11 - width, y: y - 10 * g.unit, width, height: 20 * g.unit, rx: 4 }),
    svg("text", { class: "label" + (row.bad ? " mark" : ""), x: rightwards ? x + 17 : x - 17, y: y + 4.5 * g.unit, "text-anchor": rightwards ? "start" : "end", text: shown }),
  );
}
