// A task after the call: what is typed into its form outlives a change of calls, and keys mean the form while it is open.
(() => {
  "use strict";

  const root = document.getElementById("window");
  if (!root) return;

  const byId = (id) => document.getElementById(id);
  const slot = () => byId("follow-up");
  const form = () => slot()?.querySelector("form");
  const kept = new Map(); // call → what was typed; it need not outlive this page
  const FIELDS = ["subject", "description", "when", "day", "clock"];

  function keep() {
    const data = new FormData(form());
    if (!data.has("task")) kept.set(data.get("call"), Object.fromEntries(FIELDS.map((name) => [name, data.get(name) || ""])));
  }

  function restore() {
    const typed = kept.get(slot().dataset.planning);
    const { elements } = form();
    if (!typed || elements.task || slot().querySelector("[data-plan-mistakes]")) return;
    const offered = [...form().querySelectorAll("[name=when]")].some((radio) => radio.value === typed.when);
    for (const name of FIELDS) if (name !== "when" || offered) elements[name].value = typed[name];
  }

  function opened() {
    restore();
    const mistakes = slot().querySelector("[data-plan-mistakes]");
    const subject = byId("plan-subject");
    (mistakes || subject).focus();
    if (!mistakes && !kept.has(slot().dataset.planning)) subject.select();
  }

  function close() {
    const place = Object.assign(document.createElement("div"), { id: "follow-up" });
    slot().replaceWith(place);
    back();
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
      kept.delete(byId("bar").dataset.call);
      back();
    }
  });
})();
