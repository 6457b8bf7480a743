// The page's policy lets no <style> in but those that carry its nonce (CSP level 3, section 2.3.1). xterm.js makes such elements for
// its colours and the size of its cells, and cannot be told of a nonce, so every <style> that is made from here on gets one.
// Styles alone are let in by it: scripts come from the server's files, or by their hash, and in no other way.
export function letStylesIn() {
  const nonce = document.querySelector('meta[name="style-nonce"]')?.content;
  if (!nonce || Object.hasOwn(document, "createElement")) {
    return;
  }
  document.createElement = function (name, ...rest) {
    const made = Document.prototype.createElement.call(this, name, ...rest);
    if (made instanceof HTMLStyleElement) {
      made.nonce = nonce;
    }
    return made;
  };
}
