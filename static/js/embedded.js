// The window and the page around it: calls that it announces, what we tell it. Contract version 1, docs/embedding.md.
// We answer only the page that frames us, at the origin it spoke from, which has to be one of the customer's.
(() => {
  "use strict";

  const VERSION = 1;
  const LONGEST = { uniqueId: 128, direction: 30, number: 200 };
  const root = document.getElementById("window");
  if (!root || window.parent === window) return;

  const words = root.dataset;
  const allowed = words.origins.split(" ").filter(Boolean);
  let host = ""; // the origin around us, once it has said something we understand
  let canDial = false;
  const told = {};

  function tell(type, values) {
    const text = JSON.stringify(values);
    if (!host || (type !== "ipex.dial" && told[type] === text)) return;
    told[type] = text;
    window.parent.postMessage({ type, v: VERSION, ...values }, host);
  }

  // -- what we hear --------------------------------------------------------------------------------------------------

  const isText = (value, longest) => value === undefined || (typeof value === "string" && value.length <= longest);
  const heard = {
    "ipex.hello": (message) => {
      canDial = message.canDial === true;
      for (const type of Object.keys(told)) delete told[type];
      tell("ipex.ready", { signedIn: words.live === "yes" });
      tellNews();
    },
    "ipex.call": (message) => {
      if (!Object.entries(LONGEST).every(([name, longest]) => isText(message[name], longest))) return;
      const { uniqueId = "", direction = "", number = "" } = message;
      if (words.live === "yes") root.dispatchEvent(new CustomEvent("ipex:call", { detail: { uniqueId, direction, number } }));
    },
  };

  window.addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.parent || !allowed.includes(origin) || data?.v !== VERSION) return;
    if (typeof data.type !== "string" || !Object.hasOwn(heard, data.type)) return;
    host = origin;
    heard[data.type](data);
  });

  // -- what we tell --------------------------------------------------------------------------------------------------

  function state() {
    const states = [...root.querySelectorAll("#bar, .strip")].map((call) => call.dataset.callState);
    return ["ringing", "answered"].find((one) => states.includes(one)) || "idle";
  }

  // As if nothing had to scroll: the parts that scroll count with all they hold.
  function height() {
    const body = document.getElementById("body");
    if (!body.checkVisibility()) return 0; // the list of the day scrolls in whatever height there is
    const last = body.lastElementChild;
    const held = last ? last.getBoundingClientRect().bottom - body.getBoundingClientRect().top + body.scrollTop : 0;
    const space = parseFloat(getComputedStyle(body).paddingBottom) || 0;
    const dock = document.getElementById("dock");
    const others = ["bar", "strip"].reduce((sum, id) => sum + document.getElementById(id).offsetHeight, 0);
    return Math.ceil(others + held + space + dock.scrollHeight + dock.offsetHeight - dock.clientHeight);
  }

  function tellNews() {
    tell("ipex.state", { state: state(), connected: words.stream === "open" });
    const wish = height();
    if (wish > 0 && wish < 100000) tell("ipex.height", { height: wish });
  }

  let soon = 0;
  function news() {
    clearTimeout(soon);
    soon = setTimeout(tellNews, 50);
  }
  new MutationObserver(news).observe(root, {
    attributes: true, attributeFilter: ["data-call-state", "data-stream", "class"], childList: true, subtree: true,
  });
  window.addEventListener("resize", news);
  root.addEventListener("input", news);

  // -- call back -----------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-dial]");
    if (!link || !host || !canDial) return; // then it is a tel: link as anywhere
    event.preventDefault();
    tell("ipex.dial", { number: link.dataset.dial });
    root.dispatchEvent(new CustomEvent("ipex:say", { detail: words.wordDialled }));
  });
})();
