// The CRM window's behaviour. What it shows comes from the server as HTML; here live the stream, the note's auto-save,
// timers, keys, tabs and pop-ups. Nothing here ever puts text into a field that has focus.
(() => {
  "use strict";

  const root = document.getElementById("window");
  if (!root) return;

  // A framed page whose browser blocks third-party data may not even mention its storage; then memory has to do.
  function storage(name) {
    try {
      return window[name];
    } catch {
      const kept = new Map();
      return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
    }
  }
  const session = storage("sessionStorage");
  const local = storage("localStorage");

  const words = root.dataset;
  const byId = (id) => document.getElementById(id);
  const shown = () => byId("bar")?.dataset.call || "";
  const elapsed = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const two = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  };

  // -- what a screen reader hears, and the line at the bottom ---------------------------------------------------------

  const said = new Set();
  function say(text) {
    const announcer = byId("announcer");
    if (announcer && text) announcer.textContent = text;
  }

  function sayNews() {
    const call = shown();
    for (const element of root.querySelectorAll("[data-announce]")) {
      const text = element.dataset.announce.trim().replace(/\s+/g, " ");
      const key = `${element.dataset.call || call} ${text}`;
      if (!said.has(key)) {
        said.add(key);
        say(text);
      }
    }
  }

  let lineTimer = 0;
  function line(text, milliseconds = 0) {
    const place = byId("connection");
    clearTimeout(lineTimer);
    place.textContent = text;
    place.hidden = !text;
    if (milliseconds) lineTimer = setTimeout(() => line(""), milliseconds);
  }

  // -- the state: fetched on every event and on every (re)connect ----------------------------------------------------

  let fetching = false;
  let again = false;
  let kept = ""; // an ended call whose card the agent opened: it stays until a new one comes up
  async function refresh() {
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    const query = new URLSearchParams({
      shown: shown(), body: byId("body")?.dataset.body || "", strip: byId("strip")?.dataset.strip || "",
      note: form()?.dataset.seen || "",
    });
    const field = byId("note-text");
    if ((field?.value && document.activeElement === field) || root.querySelector(".plan")) query.set("busy", "1");
    if (isTyping() || root.querySelector(".plan")) query.set("typing", "1");
    if (kept && kept === shown()) query.set("kept", "1");
    try {
      await ask("GET", `${words.stateUrl}?${query}`, { target: "#window", swap: "none" });
    } catch {
      // failed() has said so and tries again
    } finally {
      fetching = false;
      root.dispatchEvent(new Event("ipex:fresh"));
      if (again) {
        again = false;
        refresh();
      }
    }
  }

  // Of the requests that wait at one element htmx keeps the last only: what must not be dropped has an element of its own.
  function ask(verb, url, context) {
    const source = document.createElement("i");
    source.hidden = true;
    document.body.append(source);
    return htmx.ajax(verb, url, { ...context, source }).finally(() => source.remove());
  }

  root.addEventListener("ipex:refresh", refresh);
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    kept = detail.pathInfo.requestPath.match(/\/calls\/([0-9a-f-]{36})\/$/)?.[1] || kept;
  });

  // A card being closed is no longer what is shown, whatever hears of it first: the answer or the stream.
  root.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches?.("button.bar-button")) byId("bar").dataset.call = "";
  });

  let stream = null;
  let awayTimer = 0;
  let retryIn = 2000;
  function listen() {
    stream = new EventSource(words.streamUrl);
    stream.addEventListener("open", () => {
      clearTimeout(awayTimer);
      awayTimer = 0;
      retryIn = 2000;
      words.stream = "open";
      if (byId("connection").textContent === words.wordLost) line("");
      refresh();
    });
    stream.addEventListener("state", ({ data }) => {
      root.dispatchEvent(new CustomEvent("ipex:heard", { detail: data }));
      refresh();
    });
    stream.addEventListener("note", ({ data }) => {
      if (!page.startsWith(data)) refresh(); // of our own saves we know
    });
    stream.addEventListener("found", ({ data }) => {
      if (!showsWhoCalls(data)) refresh(); // the card has come by its own request
    });
    stream.addEventListener("revoked", () => {
      stream.close();
      keepUnsaved();
      location.reload();
    });
    stream.addEventListener("error", () => {
      awayTimer ||= setTimeout(() => {
        words.stream = "lost";
        line(words.wordLost);
      }, 3000);
      if (stream.readyState === EventSource.CLOSED) {
        setTimeout(listen, retryIn);
        retryIn = Math.min(retryIn * 2, 30000);
      }
    });
  }

  const showsWhoCalls = (call) => shown().startsWith(call) && !byId("looking-on") && ["one", "many", "unknown"].includes(byId("matches")?.dataset.matches);

  // The answer brings its parts to their places; failed() says when there is none.
  const post = (url, values) => ask("POST", url, { target: "#window", swap: "none", values }).catch(() => {});

  // -- calls that come with the address or from the page around us ---------------------------------------------------

  function openCall(number, direction, uniqueId) {
    post(words.openUrl, {
      number: number || "", direction: direction || "incoming", unique_id: uniqueId || "", shown: shown(),
    });
  }

  function openFromAddress() {
    const query = new URLSearchParams(location.search);
    if (!query.has("number") && !query.has("unique_id")) return;
    history.replaceState(null, "", location.pathname);
    if (words.live === "yes") {
      openCall(query.get("number"), query.get("direction"), query.get("unique_id"));
    } else {
      session.setItem("ipex-open", query.toString());
    }
  }

  function openRemembered() {
    const kept = words.live === "yes" && session.getItem("ipex-open");
    if (!kept) return;
    session.removeItem("ipex-open");
    const query = new URLSearchParams(kept);
    openCall(query.get("number"), query.get("direction"), query.get("unique_id"));
  }

  // From embedded.js, which listens to the page around us.
  root.addEventListener("ipex:call", ({ detail }) => openCall(detail.number, detail.direction, detail.uniqueId));
  root.addEventListener("ipex:say", ({ detail }) => line(detail, 4000));

  // -- the note ------------------------------------------------------------------------------------------------------

  let saveTimer = 0;
  let saving = null; // the request under way
  let retryTimer = 0;
  let retryAfter = 2000;
  let dirty = false;
  let dirtySince = 0;
  let lastKey = -Infinity;
  const changed = new Set(); // "text", "outcome": what of it was changed here since the last save
  const page = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
  let turn = 0; // counts this page's saves, so that one which is overtaken on its way does no harm

  const form = () => byId("note");
  const callOf = (note) => note.elements.call.value; // FormData would lay the page out first
  const keptKey = (call) => `ipex-note-${call}`;

  function keepUnsaved() {
    const note = form();
    if (!note || !dirty) return;
    const data = new FormData(note);
    const kept = { text: data.get("text"), outcome: data.get("outcome") || data.get("other_outcome") || "", seen: note.dataset.seen };
    session.setItem(keptKey(callOf(note)), JSON.stringify(kept));
  }

  function noteState(text, status) {
    const place = byId("note-state");
    if (!place) return;
    const line = Object.assign(document.createElement("p"), { className: "note-line", textContent: text });
    if (status === "refused") line.setAttribute("role", "alert");
    place.className = `note-state ${status}`;
    place.dataset.status = status;
    place.querySelector(".note-line")?.remove();
    place.prepend(line);
  }

  // Saved when the agent pauses, and every two seconds while they do not.
  const LONGEST_UNSAVED = 2000;
  function touched(delay, part) {
    const now = performance.now();
    if (!dirty) dirtySince = now;
    dirty = true;
    changed.add(part);
    keepUnsaved();
    markUse();
    clearTimeout(saveTimer);
    saveTimer = setTimeout(() => save(), Math.max(0, Math.min(delay, dirtySince + LONGEST_UNSAVED - now)));
  }

  const isTyping = () => dirty || Boolean(saving) || (document.activeElement?.id === "note-text" && performance.now() - lastKey < 3000);

  // What another window of this agent made of the note comes into the field, unless they are typing here right now.
  let takeOverTimer = 0;
  function takeOver() {
    const place = byId("note-state");
    const now = place?.querySelector("template[data-now]");
    clearTimeout(takeOverTimer);
    if (!now || dirty || saving) return;
    if (isTyping()) {
      takeOverTimer = setTimeout(takeOver, 1000);
      return;
    }
    if (Number(place.dataset.revision) < Number(form().dataset.seen)) return; // it was overtaken by a save of ours
    const field = byId("note-text");
    const text = now.content.textContent;
    const editable = place.dataset.editable === "yes";
    if (field.value !== text && (editable || text)) {
      const at = [field.selectionStart, field.selectionEnd];
      field.value = text;
      if (document.activeElement === field) field.setSelectionRange(...at);
    }
    field.readOnly = !editable;
    const outcomes = form().querySelector(".outcomes");
    if (outcomes) outcomes.disabled = !editable;
    showOutcome(place.dataset.outcome);
    form().dataset.seen = place.dataset.revision;
    now.remove();
    markUse();
  }

  function showOutcome(outcome) {
    for (const radio of form().querySelectorAll("[name=outcome]")) radio.checked = radio.value === outcome;
    const list = form().elements.other_outcome;
    if (list) list.value = [...list.options].some((option) => option.value === outcome) ? outcome : "";
  }

  const MOST_KEPT_ALIVE = 60000; // a browser finishes a request after the page is gone only if it is smaller than 64 kB

  // One save at a time; what was typed meanwhile goes with the next one.
  async function save({ send = false, leaving = false } = {}) {
    const note = form();
    clearTimeout(saveTimer);
    clearTimeout(retryTimer);
    if (!note || (!dirty && !send)) return;
    if (saving && !leaving) {
      await saving;
      if (form() !== note || (!dirty && !send)) return;
    }
    const data = new URLSearchParams(new FormData(note));
    data.set("page", page);
    data.set("turn", String((turn += 1)));
    data.set("seen", note.dataset.seen);
    data.set("touched", [...changed].join(" "));
    const parts = [...changed];
    changed.clear();
    const url = send ? note.dataset.sendUrl : note.dataset.saveUrl;
    dirty = false;
    if (!leaving) noteState(words.wordSaving, "saving");
    const request = fetch(url, {
      method: "POST", body: data, keepalive: String(data).length < MOST_KEPT_ALIVE, headers: { "HX-Request": "true" }, credentials: "same-origin",
    }).then(async (answer) => ({ answer, html: await answer.text() }), () => null);
    saving = request;
    const result = await request;
    if (saving === request) saving = null;
    arrived(result, data, note, send, parts);
  }

  function arrived(result, data, note, send, parts) {
    const here = form() === note;
    const status = result?.answer.status || 0;
    if (status === 200 || status === 422) {
      retryAfter = 2000;
      const key = keptKey(data.get("call"));
      if (JSON.parse(session.getItem(key) || "{}").text === data.get("text") && !(here && dirty)) session.removeItem(key);
      const revision = result.answer.headers.get("Note-Revision"); // absent when the note says something else than we sent
      if (here && revision) note.dataset.seen = revision;
      if (here && !dirty) {
        htmx.swap("#note-state", result.html, { swapStyle: "outerHTML" });
        takeOver();
      }
      return;
    }
    if (!here) {
      retryElsewhere(note, data, send);
      return;
    }
    dirty = true;
    for (const part of parts) changed.add(part);
    keepUnsaved();
    if (status === 401) {
      location.reload();
      return;
    }
    noteState(words.wordUnsaved, "refused");
    retryTimer = setTimeout(() => save({ send }), retryAfter);
    retryAfter = Math.min(retryAfter * 2, 30000);
  }

  // The card has gone, the text has not been taken yet: keep trying for its own call.
  function retryElsewhere(note, data, send) {
    const url = send ? note.dataset.sendUrl : note.dataset.saveUrl;
    setTimeout(async () => {
      const answer = await fetch(url, { method: "POST", body: data, headers: { "HX-Request": "true" } }).catch(() => null);
      if (answer?.ok || answer?.status === 422) session.removeItem(keptKey(data.get("call")));
      else if (answer?.status !== 401 && answer?.status !== 404) retryElsewhere(note, data, send);
    }, 5000);
  }

  // Only what needs to be known: it waits, or it was refused (that one is an alert by itself).
  let saidStatus = "";
  function sayNoteState() {
    const place = byId("note-state");
    const status = place?.classList.contains("troubled") ? place.dataset.status : "";
    if (status === "queued" && saidStatus !== status) say(place.textContent.trim().replace(/\s+/g, " "));
    saidStatus = status;
  }

  // Both count UTF-16 code units, so the end of the text is what is too much.
  function markSurplus(surplus) {
    const field = byId("note-text");
    field.focus();
    field.setSelectionRange(field.value.length - surplus, field.value.length);
  }

  // The agent asked for another text in the field: the whole dock is drawn anew.
  async function settleNote(url, values) {
    await save();
    const call = callOf(form());
    post(url, { call, ...values });
  }

  // What was typed before the page or the session went away comes back, unless the field is being used.
  function restoreUnsaved() {
    const note = form();
    const field = byId("note-text");
    const kept = note && session.getItem(keptKey(callOf(note)));
    if (!kept || dirty || saving || document.activeElement === field) return;
    const { text, outcome, seen } = JSON.parse(kept);
    const unchanged = !seen || seen === note.dataset.seen; // else another window went on with it
    const parts = [];
    if (text !== field.value && (unchanged || !field.value.includes(text.trim()))) parts.push("text");
    if (unchanged && outcome !== byId("note-state").dataset.outcome) parts.push("outcome");
    session.removeItem(keptKey(callOf(note)));
    if (!parts.length) return;
    if (seen) note.dataset.seen = seen;
    if (parts.includes("text")) field.value = text;
    if (parts.includes("outcome")) showOutcome(outcome);
    for (const part of parts) touched(0, part);
  }

  function markUse() {
    byId("dock")?.classList.toggle("in-use", Boolean(byId("note-text")?.value));
  }

  document.addEventListener("input", (event) => {
    if (event.target.id === "note-text") {
      lastKey = performance.now();
      touched(600, "text");
    }
    if (event.target.matches("[data-code]")) drawCode(event.target, true);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.id === "note-text") save();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") save({ leaving: true });
    else if (words.live === "yes") refresh();
  });
  window.addEventListener("pagehide", () => save({ leaving: true }));
  // Only while something could not be saved: then the browser asks whether to leave.
  window.addEventListener("beforeunload", (event) => {
    if (dirty && byId("note-state")?.dataset.status === "refused") event.preventDefault();
  });

  // From kept.js: the text that another window held goes below this one.
  root.addEventListener("ipex:add", ({ detail }) => {
    const field = byId("note-text");
    field.value = [field.value.trimEnd(), detail].filter(Boolean).join("\n");
    field.focus();
    lastKey = performance.now();
    touched(0, "text");
  });

  // -- what htmx swaps -----------------------------------------------------------------------------------------------

  // An answer about a call that the agent has left meanwhile must not bring it back.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, pathInfo } = event.detail;
    const path = requestConfig?.path || pathInfo?.requestPath || "";
    if (!path.startsWith(`${words.stateUrl}?`)) return;
    if (new URLSearchParams(path.split("?")[1]).get("shown") === shown()) return;
    event.detail.shouldSwap = false;
    again = true;
  });

  // What the agent asked for comes even if the card has been drawn anew while the answer was on its way.
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.target?.id !== "matches" || !["click", "submit"].includes(detail.requestConfig.triggeringEvent?.type)) return;
    const call = shown();
    detail.xhr.addEventListener("readystatechange", () => {
      if (!detail.target.isConnected && shown() === call) detail.target = byId("matches") || detail.target;
    });
  });

  let stateBefore = "";
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const id = event.detail.target?.id;
    if (id === "note-state" && (dirty || saving)) event.detail.shouldSwap = false;
    if (id === "dock") {
      save({ leaving: true }); // at once: the field goes
      dirty = false;
      changed.clear();
    }
    if (id === "bar") stateBefore = `${shown()} ${byId("bar").dataset.callState}`;
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target?.id === "bar") {
      pickedUp();
      if (["ringing", "answered"].includes(byId("bar").dataset.callState)) kept = "";
    }
    if (event.detail.target?.id === "note-state") takeOver();
    settled();
  });
  document.addEventListener("htmx:afterSettle", () => settled());

  function settled() {
    markUse();
    restoreUnsaved();
    confirmWords();
    sayNews();
    shortcutBox();
    sayNoteState();
    const code = root.querySelector("[data-code]");
    if (code && !code.dataset.drawn) {
      code.dataset.drawn = "yes";
      if (idle()) code.focus();
      drawCode(code, false);
    }
    const matches = root.querySelector("#matches[data-focus]");
    if (matches) {
      delete matches.dataset.focus;
      if (document.activeElement?.id !== "note-text") (matches.querySelector(".notice.bad .banner-title") || matches.querySelector("h2"))?.focus();
    }
    const done = root.querySelector("#sign-in[data-done]");
    if (done) {
      delete done.dataset.done;
      if (words.live === "yes") refresh();
      else location.reload();
    }
    if (root.querySelector('.strip[data-call-state="elsewhere"]')) {
      clearTimeout(settled.later);
      settled.later = setTimeout(refresh, 3200);
    }
  }

  // After pick-up the cursor goes to the note, but only if it was nowhere and this window has the keyboard.
  function pickedUp() {
    const answered = `${shown()} answered` === `${shown()} ${byId("bar").dataset.callState}`;
    if (answered && stateBefore === `${shown()} ringing` && idle() && document.hasFocus()) byId("note-text")?.focus();
  }

  const idle = () => !document.activeElement || document.activeElement === document.body;

  document.addEventListener("htmx:afterOnLoad", () => {
    if (!awayTimer && byId("connection").textContent === words.wordLost) line("");
  });
  document.addEventListener("htmx:responseError", (event) => failed(event.detail));
  document.addEventListener("htmx:sendError", (event) => failed(event.detail));
  document.addEventListener("htmx:timeout", (event) => failed(event.detail));
  function failed({ elt, xhr, requestConfig }) {
    if (xhr?.status === 401) {
      keepUnsaved();
      location.reload();
    } else if (requestConfig?.verb === "get" && (!xhr?.status || xhr.status >= 500)) {
      line(words.wordLost);
      setTimeout(() => elt === root || elt === document.body ? refresh() : elt.isConnected && htmx.trigger(elt, "retry"), 3000);
    } else if (requestConfig?.verb !== "get") {
      const plain = xhr?.getResponseHeader("Content-Type")?.startsWith("text/plain");
      line((plain && xhr.responseText) || words.wordFailed, 8000);
    }
  }

  // -- clicks --------------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-popup], [data-opens], [data-copy], [data-more], [data-send], [data-surplus], [data-keep], [data-load]");
    if (!target || target.getAttribute("aria-disabled") === "true") return;
    if ("popup" in target.dataset) openSignIn(event, target);
    if ("opens" in target.dataset && !window.open(target.dataset.opens, "ipexcrm")) line(words.wordBlocked, 10000);
    if ("copy" in target.dataset) copy(target.dataset.copy);
    if ("more" in target.dataset) {
      const open = target.previousElementSibling.classList.toggle("open");
      target.setAttribute("aria-expanded", String(open));
    }
    if ("send" in target.dataset) save({ send: true });
    if ("surplus" in target.dataset) markSurplus(Number(target.dataset.surplus));
    if ("keep" in target.dataset) settleNote(form().dataset.keepUrl, { keep: target.dataset.keep });
    if ("load" in target.dataset) settleNote(form().dataset.loadUrl, {});
  }, { capture: true });

  // A form that no one sends through htmx never leaves the page.
  document.addEventListener("submit", (event) => {
    if (!event.target.hasAttribute("hx-post")) event.preventDefault();
  });

  function openSignIn(event, link) {
    const popup = window.open(link.href, "ipexsignin", "popup,width=520,height=720");
    if (!popup && window.top === window) { // an application that opens no other window: here, and back
      session.setItem("ipex-back", location.pathname);
      link.target = "_self";
      return;
    }
    if (popup) event.preventDefault();
    const waiting = root.querySelector("[data-opened]");
    if (waiting) htmx.trigger(waiting, "opened");
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
      const before = document.activeElement;
      document.body.append(field);
      field.select();
      document.execCommand("copy"); // what is left where the page around us forbids the clipboard
      field.remove();
      before?.focus?.();
    }
    line(words.wordCopied, 2000);
  }

  // -- choosing among several ----------------------------------------------------------------------------------------

  const options = () => [...root.querySelectorAll('#options input[type="radio"]')];

  function confirmWords() {
    const chosen = options().find((radio) => radio.checked);
    const button = byId("confirm");
    if (chosen && button && button.textContent !== chosen.dataset.confirm) button.textContent = chosen.dataset.confirm;
  }

  function pick(radio, confirm) {
    radio.checked = true;
    radio.closest(".option").scrollIntoView({ block: "nearest" });
    confirmWords();
    if (confirm) byId("confirm")?.click();
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("#options input")) confirmWords();
    if (event.target.name === "outcome" || event.target.name === "other_outcome") choseOutcome(event.target);
    if (event.target.matches("[data-shortcuts]")) local.setItem("ipex-keys", event.target.checked ? "on" : "off");
  });
  // Chips and list are one choice; a chip clicked twice takes it back.
  let chip = null;
  function choseOutcome(element) {
    const list = form().elements.other_outcome;
    if (element === list) for (const radio of form().querySelectorAll("[name=outcome]")) radio.checked = radio.checked && !list.value;
    else if (list) list.value = "";
    touched(0, "outcome");
  }
  document.addEventListener("pointerdown", (event) => {
    chip = event.target.closest(".outcomes .chip")?.querySelector("input:checked") || null;
  });
  document.addEventListener("click", (event) => {
    if (!chip || event.target !== chip) return;
    chip.checked = false;
    chip = null;
    touched(0, "outcome");
  });
  document.addEventListener("dblclick", (event) => {
    if (event.target.closest(".option")) byId("confirm")?.click();
  });

  // -- keys ----------------------------------------------------------------------------------------------------------

  const shortcuts = () => local.getItem("ipex-keys") !== "off";
  function shortcutBox() {
    const box = root.querySelector("[data-shortcuts]");
    if (box) box.checked = shortcuts();
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form()) {
      event.preventDefault();
      save({ send: true });
    } else if (event.altKey && /^Digit[1-9]$/.test(event.code)) {
      act(`Alt+${event.code.at(-1)}`, event);
    } else if (typing && event.key === "Escape") {
      event.target.blur();
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      plainKey(event);
    }
  });

  function plainKey(event) {
    const radios = options();
    const onButton = event.target.matches("button, a, summary");
    if (radios.length && ["ArrowDown", "ArrowUp"].includes(event.key) && !event.target.matches("[name=outcome]")) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      const at = radios.findIndex((radio) => radio.checked);
      event.preventDefault();
      pick(radios[(at + step + radios.length) % radios.length], false);
    } else if (radios.length && event.key === "Enter" && !onButton) {
      event.preventDefault();
      byId("confirm")?.click();
    } else if (event.key === "Escape") {
      act("Escape", event);
    } else if (shortcuts() && event.key.length === 1 && /^[\p{L}1-9]$/u.test(event.key)) {
      act(event.key.toUpperCase(), event);
    }
  }

  function act(key, event) {
    const element = root.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!element?.checkVisibility({ visibilityProperty: true })) return;
    event.preventDefault();
    if (element.matches('[type="radio"]')) pick(element, true);
    else if (element.matches("textarea")) element.focus();
    else element.click();
  }

  // -- the six digits ------------------------------------------------------------------------------------------------

  function drawCode(input, typed) {
    const digits = input.value.replace(/\D/g, "").slice(0, 6);
    if (input.value !== digits) input.value = digits;
    const boxes = [...input.parentElement.querySelectorAll(".code-boxes span")];
    boxes.forEach((box, index) => {
      box.textContent = digits[index] || "";
      box.classList.toggle("next", index === Math.min(digits.length, 5));
    });
    if (typed && digits.length === 6) input.form.requestSubmit();
  }

  // -- clocks --------------------------------------------------------------------------------------------------------

  const began = new WeakMap();
  setInterval(() => {
    for (const element of root.querySelectorAll("[data-timer], [data-countdown]")) {
      if (!began.has(element)) began.set(element, performance.now());
      const passed = (performance.now() - began.get(element)) / 1000;
      const left = Number(element.dataset.countdown) - passed;
      element.textContent = elapsed("timer" in element.dataset ? Number(element.dataset.timer) + passed : left);
      if ("countdown" in element.dataset && left <= 0) {
        const expired = root.querySelector("[data-expired]");
        delete element.dataset.countdown;
        if (expired) htmx.trigger(expired, "expired");
      }
    }
  }, 1000);

  // -- what no first sight of a call needs: once the page is there, in this order -------------------------------------

  const TOO_EARLY = "[data-day], [data-settings]"; // nobody listens to these before that
  let early = null;
  const tooEarly = ({ target }) => {
    early = target.closest(TOO_EARLY) || early;
  };
  root.addEventListener("click", tooEarly);
  window.addEventListener("load", () => {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: words.laterStyle }));
    const scripts = words.later.split(" ").map((src) => Object.assign(document.createElement("script"), { src, async: false }));
    document.head.append(...scripts);
    scripts.at(-1).addEventListener("load", () => {
      root.removeEventListener("click", tooEarly);
      words.complete = "yes";
      if (early?.isConnected) early.click();
    });
  });

  // -- begin ---------------------------------------------------------------------------------------------------------

  openFromAddress();
  openRemembered();
  settled();
  if (words.live === "yes") listen();
})();
