"""What a window's page does over HTTP: its stream, which comes back by itself, and requests to any web process."""

import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

import requests

WAIT = 45.0  # seconds; a machine may have other things to do
COOKIE = "__Host-ipex-window"


def until(holds: Callable[[], object], seconds: float = WAIT) -> Any:
    ends = monotonic() + seconds
    while monotonic() < ends:
        if found := holds():
            return found
        sleep(0.02)
    raise AssertionError(f"It did not happen within {seconds:.0f} seconds.")


class Window:
    """An agent's open window. `webs` and `streams` are the addresses a balance would choose from."""

    def __init__(
        self, portal: str, instance: str, ticket_url: str, webs: Sequence[str], streams: Sequence[str]
    ) -> None:
        self.portal, self.instance, self.webs, self.streams = portal, instance, list(webs), list(streams)
        self.session = requests.Session()
        self.session.trust_env = False
        answer = self._anywhere("get", ticket_url.removeprefix(portal), allow_redirects=False)
        assert answer.status_code == 303, answer.text
        self.cookie = answer.cookies[COOKIE]  # Secure: a browser sends it on loopback, requests does not
        self.session.headers.update({"Cookie": f"{COOKIE}={self.cookie}", "HX-Request": "true", "Origin": portal})
        self.turn = itertools.count(1)
        self.stream: Stream | None = None

    def listen(self) -> "Stream":
        self.stream = Stream(self.streams, f"/window/events?instance={self.instance}", self.cookie)
        return self.stream

    def state(self) -> str:
        return self._anywhere("get", f"/window/{self.instance}/state/").text

    def shows(self, text: str, seconds: float = WAIT) -> None:
        """Only what the stream announced counts, as in the browser."""
        assert self.stream
        until(lambda: self.stream and self.stream.news() and text in self.state(), seconds)

    def type(self, call: str, text: str, *, send: bool = False) -> None:
        values = {"call": call, "text": text, "page": "test", "turn": next(self.turn)}
        address = f"/window/{self.instance}/note/{'send/' if send else ''}"
        answer = self._anywhere("post", address, data=values)
        assert answer.status_code in (200, 204), answer.text

    def _anywhere(self, method: str, path: str, **options: Any) -> requests.Response:
        return anywhere(self.session, method, self.webs, path, **options)

    def close(self) -> None:
        if self.stream:
            self.stream.close()


def anywhere(
    session: requests.Session, method: str, origins: Sequence[str], path: str, **options: Any
) -> requests.Response:
    """As behind a balance: from the first that answers; asked again, as the window and the exchange do, while none can."""
    ends = monotonic() + 150
    while True:
        for origin in origins:
            with suppress(requests.RequestException):
                answer = session.request(method, origin + path, timeout=WAIT, **options)
                if answer.status_code < 500:
                    return answer
        assert monotonic() < ends, f"{path} was not answered."
        sleep(0.1)


class Stream(threading.Thread):
    """An EventSource: it comes back by itself, to whichever process answers."""

    def __init__(self, origins: Sequence[str], path: str, cookie: str, **options: Any) -> None:
        super().__init__(daemon=True)
        self.origins, self.path, self.options = list(origins), path, options
        self.headers = {"Cookie": f"{COOKIE}={cookie}", "Sec-Fetch-Site": "same-origin"}
        self.heard: list[tuple[float, str, str]] = []
        self.seen = self.connected = 0
        self.at = ""
        self.response: requests.Response | None = None
        self.over = threading.Event()
        self.start()
        until(lambda: self.heard)

    def run(self) -> None:
        for origin in itertools.cycle(self.origins):
            if self.over.is_set():
                return
            with suppress(requests.RequestException, OSError, AttributeError, ValueError):
                self._listen(origin)
            self.at = ""
            self.over.wait(0.2)

    def _listen(self, origin: str) -> None:
        options = {"stream": True, "timeout": (5, 60), **self.options}
        self.response = requests.get(origin + self.path, headers=self.headers, **options)
        if self.response.status_code != 200:
            return
        self.at, self.connected = origin, self.connected + 1
        for line in self.response.iter_lines(chunk_size=1):
            if line.startswith(b"event: "):
                self.heard.append((monotonic(), origin, line.removeprefix(b"event: ").decode()))

    def news(self) -> bool:
        """Whether something was heard since this was asked last."""
        before, self.seen = self.seen, len(self.heard)
        return self.seen > before

    def close(self) -> None:
        self.over.set()
        if self.response is not None:
            with suppress(Exception):
                self.response.raw._fp.fp.raw._sock.shutdown(2)
        self.join(timeout=5)
