"use strict";
// Links to a case open it.
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  const details = target && target.closest("details");
  if (details) {
    details.open = true;
    details.scrollIntoView();
  }
}
addEventListener("hashchange", reveal);
document.addEventListener("click", (e) => {
  if (e.target.closest("a[href^='#case-']")) setTimeout(reveal);
});
reveal();
