// xterm.js writes its few rules of style into <style> elements, which the page's security policy does not let in, not even empty ones.
// Once quietStyles was called, whoever makes a style element gets something that is none, whose text goes into a constructed style
// sheet: that the policy allows, as only script that it trusts can make one.

export function quietStyles() {
  const make = Document.prototype.createElement;
  if (document.createElement !== make) return; // done before
  document.createElement = (tag, options) => (String(tag).toLowerCase() === "style" ? sheetHolder(make.call(document, "template")) : make.call(document, tag, options));
}

function sheetHolder(holder) {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  const property = { get: () => "", set: (text) => sheet.replaceSync(text) };
  Object.defineProperty(holder, "textContent", property);
  Object.defineProperty(holder, "innerText", property);
  holder.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== sheet);
    Element.prototype.remove.call(holder);
  };
  return holder;
}
