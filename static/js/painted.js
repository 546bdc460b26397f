// One small report per card: how long it took from the stream's event to the paint, by this browser's clock alone.
(() => {
  "use strict";

  const root = document.getElementById("window");
  const words = root.dataset;
  const ANSWERED = ["one", "many", "unknown"];
  const seen = new Set();
  let heard = null; // the first event that no question for the state has followed yet
  let asked = null; // the one that the question under way follows
  let card = null; // came up after an event and is not painted yet

  root.addEventListener("ipex:heard", ({ detail }) => {
    if (document.visibilityState === "visible") heard ||= { at: performance.now(), pushed: detail };
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") heard = asked = card = null;
  });
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (!detail.pathInfo.requestPath.startsWith(words.stateUrl)) return;
    asked = heard;
    heard = null;
  });
  root.addEventListener("ipex:fresh", () => {
    asked = null;
  });

  function look() {
    const call = document.getElementById("bar").dataset.call;
    if (call && !seen.has(call)) {
      seen.add(call);
      const since = asked || heard; // an answer under way may already know what is heard only now
      const measurable = since && /^\d+$/.test(since.pushed);
      card = measurable ? { call, ...since, fetched: performance.now() - since.at } : null;
    }
    const isOfCall = document.getElementById("body").dataset.body.startsWith(call); // the bar is drawn before the body
    const isThere = card?.call === call && isOfCall && ANSWERED.includes(document.getElementById("matches")?.dataset.matches);
    if (!isThere) return;
    const done = card;
    card = null;
    requestAnimationFrame(() => setTimeout(() => report(done, performance.now() - done.at)));
  }
  for (const name of ["htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, look);
  seen.add(document.getElementById("bar").dataset.call);

  function report({ call, pushed, fetched }, painted) {
    const body = new URLSearchParams({ call, pushed, fetched: Math.round(fetched), painted: Math.round(painted) });
    fetch(words.paintedUrl, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true" } }).catch(() => {});
  }
})();
