// What is half typed into the card outlives a reload: the search by name, a new record's names, where a number goes. And what
// other windows of the same agent did: whom they chose, and what they hold of the note.
(() => {
  "use strict";

  const root = document.getElementById("window");
  if (!root) return;
  const byId = (id) => document.getElementById(id);
  const bar = () => byId("bar").dataset;
  const card = () => byId("matches");
  const addressOf = (what) => root.dataset.stateUrl.replace(/state\/$/, `calls/${bar().call}/${what}`);
  const show = (address) => htmx.ajax("GET", address, { target: "#matches", swap: "outerHTML" }).catch(() => {});

  // -- half typed: {panel, record, find, create, column} by call, for as long as this tab lives -------------------------

  const keyOf = (call) => `ipex-typed-${call}`;
  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(keyOf(bar().call)) || "{}");
    } catch {
      return {}; // a framed page that may keep nothing
    }
  }

  function write(changes) {
    const kept = Object.fromEntries(Object.entries({ ...read(), ...changes }).filter(([, value]) => value));
    try {
      if (Object.keys(kept).length) sessionStorage.setItem(keyOf(bar().call), JSON.stringify(kept));
      else sessionStorage.removeItem(keyOf(bar().call));
    } catch {
      // nothing can be kept here
    }
  }

  root.addEventListener("input", ({ target }) => {
    if (target.id === "find-name") write({ find: target.value });
    if (target.name === "column" && target.closest(".adding")) write({ column: target.value });
    if (target.closest("#create")) write({ create: Object.fromEntries(new FormData(byId("create"))) });
  });

  // The agent goes back by themselves: they are done with it.
  root.addEventListener("click", ({ target }) => {
    if (target.closest("[data-back]")) write({ panel: "", record: "", find: "", column: "" });
  });

  function restoreFields() {
    const { find, create, column } = read();
    const field = byId("find-name");
    if (find && field && !field.value) {
      field.value = find;
      htmx.trigger(field, "again");
    }
    const form = byId("create");
    for (const [name, value] of Object.entries((form && create) || {})) {
      const input = form.elements[name];
      if (input?.type !== "hidden" && input && !input.value) input.value = value;
    }
    const place = column && card()?.querySelector(`.adding [name=column][value="${CSS.escape(column)}"]`);
    if (place) place.checked = true;
  }

  let reopened = false; // once in the life of this page
  function settled() {
    const place = card();
    if (!place || place.hasAttribute("aria-busy") || place.dataset.kept === "yes") return;
    place.dataset.kept = "yes";
    const { panel, record } = read();
    if (place.dataset.panel) {
      reopened = true;
      write({ panel: place.dataset.panel, record: place.dataset.record || "" });
    } else if (place.dataset.matches === "one") {
      if (!reopened && panel) return reopen(panel, record);
      write({ panel: "", record: "", find: "", create: "", column: "" });
    } else if (!reopened && panel && place.dataset.matches) {
      return reopen(panel, record);
    }
    restoreFields();
  }

  function reopen(panel, record) {
    reopened = true;
    show(panel === "number" && record ? addressOf(`number/?${new URLSearchParams({ record })}`) : addressOf(`find/${panel === "add" ? "?add=1" : ""}`));
  }

  document.addEventListener("htmx:afterSettle", settled);

  // -- another window of this agent chose somebody ----------------------------------------------------------------------

  let before = { call: bar().call, about: bar().about };
  const inUse = (place) => place.dataset.panel || (place.contains(document.activeElement) && document.activeElement.matches("input"));

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target?.id !== "bar") return;
    const now = { call: bar().call, about: bar().about };
    const news = now.call && now.call === before.call && now.about !== before.about;
    before = now;
    const place = card();
    if (news && place?.dataset.matches && place.dataset.about !== now.about && !inUse(place)) show(addressOf("matches/"));
  });

  // -- what another window holds of the note ----------------------------------------------------------------------------

  root.addEventListener("click", ({ target }) => {
    const text = target.closest("[data-aside-add]")?.closest("[data-aside]").querySelector(".aside-text").textContent;
    if (text) root.dispatchEvent(new CustomEvent("ipex:add", { detail: text }));
  });

  settled();
})();
