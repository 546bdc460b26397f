// The cockpit renews itself every half minute while somebody can see it, never under the reader's hands.
(() => {
  "use strict";

  const EVERY = 30_000;
  const page = () => document.getElementById("live");
  let renewed = Date.now();

  const isBusy = (live) => {
    const field = live.querySelector("input[type=search]");
    const selection = document.getSelection();
    return (field && (field === document.activeElement || field.value !== field.defaultValue))
      || (selection && !selection.isCollapsed && live.contains(selection.anchorNode));
  };

  const renew = () => {
    const live = page();
    if (!live || document.visibilityState !== "visible" || isBusy(live)) return;
    renewed = Date.now();
    window.htmx.trigger(live, "renew");
  };

  const say = (name) => {
    for (const each of ["renews", "stale"]) {
      const words = page()?.querySelector(`[data-${each}]`);
      if (words) words.hidden = each !== name;
    }
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    // Signed out meanwhile: the answer is another page, and belongs to the whole window
    if (new URL(event.detail.xhr.responseURL).pathname !== location.pathname) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:afterSettle", () => say("renews"));
  document.addEventListener("htmx:sendError", () => say("stale"));
  document.addEventListener("htmx:responseError", () => say("stale"));
  document.addEventListener("visibilitychange", () => {
    if (Date.now() - renewed >= EVERY) renew();
  });
  setInterval(renew, EVERY);
  say("renews");
})();
