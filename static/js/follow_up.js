// A task after the call: what is typed into its form is saved as it is typed, and keys mean the form while it is open.
(() => {
  "use strict";

  const root = document.getElementById("window");
  if (!root) return;

  const byId = (id) => document.getElementById(id);
  const slot = () => byId("follow-up");
  const form = () => slot()?.querySelector("form");
  const FIELDS = ["subject", "description", "when", "day", "clock"];
  const page = crypto.randomUUID();
  let turn = 0;
  let timer = 0;
  let unsaved = null; // what the server has not taken yet: {url, values}

  // A framed page may be forbidden its storage; then what the server has must do.
  const session = (act) => {
    try {
      return act(sessionStorage);
    } catch {
      return null;
    }
  };
  const keyOf = (values) => `ipex-task-${values.call}`;

  function keep() {
    const data = new FormData(form());
    if (data.has("task")) return; // one that was refused is kept as it is until it is sent again
    const values = Object.fromEntries(["call", "form", ...FIELDS].map((name) => [name, data.get(name) || ""]));
    unsaved = { url: slot().dataset.draftUrl, values };
    session((store) => store.setItem(keyOf(values), JSON.stringify(values)));
    slot().querySelector("[data-plan-discard]").hidden = false;
    clearTimeout(timer);
    timer = setTimeout(send, 600);
  }

  async function send() {
    clearTimeout(timer);
    const sent = unsaved;
    if (!sent) return;
    const body = new URLSearchParams({ ...sent.values, page, turn: String((turn += 1)) });
    const request = { method: "POST", body, headers: { "HX-Request": "true" }, credentials: "same-origin", keepalive: String(body).length < 60000 };
    const answer = await fetch(sent.url, request).catch(() => null);
    if (unsaved !== sent) return;
    if (answer?.ok || answer?.status === 404) saved(sent.values);
    else timer = setTimeout(send, 5000);
  }

  function saved(values) {
    unsaved = null;
    session((store) => store.removeItem(keyOf(values)));
  }

  // What did not reach the server before a reload: the same task, by the same name.
  function restore() {
    const { elements } = form();
    const text = session((store) => store.getItem(keyOf({ call: slot().dataset.planning })));
    if (!text || elements.task || slot().querySelector("[data-plan-mistakes]")) return;
    const typed = JSON.parse(text);
    if ("planBegun" in slot().dataset && typed.form !== elements.form.value) return;
    const offered = [...form().querySelectorAll("[name=when]")].some((radio) => radio.value === typed.when);
    for (const name of ["form", ...FIELDS]) if (name !== "when" || offered) elements[name].value = typed[name];
    keep();
  }

  function opened() {
    restore();
    const mistakes = slot().querySelector("[data-plan-mistakes]");
    const subject = byId("plan-subject");
    (mistakes || subject).focus();
    if (!mistakes && !("planBegun" in slot().dataset) && !unsaved) subject.select();
  }

  async function close() {
    const place = Object.assign(document.createElement("div"), { id: "follow-up" });
    slot().replaceWith(place);
    back();
    await send();
  }

  function back() {
    (root.querySelector('#acts [data-key="T"]') || byId("note-text"))?.focus();
  }

  root.addEventListener("input", (event) => {
    if (form()?.contains(event.target)) keep();
  });
  root.addEventListener("click", (event) => {
    if (event.target.closest("[data-plan-close]")) close();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") send();
  });
  window.addEventListener("pagehide", send);
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target?.id === "dock") send();
  });

  // Heard before window.js hears them: Escape leaves the form, Ctrl+Enter sends it and not the note.
  document.addEventListener("keydown", (event) => {
    if (!form() || document.querySelector(":popover-open")) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form().requestSubmit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });

  document.addEventListener("htmx:afterSettle", () => {
    const place = slot();
    if (place && form() && place.dataset.seen !== "yes") {
      place.dataset.seen = "yes";
      opened();
    } else if (place && "done" in place.dataset) {
      delete place.dataset.done;
      clearTimeout(timer);
      if (unsaved) saved(unsaved.values);
      back();
    }
  });

  // -- what is planned about the record: asked for again once a task of this call is in the CRM ------------------------

  const written = () => root.querySelectorAll("#follow-ups .follow-up.written").length;
  let before = { call: byId("bar").dataset.call, count: written() };

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (!["follow-ups", "dock"].includes(event.detail.target?.id)) return;
    const now = { call: byId("bar").dataset.call, count: written() };
    const more = now.call === before.call && now.count > before.count;
    before = now;
    const list = byId("activities");
    if (!more || !list) return;
    const address = root.dataset.stateUrl.replace(/state\/$/, `calls/${now.call}/activities/`);
    htmx.ajax("GET", address, { target: list, swap: "outerHTML" }).catch(() => {});
  });
})();
