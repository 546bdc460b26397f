"""Trouble on demand: what Microsoft's services do on a bad day, for as many requests as a test or the simulator wants.

| kind | what happens |
|---|---|
| `throttle` | 429 with one of the three limits' texts; Retry-After grows while one keeps sending |
| `unavailable`, `html` | 5xx as JSON; a front end's HTML page with 200, 502 or 503 |
| `slow`, `slow_after_write` | the answer waits before, or after, the request is carried out |
| `reset`, `reset_after_write` | the connection is torn before, or after, the request is carried out |
| `truncated` | half of the answer's body |
| `expired_token` | 401 although the token is good |
| `missing_privilege` | somebody (`upn`; "" for everybody) lacks `privilege` until the fault is forgotten |
| `slow_entra`, `entra_down` | Entra waits `seconds` (10), or answers 503 in HTML |
| `entra_error` | the token endpoint refuses with AADSTS `code` |

The texts of the three 429 answers: Microsoft, "Service protection API limits".
"""

import itertools
import math
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ipexportal.sandbox.entra_errors import KINDS as ENTRA_ERRORS
from ipexportal.sandbox.errors import error
from ipexportal.sandbox.http import Request, Response

Side = Literal["dataverse", "entra"]
Mode = Literal["running", "slow", "throttling", "down"]

KINDS: Final[dict[str, Side]] = {
    "throttle": "dataverse",
    "unavailable": "dataverse",
    "slow": "dataverse",
    "reset": "dataverse",
    "reset_after_write": "dataverse",
    "slow_after_write": "dataverse",
    "html": "dataverse",
    "truncated": "dataverse",
    "expired_token": "dataverse",
    "missing_privilege": "dataverse",
    "slow_entra": "entra",
    "entra_down": "entra",
    "entra_error": "entra",
}
LIMITS: Final = {
    "requests": ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."),
    "time": (
        "0x80072321",
        "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of "
        "300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
    ),
    "concurrency": ("0x80072326", "Number of concurrent requests exceeded the limit of 52."),
}
FIELDS: Final = (
    "count", "path", "method", "upn", "seconds", "retry_after", "limit", "status", "privilege", "code",
)  # fmt: skip


@dataclass(slots=True)
class Fault:
    """One kind of trouble. `count` requests meet it (None: all until cleared) whose path, method and user fit.

    `path` is a regular expression searched in the decoded path and query. `seconds` is how long slow answers wait, and
    for `throttle` how long the penalty lasts; `retry_after` is the first Retry-After, each further one is longer.
    `status` of html (200, 502, 503) and unavailable (500 to 504); `code` of entra_error is an AADSTS number.
    """

    kind: str
    count: int | None = 1
    path: str = ""
    method: str = ""
    upn: str = ""
    seconds: float = 0.0
    retry_after: int = 2
    limit: str = "requests"
    status: int = 0
    privilege: str = ""
    code: int = 50076
    id: int = 0
    _penalties: dict[str, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError with one sentence for a fault that could never happen."""
        self._check_types()
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault “{self.kind}”; there are {', '.join(KINDS)}.")
        if self.limit not in LIMITS:
            raise ValueError(f"The limit is one of {', '.join(LIMITS)}.")
        if self.count is not None and self.count < 1:
            raise ValueError("The count is a positive number, or null for all requests.")
        if not 0 <= self.seconds <= 600:
            raise ValueError("The seconds lie between 0 and 600.")
        if self.status and self.status not in (200, 500, 502, 503, 504):
            raise ValueError("The status is one of 200, 500, 502, 503, 504.")
        if self.kind == "entra_error" and self.code not in ENTRA_ERRORS:
            raise ValueError(f"The sandbox does not know AADSTS{self.code}.")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"The path is no regular expression: {error}.") from None

    def _check_types(self) -> None:
        for names, kinds, what in (
            ("kind path method upn limit privilege", (str,), "text"),
            ("retry_after status code", (int,), "a whole number"),
            ("seconds", (int, float), "a number"),
            ("count", (int, type(None)), "a whole number or null"),
        ):
            for name in names.split():
                if not isinstance(getattr(self, name), kinds) or isinstance(getattr(self, name), bool):
                    raise ValueError(f"The field “{name}” of a fault is {what}.")

    @property
    def side(self) -> Side:
        """Whose trouble it is."""
        return KINDS[self.kind]

    def fits(self, method: str, target: str, upn: str) -> bool:
        """Whether this request meets the trouble."""
        if self.kind in ("reset_after_write", "slow_after_write") and method not in ("POST", "PATCH", "PUT", "DELETE"):
            return False
        return (
            self.method.upper() in ("", method)
            and self.upn in ("", upn)
            and (not self.path or re.search(self.path, target) is not None)
        )

    def wait_for(self, upn: str) -> int | None:
        """Retry-After of this refusal, in whole seconds, longer each time; None when the penalty is over."""
        now = time.monotonic()
        refused, until = self._penalties.get(upn, (0, now + self.seconds))
        if self.seconds and refused and now >= until:
            return None
        self._penalties[upn] = (refused + 1, until + self.retry_after if refused else until)
        if self.seconds:
            return max(1, math.ceil(self._penalties[upn][1] - now))
        return self.retry_after * (refused + 1)

    def describe(self) -> dict[str, Any]:
        """The fault as the control endpoint shows it."""
        shown = (
            "id",
            "kind",
            "count",
            "path",
            "method",
            "upn",
            "seconds",
            "retry_after",
            "limit",
            "status",
            "privilege",
        )
        return {name: getattr(self, name) for name in shown}


def throttled(fault: Fault, retry_after: int) -> Response:
    """429 as Dataverse says it."""
    answer = error(429, *LIMITS[fault.limit])
    answer.headers.append(("Retry-After", str(retry_after)))
    return answer


def front_end_page(status: int) -> Response:
    """An HTML answer from a front end that never reached Dataverse."""
    title = {200: "Please wait", 502: "502 - Web server received an invalid response"}.get(
        status, "Service unavailable"
    )
    body = (
        '<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><meta http-equiv="Content-Type" '
        f'content="text/html; charset=iso-8859-1"/><title>{title}</title></head><body><h2>{title}</h2><h3>There is a '
        "problem with the page you are looking for, and it cannot be displayed.</h3></body></html>"
    )
    return Response(status, [("Content-Type", "text/html")], body.encode())


_MODES: Final[dict[str, tuple[tuple[str, dict[str, Any]], ...]]] = {
    "running": (),
    "slow": (("slow", {"seconds": 4.0}), ("slow_entra", {"seconds": 4.0})),
    "throttling": (("throttle", {"retry_after": 5}),),
    "down": (("unavailable", {}), ("entra_down", {})),
}


class Faults:
    """The trouble ordered so far, oldest first, and the state of the simulator's switch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._faults: list[Fault] = []
        self._of_mode: list[Fault] = []
        self.mode: Mode = "running"

    def add(self, fault: Fault) -> Fault:
        """Order one fault; it gets its number."""
        with self._lock:
            fault.id = next(self._numbers)
            self._faults.append(fault)
        return fault

    def switch(self, mode: str) -> None:
        """Set how Microsoft as a whole is; raises ValueError for a mode that is not there."""
        if mode not in _MODES:
            raise ValueError(f"Microsoft is one of {', '.join(_MODES)}.")
        with self._lock:
            self.mode = mode  # type: ignore[assignment]
            self._of_mode = [Fault(kind, count=None, **options) for kind, options in _MODES[mode]]

    def drop(self, number: int | None = None) -> list[Fault]:
        """Forget one fault, or all; gives those that were forgotten."""
        with self._lock:
            gone = [fault for fault in self._faults if number in (None, fault.id)]
            self._faults = [fault for fault in self._faults if fault not in gone]
        return gone

    def pending(self) -> list[Fault]:
        """What is still to come."""
        with self._lock:
            return list(self._faults)

    def meet(self, side: Side, request: Request, target: str, upn: str) -> list[Fault]:
        """The trouble that this request meets: of each kind the oldest; one of its count is used up."""
        if not self._faults and not self._of_mode:
            return []
        with self._lock:
            met: dict[str, Fault] = {}
            for fault in (*self._faults, *self._of_mode):
                if fault.side == side and fault.kind not in met and fault.fits(request.method, target, upn):
                    met[fault.kind] = fault
            self._use(met)
        return list(met.values())

    def _use(self, met: dict[str, Fault]) -> None:
        for fault in met.values():
            if fault.count is not None:
                fault.count -= 1
        self._faults = [fault for fault in self._faults if fault.count is None or fault.count > 0]
