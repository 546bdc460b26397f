// The demo's page for Communicator's developers: every button is a call of host.js, every message that passes is listed.
(() => {
  "use strict";

  const words = document.getElementById("developers").dataset;
  const byId = (id) => document.getElementById(id);
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const MOST = 300;
  const kept = [];
  let crm = null;
  let width = 360;

  function problem(text) {
    byId("problem").textContent = text || "";
    byId("problem").hidden = !text;
  }

  async function post(url, body) {
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

  // -- what passes ---------------------------------------------------------------------------------------------------

  const WAYS = Object.fromEntries([...document.querySelectorAll("[data-way]")].map((box) => [box.dataset.way, box]));
  const TONES = { exchange: "accent", stream: "", sent: "warn", heard: "ok" };

  function part(parent, name, className, text) {
    const element = Object.assign(document.createElement(name), { className, textContent: text });
    parent.append(element);
    return element;
  }

  function clock(seconds) {
    const at = new Date(seconds * 1000);
    return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  }

  function draw(entry) {
    const row = document.createElement("li");
    part(row, "span", "dev-time", clock(entry.at));
    part(row, "span", `tag ${TONES[entry.way]}`, entry.event);
    part(row, "span", "dev-way", WAYS[entry.way].parentElement.firstElementChild.nextSibling.textContent.trim());
    part(row, "code", "", entry.detail);
    row.dataset.at = entry.at;
    row.hidden = !WAYS[entry.way].checked;
    row.dataset.of = entry.way;
    const list = byId("passed");
    list.querySelector(".empty")?.remove();
    list.insertBefore(row, [...list.children].find((other) => Number(other.dataset.at) <= entry.at) || null);
    while (list.children.length > MOST) list.lastElementChild.remove();
  }

  function count() {
    for (const [way, box] of Object.entries(WAYS)) {
      box.parentElement.querySelector(".figures").textContent = kept.filter((entry) => entry.way === way).length;
    }
    const kinds = new Map();
    for (const { event } of kept) kinds.set(event, (kinds.get(event) || 0) + 1);
    byId("kinds").replaceChildren(...[...kinds].map(([kind, times]) => {
      const tag = Object.assign(document.createElement("span"), { className: "tag", textContent: `${kind} × ${times}` });
      return tag;
    }));
  }

  function add(...entries) {
    kept.push(...entries);
    kept.splice(0, kept.length - 1000);
    entries.forEach(draw);
    count();
  }

  const short = (value) => {
    const text = JSON.stringify(value) ?? String(value);
    return text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text;
  };
  function message(way, data) {
    const { type = typeof data, ...rest } = data && typeof data === "object" ? data : { value: data };
    add({ way, at: Date.now() / 1000, event: String(type).slice(0, 60), detail: short(rest) });
  }

  window.addEventListener("message", ({ source, data }) => {
    if (crm && source && source === crm.frame.contentWindow) message("heard", data);
  });

  // -- the frame -----------------------------------------------------------------------------------------------------

  const fact = (name, text) => { byId(`fact-${name}`).textContent = text; };
  const yesNo = (value) => (value ? words.yes : words.no);

  function open(address) {
    crm?.close();
    crm = new IpexWindow(byId("crm-place"), { canDial: byId("can-dial").checked, title: words.windowTitle });
    crm.frame.id = "crm-window";
    crm.resize({ width: width + 2 });
    crm.addEventListener("sent", ({ detail }) => message("sent", detail));
    crm.addEventListener("ready", () => fact("ready", yesNo(crm.isReady)));
    crm.addEventListener("state", ({ detail }) => {
      fact("state", detail.state);
      fact("stream", yesNo(detail.connected));
    });
    crm.addEventListener("height", ({ detail }) => {
      fact("height", `${detail.height} px`);
      if (byId("follow").checked) crm.resize({ height: detail.height + 2 });
    });
    crm.addEventListener("dial", ({ detail }) => post(words.actUrl, { act: "dial", number: detail.number }));
    crm.open(address);
  }

  function close() {
    crm?.close();
    fact("ready", words.no);
    fact("state", "–");
    fact("stream", "–");
  }

  const call = () => ({ uniqueId: byId("call-id").value, direction: byId("call-direction").value, number: byId("call-number").value });
  const acts = {
    ticket: async () => {
      const ticket = await post(words.windowUrl, {});
      if (ticket) open(ticket.url);
    },
    fixed: () => open(words.fixedUrl),
    close,
    call: () => (crm?.frame.isConnected ? crm.call(call()) : problem(words.closed)),
    ring: () => post(words.actUrl, { act: "ring", number: byId("call-number").value }),
    hang_up: () => post(words.actUrl, { act: "hang_up" }),
  };
  for (const button of document.querySelectorAll("[data-do]")) {
    button.addEventListener("click", () => {
      problem("");
      acts[button.dataset.do]();
    });
  }

  const widths = [...document.querySelectorAll("[data-width]")];
  for (const button of widths) {
    button.addEventListener("click", () => {
      width = Number(button.dataset.width);
      crm?.resize({ width: width + 2 });
      for (const other of widths) other.setAttribute("aria-pressed", String(other === button));
    });
  }

  // -- what the window must not mind ---------------------------------------------------------------------------------

  const WRONG = {
    version: () => ({ type: "ipex.call", v: 2, ...call() }),
    types: () => ({ type: "ipex.call", v: 1, uniqueId: { a: 1 }, direction: 5, number: ["777123456"] }),
    huge: () => ({ type: "ipex.call", v: 1, uniqueId: "wrong", direction: "incoming", number: "7".repeat(1_000_000) }),
    text: () => "<img src=x onerror=alert(1)>",
  };
  for (const button of document.querySelectorAll("[data-wrong]")) {
    button.addEventListener("click", () => {
      if (!crm?.frame.isConnected) return problem(words.closed);
      const wrong = WRONG[button.dataset.wrong]();
      crm.frame.contentWindow.postMessage(wrong, new URL(crm.frame.src).origin);
      message("sent", wrong);
    });
  }

  // -- what the server saw -------------------------------------------------------------------------------------------

  let received = 0;
  let told = Number(words.told);
  async function look() {
    try {
      const data = await (await fetch(`${words.eventsUrl}?received=${received}&told=${told}`)).json();
      if (data.received < received) return location.reload(); // the demo was started anew
      [received, told] = [data.received, data.told];
      fact("streams", data.streams);
      if (data.rows.length) add(...data.rows);
      if (byId("problem").textContent === words.lost) problem("");
    } catch {
      problem(words.lost);
    }
  }
  let timer = 0;
  async function keepLooking() {
    clearTimeout(timer);
    if (!document.hidden) await look();
    timer = setTimeout(keepLooking, 500);
  }
  document.addEventListener("visibilitychange", keepLooking);

  for (const box of Object.values(WAYS)) {
    box.addEventListener("change", () => {
      for (const row of byId("passed").children) row.hidden = row.dataset.of in WAYS && !WAYS[row.dataset.of].checked;
    });
  }
  byId("clear").addEventListener("click", () => {
    kept.length = 0;
    byId("passed").replaceChildren();
    count();
  });
  byId("copy").addEventListener("click", async () => {
    const label = byId("copy").querySelector("span");
    const before = label.textContent;
    await navigator.clipboard.writeText(JSON.stringify(kept, null, 2));
    label.textContent = words.copied;
    setTimeout(() => { label.textContent = before; }, 2000);
  });

  fact("version", IpexWindow.version);
  acts.ticket();
  keepLooking();
})();
