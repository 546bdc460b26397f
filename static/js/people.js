// Choosing many people: the box for all of them, how many are chosen, and acts that need somebody.
(() => {
  "use strict";

  const boxes = () => [...document.querySelectorAll('input[name="agent"]')];

  const show = () => {
    const bar = document.querySelector("[data-selection]");
    if (!bar) return;
    const everyone = bar.querySelector('[name="everyone"]');
    const chosen = boxes().filter((box) => box.checked);
    const all = document.querySelector("[data-all]");
    const words = bar.querySelector("[data-some]");
    words.textContent = chosen.length ? words.dataset.some.replace("{n}", chosen.length) : words.dataset.none;
    bar.classList.toggle("chosen", chosen.length > 0 || Boolean(everyone?.checked));
    all.hidden = false;
    all.checked = chosen.length > 0 && chosen.length === boxes().length;
    all.indeterminate = chosen.length > 0 && !all.checked;
    bar.querySelectorAll("[data-needs-choice]").forEach((button) => { button.disabled = !chosen.length && !everyone?.checked; });
    boxes().forEach((box) => box.closest("tr").classList.toggle("chosen", box.checked));
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) boxes().forEach((box) => { box.checked = event.target.checked; });
    show();
  });
  document.addEventListener("htmx:afterSettle", show);
  // Told after a click inside the page: above it, so that nothing moves under the hand.
  document.addEventListener("htmx:oobAfterSwap", () => document.getElementById("messages")?.classList.add("afloat"));
  window.addEventListener("pageshow", show);
  show();
})();
