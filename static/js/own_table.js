// The key scheme while it is typed: the numbered, marked lines stay in step with the text, and buttons change it in place.
(() => {
  "use strict";

  const MOST_LINES = 600; // of own_table.py: above that the text stands alone
  const BREAK = /\r\n|[\n\r\v\f\x85\u2028\u2029]/;
  const input = document.getElementById("scheme");
  if (!input) return;
  const editor = input.parentElement;
  const list = () => document.getElementById("scheme-lines");
  const said = (item) => item.textContent;

  const plain = (text) => {
    const item = document.createElement("li");
    const inside = document.createElement("span");
    item.className = "scheme-line";
    inside.textContent = text;
    item.append(inside);
    return item;
  };

  // A line keeps its mark for as long as it reads as when it was marked.
  const keepInStep = () => {
    const texts = input.value.split(BREAK);
    editor.classList.toggle("live", texts.length <= MOST_LINES);
    if (texts.length > MOST_LINES) return;
    const known = [...list().children];
    const byText = new Map(known.filter((item) => item.classList.length > 1).map((item) => [said(item), item]));
    const items = texts.map((text, at) => {
      if (known[at] && said(known[at]) === text) return known[at];
      return byText.has(text) ? byText.get(text).cloneNode(true) : plain(text);
    });
    list().replaceChildren(...items);
  };

  const changed = () => input.dispatchEvent(new Event("input", { bubbles: true }));

  const put = (from, to, text) => {
    input.focus();
    input.setSelectionRange(from, to);
    // Only so can it be taken back with Ctrl+Z; where that is refused, without.
    if (!document.execCommand("insertText", false, text)) {
      input.setRangeText(text, from, to, "end");
      changed();
    }
  };

  const startOf = (line) => {
    let at = 0;
    for (const text of input.value.split("\n").slice(0, line - 1)) at += text.length + 1;
    return at;
  };

  const replace = (button) => {
    const [line, ...rest] = button.value.split(":");
    const right = rest.pop() || button.parentElement.querySelector("select")?.value || "";
    const typed = rest.join(":");
    const from = startOf(Number(line));
    const text = input.value.slice(from).split("\n")[0];
    const whole = new RegExp(`(?<![\\p{L}\\p{N}_])${typed.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\p{L}\\p{N}_])`, "u");
    const found = text.search(whole);
    if (found < 0 || !right) return false;
    put(from + found, from + found + typed.length, right);
    return true;
  };

  const insertExample = (button) => {
    const end = input.value.length;
    put(end, end, `${input.value.trim() ? "\n\n" : ""}${button.dataset.example}`);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || button.form !== input.form) return;
    if (button.dataset.example) {
      event.preventDefault();
      insertExample(button);
    } else if (button.name === "replace" && replace(button)) {
      event.preventDefault();
    }
  });
  input.addEventListener("input", keepInStep);
  document.addEventListener("htmx:oobAfterSwap", keepInStep);
  document.addEventListener("htmx:afterSwap", keepInStep);
  window.addEventListener("pageshow", keepInStep);
  keepInStep();
})();
