// The text of a lesson comes as HTML that was made of Markdown. It is taken in element by element, and only those that Markdown makes.

const allowed = new Set(["P", "EM", "STRONG", "CODE", "PRE", "UL", "OL", "LI", "A", "H1", "H2", "H3", "H4", "H5", "H6", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "BLOCKQUOTE", "HR", "BR", "DEL", "SUP", "SUB"]);

export function safeHTML(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const out = document.createDocumentFragment();
  for (const child of parsed.body.childNodes) take(child, out);
  return out;
}

function take(node, parent) {
  if (node.nodeType === Node.TEXT_NODE) {
    parent.append(node.textContent);
    return;
  }
  if (node.nodeType !== Node.ELEMENT_NODE || node.tagName === "SCRIPT" || node.tagName === "STYLE") return;
  let to = parent;
  if (allowed.has(node.tagName)) {
    to = document.createElement(headingDown(node.tagName));
    if (node.tagName === "A") link(node, to);
    if (node.classList.contains("trainer")) to.className = "trainer";
    parent.append(to);
  }
  for (const child of node.childNodes) take(child, to);
}

// headingDown puts the text's headings below the page's own.
function headingDown(tag) {
  return /^H[1-6]$/.test(tag) ? "H" + Math.min(6, Number(tag[1]) + 2) : tag;
}

function link(from, to) {
  const href = from.getAttribute("href") || "";
  if (!/^(https?:|#)/i.test(href)) return;
  to.setAttribute("href", href);
  to.setAttribute("rel", "noopener noreferrer");
  to.setAttribute("target", "_blank");
}
