// The demo's Communicator: buttons ask this page's own server, which acts as the telephone exchange; the table is polled.
// Its CRM window is made by host.js, as any Communicator's would be.
(() => {
  "use strict";

  const page = document.getElementById("simulator");
  const words = page.dataset;
  const byId = (id) => document.getElementById(id);
  const number = byId("number");
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const kept = [];
  let since = Number(words.since);
  let busyUntil = 0;

  function problem(text) {
    byId("problem").textContent = text || "";
    byId("problem").hidden = !text;
  }

  async function post(url, body) {
    busyUntil = Date.now() + 15000;
    try {
      const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      const data = await answer.json();
      problem(data.error);
      return answer.ok ? data : null;
    } catch {
      problem(words.lost);
      return null;
    }
  }

  // -- the phone ------------------------------------------------------------------------------------------------------

  function showPhone(phone) {
    byId("line-state").textContent = words[phone.state];
    byId("line-tag").className = `tag ${phone.state === "idle" ? "ok" : "accent"}`;
    for (const act of ["answer", "hang_up", "transfer"]) {
      document.querySelector(`[data-act=${act}]`).disabled = !phone[act];
    }
  }

  async function act(body) {
    const data = await post(words.actUrl, body);
    if (data) showPhone(data.phone);
    look();
  }

  for (const key of document.querySelectorAll("[data-key]")) {
    key.addEventListener("click", () => { number.value += key.dataset.key; });
  }
  for (const button of document.querySelectorAll("[data-act]")) {
    button.addEventListener("click", () => act({ act: button.dataset.act, number: number.value, to: byId("transfer-to").value }));
  }
  number.addEventListener("keydown", (event) => {
    if (event.key === "Enter") act({ act: "ring", number: number.value });
  });

  const callers = document.querySelectorAll("[data-caller]");
  for (const caller of callers) {
    caller.addEventListener("click", () => {
      for (const other of callers) other.removeAttribute("aria-current");
      caller.setAttribute("aria-current", "true");
      if (/\d/.test(caller.dataset.number)) number.value = caller.dataset.number;
      act({ act: "caller", caller: caller.dataset.caller });
    });
  }

  // -- Microsoft and the window ---------------------------------------------------------------------------------------

  const press = (buttons, chosen) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
  };

  const modes = [...document.querySelectorAll("[data-mode]")];
  for (const mode of modes) {
    mode.addEventListener("click", async () => {
      if (await post(words.microsoftUrl, { mode: mode.dataset.mode })) press(modes, mode);
    });
  }

  const crm = new IpexWindow(byId("crm-place"), { canDial: true, title: words.windowTitle });
  crm.frame.id = "crm-window";
  crm.frame.className = "w360";
  crm.addEventListener("dial", ({ detail }) => {
    number.value = detail.number;
    act({ act: "dial", number: detail.number });
  });

  const widths = [...document.querySelectorAll("[data-width]")];
  for (const width of widths) {
    width.addEventListener("click", () => {
      crm.frame.className = `w${width.dataset.width}`;
      press(widths, width);
    });
  }

  async function openWindow() {
    const ticket = await post(words.windowUrl, {});
    if (ticket) crm.open(ticket.url);
  }

  // -- what happened --------------------------------------------------------------------------------------------------

  function cell(row, text, className = "") {
    const place = document.createElement("td");
    place.className = className;
    place.textContent = text;
    row.append(place);
    return place;
  }

  function addRow(entry) {
    const row = document.createElement("tr");
    cell(row, entry.time);
    const tag = document.createElement("span");
    tag.className = `tag ${entry.tone}`;
    tag.textContent = entry.event;
    cell(row, "").append(tag);
    cell(row, entry.what);
    cell(row, entry.detail);
    cell(row, entry.milliseconds === null ? "" : `${entry.milliseconds} ms`, "number");
    row.dataset.time = entry.time;
    const rows = byId("rows");
    rows.querySelector(".empty")?.remove();
    const older = [...rows.children].find((other) => other.dataset.time <= entry.time);
    rows.insertBefore(row, older || null);
    while (rows.children.length > 200) rows.lastElementChild.remove();
  }

  function showSummary(summary) {
    if (!summary) return;
    const place = byId("summary");
    const figures = { "{total}": summary[0], "{search}": summary[1] };
    const parts = words.summary.split(/(\{total\}|\{search\})/).map((part) => {
      if (!(part in figures)) return document.createTextNode(part);
      const figure = document.createElement(part === "{total}" ? "strong" : "span");
      figure.textContent = `${figures[part]} ms`;
      return figure;
    });
    if (place.textContent !== parts.map((part) => part.textContent).join("")) place.replaceChildren(...parts);
  }

  let looking = false;
  async function look() {
    if (looking) return;
    looking = true;
    try {
      const data = await (await fetch(`${words.stateUrl}?since=${since}`)).json();
      if (data.last < since) return location.reload(); // the demo was started anew
      showPhone(data.phone);
      showSummary(data.summary);
      press(modes, modes.find((mode) => mode.dataset.mode === data.microsoft));
      for (const entry of data.rows) {
        since = Math.max(since, entry.number);
        kept.push(entry);
        addRow(entry);
      }
      if (data.rows.length || data.phone.state !== "idle") busyUntil = Date.now() + 15000;
      if (byId("problem").textContent === words.lost) problem("");
    } catch {
      problem(words.lost);
    } finally {
      looking = false;
    }
  }

  let timer = 0;
  async function keepLooking() {
    clearTimeout(timer);
    if (!document.hidden) await look();
    timer = setTimeout(keepLooking, Date.now() < busyUntil ? 500 : 2000);
  }
  document.addEventListener("visibilitychange", keepLooking);

  byId("clear").addEventListener("click", () => {
    kept.length = 0;
    byId("rows").replaceChildren();
  });
  byId("copy").addEventListener("click", async () => {
    const label = byId("copy").querySelector("span");
    const before = label.textContent;
    await navigator.clipboard.writeText(JSON.stringify(kept, null, 2));
    label.textContent = words.copied;
    setTimeout(() => { label.textContent = before; }, 2000);
  });

  openWindow();
  keepLooking();
})();
