"""Debian's Firefox, driven by its own Marionette protocol: Playwright drives only builds of its own.

Protocol: Mozilla, "Marionette Protocol" (length-prefixed JSON arrays over TCP) with the commands of W3C WebDriver.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

PROGRAM = "/usr/bin/firefox-esr"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
CONTROL, ENTER = "\ue009", "\ue007"
WAIT = 60.0
PREFERENCES = {
    "marionette.port": 0,  # any free one, written into the profile
    "intl.accept_languages": "en-GB",
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.auto": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.cache.disk.enable": False,
}


class Refused(Exception):
    """What Firefox answered instead."""


class NotYet(Exception):
    """It may still come."""


class Firefox:
    """Commands go to one window and one frame of it: `on` and `enter` say to which."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream, self.answers, self.turn = stream, stream.makefile("rb"), 0
        self._read()  # its greeting
        self.do("WebDriver:NewSession", capabilities={})
        self.do("WebDriver:SetTimeouts", pageLoad=int(WAIT * 1000))

    def do(self, command: str, **values: Any) -> Any:
        """One command; answers its value. Raises Refused."""
        self.turn += 1
        text = json.dumps([0, self.turn, command, values]).encode()
        self.stream.sendall(b"%d:%s" % (len(text), text))
        _kind, _turn, error, answer = self._read()
        if error:
            raise Refused(f"{error['error']}: {error['message']}")
        return answer["value"] if isinstance(answer, dict) and "value" in answer else answer

    def _read(self) -> Any:
        size = b""
        while (byte := self.answers.read(1)) != b":":
            assert byte, "Firefox has ended."
            size += byte
        return json.loads(self.answers.read(int(size)))

    def script(self, text: str) -> Any:
        return self.do("WebDriver:ExecuteScript", script=text, args=[])

    def privileged(self, text: str) -> Any:
        """A script with the rights of the browser itself, as for looking into its cookies."""
        self.do("Marionette:SetContext", value="chrome")
        try:
            return self.script(text)
        finally:
            self.do("Marionette:SetContext", value="content")

    # -- windows and frames --------------------------------------------------------------------------------------------

    def goto(self, address: str) -> None:
        self.do("WebDriver:Navigate", url=address)

    def reload(self) -> None:
        self.do("WebDriver:Refresh")

    @property
    def window(self) -> str:
        return str(self.do("WebDriver:GetWindowHandle"))

    def on(self, window: str) -> None:
        """Go on in this window's page."""
        self.do("WebDriver:SwitchToWindow", handle=window)
        self.leave()

    def another(self) -> str:
        """The window that this one opened, as soon as it is there."""
        here = self.window

        def found() -> str:
            for window in self.do("WebDriver:GetWindowHandles"):
                if window != here:
                    return str(window)
            raise NotYet("no other window")

        return until(found)

    def enter(self, selector: str, *, showing: str = "/window/") -> None:
        """Go on inside this frame, as soon as a page is there whose address contains `showing`."""

        def entered() -> None:
            self.leave()
            self.do("WebDriver:SwitchToFrame", element=self._shown(selector, ""))
            shown = str(self.script("return `${document.readyState} ${location.href}`"))  # null while it changes
            if not shown.startswith("complete") or showing not in shown:
                raise NotYet(f"{selector}: {shown}")

        until(entered)

    def leave(self) -> None:
        """Go on in the page itself."""
        self.do("WebDriver:SwitchToFrame", id=None)

    # -- what a person sees and does -----------------------------------------------------------------------------------

    def sees(self, selector: str, text: str = "") -> str:
        """What is written in the first such element, as soon as it is shown and contains `text`."""
        return until(lambda: self._text(self._shown(selector, text)))

    def click(self, selector: str) -> None:
        until(lambda: self.do("WebDriver:ElementClick", id=self._shown(selector, "")))

    def type(self, selector: str, text: str) -> None:
        until(lambda: self.do("WebDriver:ElementSendKeys", id=self._all(selector)[0], text=text))

    def holds(self, selector: str, text: str) -> None:
        """The field comes to hold exactly this."""

        def held() -> None:
            value = self.do("WebDriver:GetElementProperty", id=self._shown(selector, ""), name="value")
            if value != text:
                raise NotYet(f"{selector} holds {value!r}")

        until(held)

    def _shown(self, selector: str, text: str) -> str:
        for element in self._all(selector):
            if self.do("WebDriver:IsElementDisplayed", id=element) and text in self._text(element):
                return element
        raise NotYet(f"{selector} is not shown with {text!r} in: {self.script('return document.body.innerText')}")

    def _all(self, selector: str) -> list[str]:
        found = self.do("WebDriver:FindElements", using="css selector", value=selector)
        if not found:  # null while the page changes
            raise NotYet(f"no {selector} in: {self.script('return document.body.innerText')}")
        return [str(element[ELEMENT]) for element in found]

    def _text(self, element: str) -> str:
        return str(self.do("WebDriver:GetElementText", id=element))


def until[T](act: Callable[[], T]) -> T:
    """Once more until it is done: what Firefox refuses now (gone, covered, not there) may be possible in a moment."""
    ends = monotonic() + WAIT
    while True:
        try:
            return act()
        except (Refused, NotYet) as error:
            if monotonic() > ends:
                raise AssertionError(str(error)) from error
        sleep(0.1)


@contextmanager
def firefox(**preferences: Any) -> Iterator[Firefox]:
    """Without a past."""
    with TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(it)});" for name, it in (PREFERENCES | preferences).items()
        ]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [
            PROGRAM,
            "--headless",
            "--no-remote",
            "--marionette",
            "--remote-allow-system-access",
            "--profile",
            folder,
        ]
        environment = {"HOME": folder, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        with (profile / "said").open("wb") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
            try:
                with socket.create_connection(("127.0.0.1", _port(process, profile)), timeout=2 * WAIT) as stream:
                    browser = Firefox(stream)
                    with browser.answers:
                        yield browser
            finally:
                _end(process)


def _port(process: subprocess.Popen[bytes], profile: Path) -> int:
    def written() -> int:
        assert process.poll() is None, (profile / "said").read_text(errors="replace")
        with suppress(OSError, ValueError):
            return int((profile / "MarionetteActivePort").read_text(encoding="utf-8"))
        raise NotYet("Firefox does not answer.")

    return until(written)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=WAIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
