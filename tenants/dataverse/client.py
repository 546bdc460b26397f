"""One customer's Dataverse, over HTTP.

Thin on purpose: names come from `metadata`, expressions from `odata`, and what goes wrong from `errors`. Requests go
only to the instance's own two hosts; redirects are not followed, cookies not kept. Calls that may be repeated are (at
most twice, inside the budget): reads, and writes with `If-Match` or `If-None-Match`. A plain POST is sent once.

Source: Microsoft, "Compose HTTP requests and handle errors", "Perform conditional operations", "Service protection
API limits".
"""

import json as jsonlib
import logging
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.gate import Gate
from tenants.dataverse.transport import shared_session

API = "/api/data/v9.2/"
MAX_BYTES = 20 * 1024 * 1024
MAX_RETRIES = 2
CONNECT_SECONDS = 3.0
PAUSE_SECONDS = 0.1
READS = frozenset({"GET", "HEAD"})
# Worth another attempt; a 500 is not, it is mostly a plug-in that fails every time.
PASSING = frozenset({None, 200, 408, 429, 502, 503, 504})

Token = Callable[[bool], str]
"""Gives a bearer token; called with True when it must be a fresh one because Dataverse refused the last."""
OnRequest = Callable[[str, str, int, float], None]
"""Called after each attempt: method, path without ids and query, HTTP status (0: no answer), seconds."""
OnQuestion = Callable[[str, str, int, float], None]
"""As OnRequest, with `odata.shape` of the whole address instead of the path."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. `data` is the JSON object, None for 204 and 304; `etag` is `W/"…"` or ""."""

    status: int
    headers: Mapping[str, str]
    data: dict[str, Any] | None = field(repr=False)
    etag: str = ""

    @property
    def request_id(self) -> str:
        """What Microsoft's support asks for."""
        return self.headers.get("x-ms-service-request-id", "")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The records of a collection, [] when there are none."""
        found = (self.data or {}).get("value")
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    @property
    def next_link(self) -> str:
        """Address of the next page, to be followed verbatim, or ""."""
        return str((self.data or {}).get("@odata.nextLink") or "")

    @property
    def record_id(self) -> str:
        """The GUID in OData-EntityId (after a create or update without representation), or ""."""
        found = re.search(r"\(([0-9a-fA-F-]{36})\)\s*$", self.headers.get("OData-EntityId", ""))
        return found[1].lower() if found else ""


@dataclass(frozen=True, slots=True)
class Me:
    """Answer of WhoAmI: GUIDs of the caller's systemuser, business unit and organization."""

    user_id: str
    business_unit_id: str
    organization_id: str


@dataclass(slots=True)
class _Call:
    """One request with all its attempts."""

    method: str
    url: str = field(repr=False)
    template: str
    headers: dict[str, str]
    body: bytes | None = field(repr=False)
    budget: Budget
    token: str = field(default="", repr=False)
    refreshed: bool = False
    retries: int = 0
    may_have_applied: bool = False
    creates: bool = field(init=False)

    def __post_init__(self) -> None:
        self.creates = self.headers.get("If-None-Match") == "*"

    @property
    def writes(self) -> bool:
        return self.method not in READS

    @property
    def repeatable(self) -> bool:
        return not self.writes or self.creates or "If-Match" in self.headers


class Client:
    """A caller's view of one instance.

    `origin` is "https://org.crm4.dynamics.com", or "http://127.0.0.1:PORT" for a stand-in on this machine; anything
    else is a ValueError. Safe to share between threads if `token` is. With a `gate`, every request passes it, and a 429
    is told at once instead of being waited for.
    """

    def __init__(
        self,
        *,
        origin: str,
        token: Token,
        session: requests.Session | None = None,
        on_request: OnRequest | None = None,
        on_question: OnQuestion | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.origin = _checked_origin(origin)
        self._origins = _both_hosts(self.origin)
        self._token = token
        self._session = session or shared_session()
        self._on_request = on_request
        self._on_question = on_question
        self._gate = gate

    def request(
        self,
        method: str,
        path: str,
        *,
        budget: Budget,
        json: Mapping[str, Any] | None = None,
        prefer: Sequence[str] = (),
        if_match: str | None = None,
        if_none_match: str | None = None,
        consistency_strong: bool = False,
        merge_labels: bool = False,
    ) -> Answer:
        """Send a request below /api/data/v9.2/ (or to a link Dataverse gave) and read its answer inside `budget`.

        `consistency_strong` bypasses Dataverse's cache of metadata and rights (about 30 s old). `merge_labels` keeps the
        labels in other languages when a definition is replaced. Raises DataverseError.
        """
        headers = _headers(prefer, if_match, if_none_match, strong=consistency_strong)
        if merge_labels:
            headers["MSCRM.MergeLabels"] = "true"
        body = None if json is None else jsonlib.dumps(json, allow_nan=False).encode()
        if body is not None or method not in READS:
            headers["Content-Type"] = "application/json; charset=utf-8"
            headers["Content-Length"] = str(len(body or b""))
        call = _Call(method, self._address(path), _template(path), headers, body, budget)
        with self._gate.passing() if self._gate else nullcontext():
            return self._until_answered(call)

    def get(self, path: str, *, budget: Budget, prefer: Sequence[str] = (), consistency_strong: bool = False) -> Answer:
        return self.request("GET", path, budget=budget, prefer=prefer, consistency_strong=consistency_strong)

    def pages(self, path: str, *, budget: Budget, prefer: Sequence[str] = ()) -> Iterator[Answer]:
        """The pages of a collection, one after the other."""
        while path:
            answer = self.get(path, budget=budget, prefer=prefer)
            yield answer
            path = answer.next_link

    def create(
        self,
        entity_set: str,
        body: Mapping[str, Any],
        *,
        budget: Budget,
        record_id: str | None = None,
        prefer: Sequence[str] = (),
    ) -> Answer:
        """Create a record; its id is in `.record_id`, or in `.data` with `Prefer: return=representation`.

        With a `record_id` of our own the call may be repeated: AlreadyExists then says that it was written before.
        """
        if record_id is None:
            return self.request("POST", odata.name(entity_set), json=body, budget=budget, prefer=prefer)
        path = odata.record(entity_set, record_id)
        return self.request("PATCH", path, json=body, budget=budget, prefer=prefer, if_none_match="*")

    def update(
        self,
        entity_set: str,
        record_id: str,
        body: Mapping[str, Any],
        *,
        budget: Budget,
        if_match: str = "*",
        prefer: Sequence[str] = (),
    ) -> Answer:
        """Change a record that exists (else NotFound); given an etag, only if it is still that (else VersionMismatch).

        After an attempt whose answer was lost, VersionMismatch has `may_have_applied`: the change may be our own.
        """
        path = odata.record(entity_set, record_id)
        return self.request("PATCH", path, json=body, budget=budget, prefer=prefer, if_match=if_match)

    def whoami(self, *, budget: Budget) -> Me:
        data = self.get("WhoAmI", budget=budget).data or {}
        try:
            return Me(*(odata.guid(data[key]) for key in ("UserId", "BusinessUnitId", "OrganizationId")))
        except (KeyError, ValueError) as error:
            raise errors.Unavailable("Dataverse answered WhoAmI without saying who.") from error

    def _address(self, path: str) -> str:
        """Absolute address; links are followed only to the instance's own hosts, because the token goes with them."""
        if "://" not in path.partition("?")[0]:
            return self.origin + API + path.lstrip("/")
        try:
            parts = urlsplit(path)
            origin = f"{parts.scheme}://{parts.netloc}".lower()
        except ValueError as error:
            raise errors.ForeignAddress from error
        if origin not in self._origins or not parts.path.startswith("/api/data/v9."):
            raise errors.ForeignAddress
        return path

    def _until_answered(self, call: _Call) -> Answer:
        call.token = self._token(False)  # what it raises is the caller's matter and not tried again
        while True:
            try:
                return self._attempt(call)
            except errors.DataverseError as error:
                error.may_have_applied = call.may_have_applied = call.may_have_applied or error.may_have_applied
                wait = self._wait_before_retry(call, error)
                if wait is None:
                    _log(call, error)
                    raise
                sleep(wait)

    def _wait_before_retry(self, call: _Call, error: errors.DataverseError) -> float | None:
        """Seconds to wait before the next attempt; None when there is none to be made."""
        if isinstance(error, errors.SignInRequired):
            return self._refresh(call)
        if not isinstance(error, errors.Unavailable) or error.status not in PASSING or error.final:
            return None
        if self._gate and isinstance(error, errors.Throttled):
            return None
        if call.retries >= MAX_RETRIES or (error.reached and not call.repeatable):
            return None
        call.retries += 1
        wait = _pause(error, call.retries)
        return wait if wait is not None and wait + 0.02 < call.budget.left() else None

    def _refresh(self, call: _Call) -> float | None:
        """Once per call, a refused token is replaced by a fresh one: a refused call was not executed."""
        if call.refreshed or call.budget.expired:
            return None
        call.refreshed = True
        call.token = self._token(True)
        return 0.0

    def _attempt(self, call: _Call) -> Answer:
        if call.budget.expired:
            raise errors.Unavailable("There was no time left to ask Dataverse.", final=True, reached=False)
        started, status = monotonic(), 0
        try:
            response = self._send(call)
            status = response.status_code
            return _read(call, response, _body(call, response))
        finally:
            if self._on_request:
                self._on_request(call.method, call.template, status, monotonic() - started)
            if self._on_question:
                shape = odata.shape(call.url.partition(API)[2])
                self._on_question(call.method, shape, status, monotonic() - started)

    def _send(self, call: _Call) -> requests.Response:
        request = requests.PreparedRequest()
        request.method, request.url, request.body = call.method, call.url, call.body
        request.headers = CaseInsensitiveDict({**call.headers, "Authorization": f"Bearer {call.token}"})
        left = max(0.001, call.budget.left())
        timeout: Any = Timeout(total=left, connect=min(CONNECT_SECONDS, left))
        verify: Any = self._session.verify
        # Straight to the adapter: Session.send would read redirects' bodies and look at cookies.
        adapter = self._session.get_adapter(call.url)
        try:
            return adapter.send(request, stream=True, timeout=timeout, verify=verify, proxies={})
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _no_answer(call, error) from error


def _no_answer(call: _Call, error: Exception) -> errors.Unavailable:
    reason = error.args[0].reason if error.args and isinstance(error.args[0], MaxRetryError) else None
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return errors.Unavailable("Dataverse cannot be reached.", reached=False)
    if isinstance(error, requests.exceptions.SSLError):
        shaken = "CERTIFICATE_VERIFY_FAILED" not in str(error)
        applied = call.writes and shaken
        return errors.Unavailable("The connection is not secure.", final=True, reached=shaken, may_have_applied=applied)
    if isinstance(error, requests.exceptions.Timeout):
        return errors.Unavailable("Dataverse did not answer in time.", final=True, may_have_applied=call.writes)
    return errors.Unavailable("The connection to Dataverse was lost.", may_have_applied=call.writes)


def _body(call: _Call, response: requests.Response) -> bytes:
    """The whole body, decompressed, at most MAX_BYTES of it."""
    chunks: list[bytes] = []
    size = 0
    try:
        for chunk in response.iter_content(64 * 1024):
            size += len(chunk)
            if size > MAX_BYTES:
                raise errors.Unavailable("The answer is too large.", final=True, may_have_applied=call.writes)
            chunks.append(chunk)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise errors.Unavailable("Dataverse's answer broke off.", may_have_applied=call.writes) from error
    finally:
        response.close()
    return b"".join(chunks)


def _read(call: _Call, response: requests.Response, body: bytes) -> Answer:
    status, headers = response.status_code, response.headers
    if status == 304 or (200 <= status < 300 and not body.strip()):
        return Answer(status, headers, None, headers.get("ETag", ""))
    if not 200 <= status < 300:
        raise errors.from_answer(status, headers, body, wrote=call.writes, created=call.creates)
    try:
        data = jsonlib.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise errors.Unavailable(
            "Dataverse's answer cannot be read.",
            status=status,
            request_id=headers.get("x-ms-service-request-id", ""),
            may_have_applied=call.writes,
        )
    return Answer(status, headers, data, headers.get("ETag", "") or str(data.get("@odata.etag") or ""))


def _pause(error: errors.DataverseError, retry: int) -> float | None:
    """Microsoft's Retry-After; without one a short growing pause, except when throttled: then hammering prolongs it."""
    if error.retry_after is not None:
        return error.retry_after
    if isinstance(error, errors.Throttled):
        return None
    return PAUSE_SECONDS * retry * (1 + random.random())  # noqa: S311 - jitter, no secret


def _headers(prefer: Iterable[str], if_match: str | None, if_none_match: str | None, *, strong: bool) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "OData-MaxVersion": "4.0",
        "OData-Version": "4.0",
        "User-Agent": "ipex-portal",
    }
    if if_match:
        headers["If-Match"] = if_match
    if if_none_match or not if_match:  # "null" keeps expanded records from coming out of a cache
        headers["If-None-Match"] = if_none_match or "null"
    if preferences := ",".join(prefer):
        headers["Prefer"] = preferences
    if strong:
        headers["Consistency"] = "Strong"
    return headers


def _template(path: str) -> str:
    """The path for metrics and logs: no query, no ids, no key values."""
    path = path.partition("?")[0]
    if "://" in path:
        path = urlsplit(path).path.partition(API)[2] or "link"
    return re.sub(r"\([^/]*\)", "(…)", path)


def _log(call: _Call, error: errors.DataverseError) -> None:
    logger.info(
        "%s %s: %s %s %s request %s",
        call.method, call.template, type(error).__name__, error.status, error.code, error.request_id,
    )  # fmt: skip


def _checked_origin(origin: str) -> str:
    parts = urlsplit(origin)
    loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    plain = origin.rstrip("/").lower() == f"{parts.scheme}://{parts.netloc}".lower()
    if not parts.hostname or "@" in parts.netloc or not plain:
        raise ValueError("The origin of an instance is https://HOST and nothing more.")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError("Dataverse is reached over https only.")
    return origin.rstrip("/").lower()


def _both_hosts(origin: str) -> frozenset[str]:
    """An instance answers at org.crm4.dynamics.com and at org.api.crm4.dynamics.com, and links may name either."""
    organization, _, rest = origin.partition(".")
    plain = rest.removeprefix("api.")
    if not (origin.startswith("https://") and re.match(r"crm\d*\.", plain)):
        return frozenset({origin})
    return frozenset({f"{organization}.{plain}", f"{organization}.api.{plain}"})
