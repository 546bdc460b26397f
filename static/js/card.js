// The caller card's fields: every change is saved at once, rows are dragged or moved with Alt and an arrow, columns are found while typing.
(() => {
  "use strict";

  const form = document.getElementById("card-form");
  if (!form) return;
  const aside = ["q", "hand_entity", "hand_identifier"];
  const status = () => document.getElementById("card-state");
  const save = () => form.dispatchEvent(new Event("card:changed"));

  form.addEventListener("change", (event) => {
    const name = event.target.name ?? "";
    if (!aside.includes(name) && !name.startsWith("instead_")) save();
  });

  // Order

  const say = (row) => {
    const rows = [...row.parentNode.children];
    const label = row.querySelector(".card-label input").value;
    const words = { label, place: rows.indexOf(row) + 1, all: rows.length };
    let text = document.getElementById("card-said");
    if (!text) {
      text = Object.assign(document.createElement("span"), { id: "card-said", className: "visually-hidden" });
      text.setAttribute("role", "status");
      document.body.append(text);
    }
    text.textContent = row.parentNode.dataset.said.replace(/{(\w+)}/g, (_all, name) => words[name]);
  };

  const step = (event) => {
    const row = event.target.closest?.(".card-rows > .card-row");
    if (!row || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const focused = document.activeElement;
    const beside = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
    if (!beside) return;
    if (event.key === "ArrowUp") beside.before(row); else beside.after(row);
    focused.focus();
    say(row);
    save();
  };

  const drag = (event) => {
    const handle = event.target.closest?.(".card-handle");
    if (!handle || event.button !== 0) return;
    event.preventDefault();
    handle.focus();
    const row = handle.closest(".card-row");
    const list = row.parentNode;
    const before = [...list.children].indexOf(row);
    handle.setPointerCapture(event.pointerId);
    row.classList.add("dragged");
    const over = (move) => {
      const others = [...list.children].filter((each) => each !== row);
      const next = others.find((each) => {
        const box = each.getBoundingClientRect();
        return move.clientY < box.top + box.height / 2;
      });
      if (next === row.nextElementSibling) return;
      list.insertBefore(row, next ?? null);
      handle.setPointerCapture(move.pointerId); // moving it in the page has let it go
    };
    const end = () => {
      row.classList.remove("dragged");
      handle.focus();
      for (const [name, act] of acts) handle.removeEventListener(name, act);
      if ([...list.children].indexOf(row) === before) return;
      say(row);
      save();
    };
    const acts = [["pointermove", over], ["pointerup", end], ["pointercancel", end]];
    for (const [name, act] of acts) handle.addEventListener(name, act);
  };

  form.addEventListener("keydown", step);
  form.addEventListener("pointerdown", drag);

  // Finding a column

  const find = () => document.getElementById("card-find");
  const options = () => [...document.querySelectorAll("#card-found .card-option")];
  const chosen = () => options().find((option) => option.getAttribute("aria-selected") === "true");

  const choose = (option) => {
    for (const each of options()) each.setAttribute("aria-selected", String(each === option));
    if (option) find().setAttribute("aria-activedescendant", option.id);
    else find().removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };

  const opened = () => {
    const input = find();
    if (!input) return;
    for (const option of options()) option.tabIndex = -1;
    input.setAttribute("aria-expanded", String(options().length > 0));
    choose(options().find((option) => !option.disabled));
  };

  const close = () => {
    document.getElementById("card-found")?.replaceChildren();
    opened();
  };

  const keys = (event) => {
    const input = find();
    if (event.target !== input || event.altKey || event.isComposing) return;
    const free = options().filter((option) => !option.disabled);
    const at = free.indexOf(chosen());
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: null, End: null };
    if (event.key === "Enter") {
      event.preventDefault();
      chosen()?.click();
    } else if (event.key === "Escape" && options().length) {
      event.preventDefault();
      close();
    } else if (free.length && Number.isInteger(moves[event.key])) {
      event.preventDefault();
      choose(free[(moves[event.key] + free.length) % free.length]);
    }
  };

  // Enter in another field saves by its change; it must not press "Done".
  const enter = (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("input:not([type=hidden])") || event.target === find()) return;
    event.preventDefault();
    const by = { hand_identifier: "#hand-add" }[event.target.name]
      ?? (event.target.name.startsWith("instead_") ? `[value="instead:${event.target.name.slice(8)}"]` : "");
    if (by) form.querySelector(by)?.click(); else event.target.blur();
  };

  form.addEventListener("keydown", keys);
  form.addEventListener("keydown", enter);
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".card-add")) close();
  });
  // After "Remove" the focus goes to the field that took the place.
  let removed = -1;
  form.addEventListener("click", (event) => {
    const row = event.target.closest(".card-remove")?.closest(".card-row");
    removed = row ? [...row.parentNode.children].indexOf(row) : -1;
  });
  const focusNext = () => {
    if (removed < 0) return;
    const rows = document.querySelectorAll(".card-rows > .card-row");
    (rows[Math.min(removed, rows.length - 1)]?.querySelector(".card-remove") ?? find())?.focus();
    removed = -1;
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (document.activeElement === document.body) focusNext();
    if (event.target.id === "card-found" || event.target.id === "card-fields") opened();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (status()?.querySelector("[data-saved]") && event.detail.successful) form.classList.remove("unsaved");
  });
  document.documentElement.classList.add("card-scripted");
  opened();
})();
