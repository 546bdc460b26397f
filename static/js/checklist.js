// A step opens in place: the address follows, and the focus goes to the step's heading.
(() => {
  "use strict";
  let opened = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches?.("[data-step]")) opened = { key: event.target.dataset.step, address: event.target.href };
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!opened) return;
    history.replaceState(null, "", opened.address);
    document.querySelector(`#${CSS.escape(opened.key)} h2`)?.focus({ preventScroll: true });
    opened = null;
  });
})();
