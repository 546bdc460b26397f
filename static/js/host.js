/*! The IPEX CRM window in your page. Contract version 1; everything about it is in docs/embedding.md.

  const crm = new IpexWindow(element, {canDial: true, title: "CRM"});
  crm.open("https://portal.example/window/?ticket=…");  // or …/window/<code>/; makes the frame, or gives it a new address
  crm.call({uniqueId: "1412256225.1941", direction: "incoming", number: "777123456"});  // or "outgoing"; all strings
  crm.resize({width: 360, height: 720});                // CSS pixels; what is left out stays as it is
  crm.close();                                          // takes the frame away; what was typed is kept
  crm.addEventListener("state", (event) => …event.detail);
    "ready"  {signedIn}          the window listens; again after each of its reloads
    "state"  {state, connected}  state: "ringing", "answered" or "idle"; connected: false while its stream is away
    "dial"   {number}            the agent pressed "Call back" (only with canDial; without it the window has a tel: link)
    "height" {height}            how high the window would be if nothing in it had to scroll
    "sent"   {type, …}           what this script has just told the window, for your log
  crm.isReady, crm.frame, IpexWindow.version

The page's origin must be one of the customer's embedding origins. Messages go to the address's origin and are heard from
this very frame at that origin only. A call announced before the window is ready or its agent signed in goes when it is. */
(() => {
  "use strict";

  const VERSION = 1;
  const TEXTS = ["uniqueId", "direction", "number"];
  const whole = (value) => Number.isInteger(value) && value > 0 && value < 100000;
  // What each message of the window may carry; anything else is no message of this version.
  const KNOWN = {
    "ipex.ready": { signedIn: (value) => typeof value === "boolean" },
    "ipex.state": {
      state: (value) => ["ringing", "answered", "idle"].includes(value),
      connected: (value) => typeof value === "boolean",
    },
    "ipex.dial": { number: (value) => typeof value === "string" && /^\+?[0-9]{2,20}$/.test(value) },
    "ipex.height": { height: whole },
  };

  class IpexWindow extends EventTarget {
    static version = VERSION;
    #origin = "";
    #waiting = null;
    #canDial;

    constructor(element, { canDial = false, title = "CRM" } = {}) {
      super();
      this.element = element;
      this.isReady = false;
      this.#canDial = canDial === true;
      this.frame = document.createElement("iframe");
      this.frame.title = title;
      this.frame.allow = "clipboard-write";
      this.frame.addEventListener("load", () => this.#hello());
    }

    open(address) {
      const url = new URL(address, location.href);
      if (!["https:", "http:"].includes(url.protocol)) throw new TypeError("The window's address is an http(s) one.");
      this.isReady = false;
      this.#origin = url.origin;
      window.addEventListener("message", this.#hear);
      this.frame.src = url.href;
      if (!this.frame.isConnected) this.element.append(this.frame);
    }

    close() {
      window.removeEventListener("message", this.#hear);
      this.isReady = false;
      this.#waiting = null;
      this.frame.remove();
    }

    resize({ width, height } = {}) {
      if (whole(width)) this.frame.style.width = `${width}px`;
      if (whole(height)) this.frame.style.height = `${height}px`;
    }

    call(call) {
      for (const name of TEXTS) {
        if (name in call && typeof call[name] !== "string") throw new TypeError(`${name} is a string.`);
      }
      this.#waiting = Object.fromEntries(TEXTS.map((name) => [name, call[name] ?? ""]));
      this.#announce();
    }

    #announce() {
      if (!this.isReady || !this.#waiting) return;
      this.#post("ipex.call", this.#waiting);
      this.#waiting = null;
    }

    #hello() {
      this.isReady = false;
      this.#post("ipex.hello", { canDial: this.#canDial });
    }

    #post(type, values) {
      const message = { type, v: VERSION, ...values };
      this.frame.contentWindow?.postMessage(message, this.#origin);
      this.dispatchEvent(new CustomEvent("sent", { detail: message }));
    }

    #hear = ({ source, origin, data }) => {
      if (!source || source !== this.frame.contentWindow || origin !== this.#origin || data?.v !== VERSION) return;
      const known = typeof data.type === "string" && Object.hasOwn(KNOWN, data.type) && KNOWN[data.type];
      if (!known || !Object.entries(known).every(([name, fits]) => fits(data[name]))) return;
      const detail = Object.fromEntries(Object.keys(known).map((name) => [name, data[name]]));
      if (data.type === "ipex.dial" && !this.#canDial) return;
      if (data.type === "ipex.ready") this.isReady = detail.signedIn;
      this.dispatchEvent(new CustomEvent(data.type.slice("ipex.".length), { detail }));
      this.#announce();
    };
  }

  window.IpexWindow = IpexWindow;
})();
