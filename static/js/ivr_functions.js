// The page of an IVR function: a name suggested from the title, Enter in the simulator runs it.
(() => {
  "use strict";

  const suggested = (title) =>
    title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60).replace(/_+$/, "");

  // Until somebody gives it a name of its own; the name of a stored function stays.
  let last = "";
  const suggest = (event) => {
    const name = document.getElementById(event.target.dataset.suggests ?? "");
    if (!name || document.querySelector("#function-form [name='function']") || (name.value && name.value !== last)) return;
    name.value = last = suggested(event.target.value);
  };

  const run = (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-runs]")) return;
    event.preventDefault();
    document.getElementById("try-run").click();
  };

  // What was typed while the answer was on its way stays.
  let typing = null;
  const remember = () => {
    const field = document.activeElement;
    typing = field?.matches("#parts input[type='text'], #parts input:not([type])") ? { id: field.id, value: field.value } : null;
  };
  const restore = () => {
    const field = typing && document.getElementById(typing.id);
    if (field) field.value = typing.value;
    typing = null;
  };

  const form = document.getElementById("function-form");
  if (form && "unsaved" in form.dataset) form.classList.add("unsaved");
  document.addEventListener("input", suggest);
  document.addEventListener("keydown", run);
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:afterSwap", restore);
})();
