// What the portal's pages do beyond plain forms: the focus after a refused form, one submit per click, a word about unsaved changes.
(() => {
  "use strict";

  const focusWanted = (root) => root.querySelector?.("[data-focus]")?.focus();

  // A second click while the first is on its way sends nothing; the page's coming back from history frees the button.
  const once = (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    form.classList.remove("unsaved");
  };
  const free = () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);

  const edited = (event) => event.target.form?.matches("form[data-keep]") && !event.target.matches("[data-runs]") && event.target.form.classList.add("unsaved");
  const leaving = (event) => {
    if (document.querySelector("form.unsaved")) event.preventDefault();
  };

  // "Submit as soon as it is chosen", for selects and switches that have a plain button without this script.
  const chosen = (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  };

  const copy = async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(from ? (from.value ?? from.textContent.trim()) : button.dataset.copy);
    const word = button.querySelector("[data-word]") ?? button;
    const before = word.textContent;
    word.textContent = button.dataset.copied;
    setTimeout(() => { word.textContent = before; }, 2000);
  };

  document.addEventListener("submit", once);
  document.addEventListener("input", edited);
  document.addEventListener("change", chosen);
  document.addEventListener("click", copy);
  window.addEventListener("beforeunload", leaving);
  window.addEventListener("pageshow", free);
  document.addEventListener("htmx:afterSwap", (event) => focusWanted(event.target));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.dataset) delete event.target.dataset.sent;
  });
  focusWanted(document);
})();
