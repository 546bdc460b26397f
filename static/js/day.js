// The list of the day over the card, and the sheet with the window's settings and keys. The card stays underneath as it is,
// with what is being typed; a card opened from the list goes back to it with Esc. Rows come from the server as HTML.
(() => {
  "use strict";

  const root = document.getElementById("window");
  if (!root) return;
  const words = root.dataset;
  const byId = (id) => document.getElementById(id);
  const list = () => byId("day");
  const isOpen = () => !list().hidden;
  const shown = () => byId("bar").dataset.call || "";
  const sheet = byId("sheet");

  let opened = ""; // the call whose card was opened from the list
  let before = null; // what the window showed before that; "" between calls
  let beneath = ""; // the call under the open list
  let scrolled = null; // how far the list had been scrolled before it was drawn anew
  let chosen = ""; // the filter the list had

  function withShortcuts() {
    try {
      return localStorage.getItem("ipex-keys") !== "off";
    } catch {
      return true; // a framed page that may keep nothing
    }
  }

  // Asked for here and not by hx-get, whose handlers a bar drawn anew gets a moment later than its keys.
  function open(filter) {
    const query = new URLSearchParams({ filter: filter || chosen, shown: shown() });
    htmx.ajax("GET", `${words.dayUrl}?${query}`, { target: "#day", swap: "outerHTML" }).catch(() => {});
  }

  function close() {
    chosen = list().querySelector(".chip[aria-pressed=true]")?.id.slice(4) || "";
    list().replaceWith(Object.assign(document.createElement("div"), { id: "day", hidden: true }));
  }

  // Back to what was there before a card was opened from the list.
  function back() {
    close();
    if (before !== null && shown() === opened) {
      if (before) {
        const address = words.stateUrl.replace(/state\/$/, `calls/${before}/`);
        htmx.ajax("GET", address, { target: "#window", swap: "none" }).catch(() => {});
      } else {
        byId("bar").dataset.call = "";
        root.dispatchEvent(new Event("ipex:refresh"));
      }
    }
    [opened, before, chosen] = ["", null, ""];
    root.querySelector('#bar [data-key="D"]')?.focus();
  }

  function settings() {
    sheet.showPopover();
    htmx.ajax("GET", words.settingsUrl, { target: "#sheet", swap: "innerHTML" }).catch(() => {});
  }

  // -- keys: heard before window.js hears them -----------------------------------------------------------------------

  const rows = () => [...list().querySelectorAll("[data-day-open]")];

  function move(step) {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    next?.focus();
    next?.closest("li").scrollIntoView({ block: "nearest" });
  }

  function inList(event) {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Escape") back();
    else if (event.key.toUpperCase() === "D" && withShortcuts()) back();
    else return false;
    return true;
  }

  function heard(event) {
    if (sheet.matches(":popover-open")) {
      if (event.key === "Escape") return (sheet.hidePopover(), true);
      event.stopPropagation(); // arrows choose in the sheet, not on the card underneath
      return false;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])")) return false;
    if (event.key === "?" && withShortcuts()) return (settings(), true);
    if (isOpen()) return inList(event);
    const planning = root.querySelector(".plan"); // its own Esc comes first
    if (event.key === "Escape" && opened && shown() === opened && !planning) return (open(), true);
    return false;
  }

  document.addEventListener("keydown", (event) => {
    if (!heard(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });

  root.addEventListener("click", (event) => {
    const target = event.target.closest("[data-day], [data-day-back], [data-settings]");
    if (!target) return;
    if ("day" in target.dataset) open(target.dataset.day);
    if ("dayBack" in target.dataset) back();
    if ("settings" in target.dataset) settings();
  });

  // -- what htmx asks and swaps --------------------------------------------------------------------------------------

  root.addEventListener("htmx:beforeRequest", (event) => {
    const row = event.target.closest?.("[data-day-open]");
    if (!row) return;
    before ??= shown();
    opened = row.dataset.dayOpen;
  });

  root.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.closest?.("[data-day-open]") && event.detail.successful) close();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "day") scrolled = isOpen() ? list().querySelector(".day-list").scrollTop : null;
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.elt?.id === "sheet") sheet.querySelector("input:checked")?.focus();
    if (event.detail.elt?.id !== "day" || !isOpen()) return;
    beneath = shown();
    if (scrolled !== null) {
      list().querySelector(".day-list").scrollTop = scrolled;
      return;
    }
    const last = opened && list().querySelector(`[data-day-open="${CSS.escape(opened)}"]`);
    (last || list().querySelector(".now") || rows()[0] || byId("day-title")).focus();
  });

  // A call that comes up takes the list's place; one that waits is in the strip above it.
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target?.id !== "bar") return;
    if (shown() !== opened) [opened, before] = ["", null];
    const state = byId("bar").dataset.callState;
    if (isOpen() && shown() !== beneath && ["ringing", "answered"].includes(state)) close();
  });

  root.addEventListener("ipex:fresh", () => {
    if (isOpen()) htmx.trigger(list(), "fresh");
  });
})();
