// What can be taken away: the whole run as one page, the diagram, the capture, the recording of a console.
import { el } from "./dom.js";

export function shareMenu(app) {
  if (app.source.embedded) return null;
  const { about } = app;
  const things = [
    ["This run as one HTML file", "export.html", `${about.name}.html`],
    ["Diagram as SVG", "diagram.svg", `${about.name}.svg`],
    ["Diagram as Mermaid text", "diagram.mmd", `${about.name}.mmd`],
    ["Packets for Wireshark (pcapng)", "capture.pcapng", `${about.name}.pcapng`],
    ...(about.kind === "capture" ? [] : about.guests.map((g) => [`Console of ${g.name} (asciinema)`, `guests/${encodeURIComponent(g.name)}/console.cast`, `${about.name}-${g.name}.cast`])),
  ];
  const box = el("details", { class: "drop", id: "share" }, el("summary", { text: "Export" }),
    el("div", { class: "menu" }, things.map(([label, path, name]) => el("button", { type: "button", text: label, on: { click: () => { box.open = false; save(app, path, name); } } }))));
  return box;
}

async function save(app, path, name) {
  const blob = await app.try(() => app.source.download(path), `export ${name}`);
  if (!blob) return;
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name.replace(/[^\w.-]+/g, "-") });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
