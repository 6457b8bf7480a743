// The page's policy lets no <style> in but those that carry its nonce (CSP level 3, section 2.3.1). xterm.js makes such elements for
// its colours and the size of its cells, and cannot be told of a nonce, so every <style> that is made from here on gets one.
// Styles alone are let in by it: scripts come from the server's files, or by their hash, and in no other way.
// The server puts this script and the terminal before the page's own, if the terminal was there when pxelab was built.
(() => {
  const nonce = document.querySelector('meta[name="style-nonce"]').content;
  const make = document.createElement;
  document.createElement = function (...args) {
    const made = make.apply(this, args);
    if (made instanceof HTMLStyleElement) {
      made.nonce = nonce;
    }
    return made;
  };
})();
