// Finding somebody by name: `/` opens it, arrows and Enter choose in the list while the cursor stays in the field, Esc goes
// back. And the menu "More". What is found comes from the server as HTML; htmx asks for it.
(() => {
  "use strict";

  const root = document.getElementById("window");
  if (!root) return;
  const byId = (id) => document.getElementById(id);
  const found = () => [...root.querySelectorAll("#found-list > [role=option]")];
  const chosen = () => found().find((option) => option.getAttribute("aria-selected") === "true");

  function withShortcuts() {
    try {
      return localStorage.getItem("ipex-keys") !== "off";
    } catch {
      return true; // a framed page that may keep nothing
    }
  }

  function select(option) {
    for (const each of found()) each.setAttribute("aria-selected", String(each === option));
    const field = byId("find-name");
    if (option) {
      field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      field?.removeAttribute("aria-activedescendant");
    }
    field?.setAttribute("aria-expanded", String(found().length > 0));
  }

  function empty() {
    const field = byId("find-name");
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    byId("found-list").replaceChildren();
    select(null);
  }

  // -- keys: heard before window.js hears them ------------------------------------------------------------------------

  function inField(event) {
    const options = found();
    const at = options.indexOf(chosen());
    if (event.key === "ArrowDown") select(options[Math.min(at + 1, options.length - 1)]);
    else if (event.key === "ArrowUp") select(options[Math.max(at - 1, 0)]);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) confirm(options);
    else if (event.key === "Escape" && event.target.value) empty();
    else if (event.key === "Escape" && root.querySelector("[data-back]")) back();
    else return false;
    return true;
  }

  // What is listed may still belong to what was typed before.
  function confirm(options) {
    if (byId("found").dataset.old) return;
    const option = chosen() || (options.length === 1 ? options[0] : null);
    if (option) option.click();
    else htmx.trigger("#find-name", "again");
  }

  function back() {
    root.querySelector("[data-back]").click();
  }

  function inMenu(event, menu) {
    const acts = [...menu.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return false;
    const at = acts.indexOf(document.activeElement);
    acts[at < 0 && step < 0 ? acts.length - 1 : (at + step + acts.length) % acts.length].focus();
    return true;
  }

  function open() {
    const field = byId("find-name");
    if (field?.checkVisibility()) field.focus();
    else root.querySelector("[data-find]")?.click();
  }

  function heard(event) {
    if (event.target.id === "find-name") return inField(event);
    const menu = root.querySelector(".menu:popover-open");
    if (menu) return event.key === "Escape" ? (menu.hidePopover(), true) : inMenu(event, menu);
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])")) return false;
    if (event.key === "Escape" && root.querySelector("[data-back]")) return (back(), true);
    if (event.key === "/" && withShortcuts()) return (open(), true);
    return false;
  }

  document.addEventListener("keydown", (event) => {
    if (!heard(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });

  // -- what htmx swaps ------------------------------------------------------------------------------------------------

  document.addEventListener("htmx:afterSettle", () => {
    const panel = root.querySelector("[data-finding]");
    if (panel) {
      delete panel.dataset.finding;
      byId("find-name").focus();
    }
    if (byId("find-name") && !chosen()) select(null);
  });

  root.addEventListener("input", (event) => {
    if (event.target.id !== "find-name") return;
    byId("found").dataset.old = "yes";
    select(null);
  });

  root.addEventListener("click", (event) => {
    const item = event.target.closest(".menu button");
    if (item) item.closest(".menu").hidePopover();
  });

  // Nothing moves under the pointer: what comes for the place of an open menu waits until it closes.
  let fresh = null;
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    if (detail.target.id !== "acts" || !detail.target.querySelector(".menu:popover-open")) return;
    detail.shouldSwap = false;
    fresh = { place: detail.target, html: detail.fragment.firstElementChild.outerHTML };
  });
  root.addEventListener("toggle", ({ target, newState }) => {
    if (!fresh || newState !== "closed" || !target.matches(".menu")) return;
    const { place, html } = fresh;
    fresh = null;
    if (place.isConnected) htmx.swap(place, html, { swapStyle: "outerHTML" });
  }, { capture: true });
})();
