// Building elements. Text goes in as text, never as markup: what a guest or a server sent is shown, not run.

const SVG = "http://www.w3.org/2000/svg";

function build(node, attrs, children) {
  for (const [name, value] of Object.entries(attrs || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [kind, heard] of Object.entries(value)) node.addEventListener(kind, heard);
    else if (name === "text") node.textContent = value;
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

// el makes an HTML element: el("button", {class: "x", on: {click}}, "text", child).
export function el(tag, attrs, ...children) {
  return build(document.createElement(tag), attrs, children);
}

// svg makes an SVG element.
export function svg(tag, attrs, ...children) {
  return build(document.createElementNS(SVG, tag), attrs, children);
}

// byId finds an element of the page's frame, which index.html always has.
export function byId(id) {
  return document.getElementById(id);
}

// say sets an element's text, and leaves it alone if it has it: screen readers read live regions again whenever they are set.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const measured = new Map();
let pen = null;

// widthOf is the width of a text in pixels, in a font as CSS writes it.
export function widthOf(text, font) {
  const key = font + "\n" + text;
  let width = measured.get(key);
  if (width === undefined) {
    pen ||= document.createElement("canvas").getContext("2d");
    pen.font = font;
    width = pen.measureText(text).width;
    if (measured.size > 20000) measured.clear();
    measured.set(key, width);
  }
  return width;
}

// cut shortens a text to a width, with an ellipsis.
export function cut(text, width, font) {
  if (widthOf(text, font) <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(text.slice(0, middle) + "…", font) <= width) low = middle;
    else high = middle - 1;
  }
  return low > 0 ? text.slice(0, low).trimEnd() + "…" : "";
}

// perFrame calls back once per frame at most, however often it is asked.
export function perFrame(callback) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      callback();
    });
  };
}
