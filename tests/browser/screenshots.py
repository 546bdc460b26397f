"""Pictures of every page: `python -m tests.browser.screenshots [--only NAME] [--out FOLDER]`, with Debian's Chromium.

Each page is opened in Czech at 360, 768 and 1440 px, light, the main ones also dark. What is wrong with it is said, and
ends the run with 1: another status, a complaint of the browser, sideways scrolling, cut text, English, WCAG. Without
`--out` the pictures for docs/screenshots and their index are made, with it all of them, there. `--quick` takes none and only
listens to the browser: statuses, errors, what the policy forbids.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polib
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from ipexportal import demo_environment
from tests.browser.scenes import SCENES, Scene

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs" / "screenshots"
CATALOGUE = ROOT / "ipexportal" / "locale" / "cs" / "LC_MESSAGES" / "django.po"
WIDTHS = (360, 768, 1440)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "preload": False}
SAID = """() => {
  const found = [], hidden = e => !e.checkVisibility({visibilityProperty: true});
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    const spared = "code, .key, pre, .clicks, script, style, textarea, [lang]:not(html), [translate=no]";
    if (!parent.closest(spared) && !hidden(parent))
      found.push(walker.currentNode.data);
  }
  for (const e of document.querySelectorAll("[placeholder],[aria-label],[title]"))
    if (!hidden(e)) found.push(e.placeholder || "", e.ariaLabel || "", e.title || "");
  return [document.title, ...found].map(t => t.replace(/\\s+/g, " ").trim()).filter(Boolean);
}"""
CUT = """() => [...document.querySelectorAll("body *")].filter(e => {
  if (!e.checkVisibility() || !e.innerText?.trim() || e.closest("svg, .original")) return false;
  if (e.clientWidth < 4 || e.clientHeight < 4) return false;
  const style = getComputedStyle(e), cuts = value => value === "hidden" || value === "clip";
  if (style.clipPath !== "none" || style.webkitLineClamp !== "none") return false;
  const wide = e.scrollWidth > e.clientWidth + 1, high = e.scrollHeight > e.clientHeight + 2;
  const button = e.matches("button:not(.hit), .button:not(.hit), .tag, .badge") && style.display !== "inline";
  return (wide && (cuts(style.overflowX) || button)) || (high && (cuts(style.overflowY) || button));
}).map(e => e.tagName.toLowerCase() + "." + e.className + ": " + e.innerText.trim().slice(0, 50))"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begin(folder: Path) -> None:
    """The demo's environment with a folder of our own. Before any model is imported."""
    demo_environment._own_folder = lambda port: folder
    demo_environment.SANDBOX_PORT = free_port()
    demo_environment.prepare(["--port", str(free_port())])
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps a loop in this thread
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import django

    django.setup()


def signed_in(user: User) -> dict[str, Any]:
    """The cookie of a session opened with everything that may be asked for."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    methods = [{"method": "password", "username": user.username}, {"method": "mfa", "type": "totp"}]
    session["account_authentication_methods"] = [each | {"at": time.time()} for each in methods]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": settings.PORTAL_URL}


def english() -> re.Pattern[str]:
    """Any text that the catalogue has another Czech one for, with or without what is put into it."""
    texts = set()
    for entry in polib.pofile(str(CATALOGUE)):
        said = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        texts |= {text for text in (entry.msgid, entry.msgid_plural) if text and text not in said and len(text) > 2}
    patterns = (re.sub(r"%\\\(\w+\\\)[sd]|%\(\w+\)[sd]|\\{\w*\\}", ".+", re.escape(text)) for text in texts)
    return re.compile("|".join(pattern for pattern in patterns if re.search(r"\w{3}", pattern)))


class Photographer:
    def __init__(
        self, browser: Browser, out: Path | None, values: dict[str, str], cookies: dict[str, Any], *, quick: bool
    ) -> None:
        self.browser, self.out, self.values, self.cookies, self.quick = browser, out, values, cookies, quick
        self.english = english()
        self.wrong: list[str] = []

    def shoot(self, scene: Scene) -> None:
        context = self._context(scene)
        said: list[str] = []
        context.on("weberror", lambda error: said.append(str(error.error)))
        context.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
        page = context.new_page()
        statuses: list[int] = []
        page.on("response", lambda answer: statuses.append(answer.status) if self._is_page(answer) else None)
        page.goto(self.values["portal"] + scene.path.format(**self.values))
        if scene.act:
            scene.act(page, self.values)
        page.wait_for_timeout(300)
        if statuses[-1] != scene.status:
            self._say(scene, "", f"status {statuses[-1]} instead of {scene.status} at {page.url}")
        for line in said:
            if scene.status == 200 or str(scene.status) not in line:
                self._say(scene, "", line)
        if not self.quick:
            self._look(scene, page)
        context.close()

    def _is_page(self, answer: Any) -> bool:
        return bool(answer.request.is_navigation_request() and answer.frame.parent_frame is None)

    def _context(self, scene: Scene) -> BrowserContext:
        context = self.browser.new_context(viewport={"width": 1440, "height": 900}, locale="cs")
        context.add_cookies([{"name": "django_language", "value": "cs", "url": self.values["portal"]}])
        if scene.who:
            context.add_cookies([self.cookies[scene.who]])
        return context

    def _look(self, scene: Scene, page: Page) -> None:
        for theme in ("light", "dark") if scene.dark else ("light",):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.wait_for_timeout(250)
                view = f"{width}" + ("-dark" if theme == "dark" else "")
                self._save(scene, page, view)
                for found in self._problems(scene, page, theme, width):
                    self._say(scene, view, found)

    def _save(self, scene: Scene, page: Page, view: str) -> None:
        if self.out is None and view not in scene.kept:
            return
        high = page.evaluate("document.documentElement.scrollHeight")
        width = page.viewport_size["width"] if page.viewport_size else WIDTHS[-1]
        page.set_viewport_size({"width": width, "height": max(900, high)})  # what sticks stands at its place
        page.screenshot(path=(self.out or DOCS) / f"{scene.name}-{view}.png", animations="disabled")
        page.set_viewport_size({"width": width, "height": 900})

    def _problems(self, scene: Scene, page: Page, theme: str, width: int) -> Iterator[str]:
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            yield f"{over} px wider than the window"
        if theme == "light":
            yield from (f"cut: {text}" for text in page.evaluate(CUT))
        if theme == "light" and width == 1440:
            yield from (f"English: {text}" for text in page.evaluate(SAID) if self.english.fullmatch(text))
        if scene.ours and (width == 1440 or (width == 360 and theme == "light")):
            for each in Axe().run(page, options=RULES).response["violations"]:
                places = "; ".join(f"{node['target'][0]} ({node['html'][:90]})" for node in each["nodes"][:3])
                yield f"{each['id']}: {places}"

    def _say(self, scene: Scene, view: str, what: str) -> None:
        self.wrong.append(f"{scene.name} {view}: {what}")
        print(f"  {self.wrong[-1]}", flush=True)


def index() -> None:
    """docs/screenshots/README.md, from what is there."""
    lines = [
        "# Screenshots",
        "",
        "Made by `python -m tests.browser.screenshots`. Names end with the width in pixels.",
        "",
    ]
    for scene in SCENES:
        pictures = " · ".join(f"[{view}]({scene.name}-{view}.png)" for view in scene.kept)
        lines += [f"- {scene.about}: {pictures}"] if pictures else []
    lines += ["- Communicator (předvedení): [1280](communicator.png)", ""]
    (DOCS / "README.md").write_text("\n".join(lines), encoding="utf-8")


def run(scenes: list[Scene], out: Path | None, *, quick: bool = False) -> list[str]:
    """What is wrong with these pages."""
    from django.contrib.auth.models import User

    from ipexportal.management.commands import demo
    from tenants import activation, invitations
    from tenants.models import Invitation, OutgoingMail, Tenant
    from tests.browser import believable

    command = demo.Command()
    with command._microsoft() as microsoft:
        password = command._prepare(microsoft)
        acme, ivana = Tenant.objects.get(slug="acme"), User.objects.get(username="ivana")
        alice = believable.settle(acme, ivana)
        agent = acme.agents.get(name="Ondřej Pátek")
        invitation = Invitation.objects.get(tenant=acme)
        values = {
            "portal": demo.settings.PORTAL_URL,
            "app": f"{microsoft.origin}/main.aspx?appid={microsoft.app_id}",
            "acme": str(acme.pk),
            "code": str(acme.code),
            "agent": str(agent.code),
            "mail": str(OutgoingMail.objects.get(agent=agent).pk),
            "password": password,
            "invitation": invitations.link(invitation).removeprefix(demo.settings.PORTAL_URL),
            "activation": activation.link(agent).removeprefix(demo.settings.PORTAL_URL),
        }
        cookies = {user.username: signed_in(user) for user in (ivana, alice)}
        with demo._server(), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            photographer = Photographer(browser, out, values, cookies, quick=quick)
            for scene in scenes:
                print(scene.name, flush=True)
                photographer.shoot(scene)
            browser.close()
    return photographer.wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", help="the beginning of a page's name; may be repeated")
    parser.add_argument("--out", type=Path, help="all pictures go there instead of those of docs/screenshots")
    parser.add_argument("--quick", action="store_true", help="no pictures: open each page once and listen")
    options = parser.parse_args()
    scenes = [each for each in SCENES if not options.only or each.name.startswith(tuple(options.only))]
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ipex-pictures-") as folder:
        begin(Path(folder))
        wrong = run(scenes, options.out, quick=options.quick)
    if not options.out and not options.quick:
        index()
    print(f"{len(scenes)} pages, {len(wrong)} things wrong.")
    sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    os._exit(main())  # threads of the demo's server may still wait for somebody
