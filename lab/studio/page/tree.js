// The fields of a packet as a tree.
import { el } from "./dom.js";

export class Tree {
  constructor(told) {
    this.told = told;
    this.opened = new Map(); // by path, as the reader left it, from packet to packet
    this.items = new Map(); // by path: {field, node, parent}
    this.list = el("ul", { role: "tree", "aria-label": "Fields of the packet", on: { keydown: (e) => this.key(e), click: (e) => this.click(e) } });
    this.node = el("div", { class: "fields" }, this.list);
  }

  show(frame, editable, path) {
    const wanted = path || this.selected;
    this.items.clear();
    this.editable = editable;
    this.roots = frame.layers || [];
    this.list.replaceChildren(...this.roots.map((f, i) => this.item(f, null, 1, i === this.roots.length - 1)));
    this.selected = null;
    const chosen = this.items.has(wanted) ? wanted : this.roots.at(-1)?.path;
    if (chosen) this.select(chosen, Boolean(path));
  }

  item(field, parent, level, open) {
    const children = field.fields || [];
    const isOpen = this.opened.get(field.path) ?? (open || level > 1);
    const mark = el("span", { class: "twist", "aria-hidden": "true" });
    const line = el("div", { class: "line" }, mark,
      el("span", { class: "name", text: field.name }), field.value ? el("span", { class: "value", text: field.value }) : null,
      this.editable && field.edit ? el("button", { type: "button", class: "pencil", tabindex: "-1", "aria-label": `Change ${field.name}`, title: "Change it", text: "✎" }) : null);
    const node = el("li", { role: "treeitem", tabindex: "-1", "aria-level": level, "aria-selected": "false", "aria-expanded": children.length ? String(isOpen) : null, class: field.bad ? "bad" : "" },
      line,
      field.bad ? el("p", { class: "fault", text: "✗ " + field.bad }) : null,
      field.meaning ? el("p", { class: "meaning", text: field.meaning }) : null,
      field.client ? el("p", { class: "client", text: "This firmware: " + field.client }) : null,
      field.spec ? el("p", { class: "spec", text: field.spec }) : null);
    node.dataset.path = field.path;
    this.items.set(field.path, { field, node, parent });
    if (children.length) node.append(el("ul", { role: "group" }, children.map((f) => this.item(f, field.path, level + 1, false))));
    return node;
  }

  select(path, reveal = true) {
    const to = this.items.get(path);
    if (!to) return;
    const from = this.items.get(this.selected);
    if (from) {
      from.node.setAttribute("aria-selected", "false");
      from.node.tabIndex = -1;
    }
    this.selected = path;
    for (let up = to.parent; reveal && up; up = this.items.get(up).parent) this.toggle(up, true);
    to.node.setAttribute("aria-selected", "true");
    to.node.tabIndex = 0;
    if (reveal) this.scroll(to.node);
    this.told.select(to.field);
  }

  scroll(node) {
    const line = node.firstElementChild.getBoundingClientRect();
    const box = this.node.getBoundingClientRect();
    if (line.top < box.top || line.bottom + 60 > box.bottom) this.node.scrollTop += line.top - box.top - box.height / 3;
  }

  // selectAt selects the smallest field that has an octet.
  selectAt(offset) {
    let best = null;
    for (const [path, { field }] of this.items) {
      if (offset < field.at || offset >= field.at + field.len) continue;
      if (!best || field.len <= this.items.get(best).field.len) best = path;
    }
    if (best) this.select(best);
  }

  toggle(path, open) {
    const { node, field } = this.items.get(path);
    if (!field.fields?.length) return;
    const to = open ?? node.getAttribute("aria-expanded") !== "true";
    node.setAttribute("aria-expanded", String(to));
    this.opened.set(path, to);
  }

  click(e) {
    const node = e.target.closest("[role=treeitem]");
    if (!node || e.target.closest("form")) return;
    const path = node.dataset.path;
    this.select(path, false);
    if (e.target.closest(".pencil")) this.change(path);
    else if (e.target.closest(".twist")) this.toggle(path);
    else if (!e.target.closest("button")) node.focus({ preventScroll: true });
  }

  visible() {
    return [...this.list.querySelectorAll("[role=treeitem]")].filter((n) => n.offsetParent !== null).map((n) => n.dataset.path);
  }

  key(e) {
    if (e.ctrlKey || e.altKey || e.metaKey || e.target.closest("form")) return;
    const now = this.items.get(this.selected);
    if (!now) return;
    const isOpen = now.node.getAttribute("aria-expanded");
    const paths = this.visible();
    const i = paths.indexOf(this.selected);
    let to = null;
    if (e.key === "ArrowDown") to = paths[i + 1];
    else if (e.key === "ArrowUp") to = paths[i - 1];
    else if (e.key === "Home") to = paths[0];
    else if (e.key === "End") to = paths[paths.length - 1];
    else if (e.key === "ArrowRight") isOpen === "false" ? this.toggle(this.selected, true) : isOpen && (to = now.field.fields[0].path);
    else if (e.key === "ArrowLeft") isOpen === "true" ? this.toggle(this.selected, false) : (to = now.parent);
    else if (e.key === "Enter" && this.editable && now.field.edit) this.change(this.selected);
    else if (e.key !== "Enter") return;
    e.preventDefault();
    e.stopPropagation();
    if (!to) return;
    this.select(to);
    this.items.get(to).node.focus({ preventScroll: true });
  }

  startEdit() {
    const paths = [...this.items.keys()].filter((path) => this.items.get(path).field.edit);
    const inner = paths.find((path) => path.startsWith(this.roots.at(-1).path + "."));
    const first = paths.includes(this.selected) ? this.selected : inner || paths[0];
    if (!first) return;
    this.select(first);
    this.change(first);
  }

  // change puts a box into the line of a field, to write another value in.
  change(path) {
    const { field, node } = this.items.get(path);
    if (!this.editable || !field.edit || node.querySelector(":scope > form")) return;
    const box = el("input", { type: "text", value: field.value || "", "aria-label": `New value of ${field.name}`, spellcheck: "false" });
    const done = () => {
      form.remove();
      node.focus({ preventScroll: true });
    };
    const remove = /\.option\./.test(path) ? el("button", { type: "button", class: "remove", text: "Remove", title: "Take it out of the packet", on: { click: () => { done(); this.told.remove(field); } } }) : "";
    const form = el("form", { class: "change" }, box, el("button", { type: "submit", text: "Set" }), remove, el("button", { type: "button", text: "Cancel", on: { click: done } }));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      done();
      this.told.edit(field, box.value);
    });
    form.addEventListener("keydown", (e) => {
      e.stopPropagation();
      if (e.key === "Escape") done();
    });
    node.firstElementChild.after(form);
    box.focus();
    box.select();
  }
}
