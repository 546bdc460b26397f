"""The stand-in's own switches, for tests (`Sandbox.control`) and for anything else over `/_sandbox/…` as JSON.

| request | act |
|---|---|
| `GET /_sandbox/state` | mode, faults still to come, counts, the last requests (`?last=50`) |
| `POST /_sandbox/faults` | order a fault: the fields of `faults.Fault`; answers it with its `id` |
| `GET`, `DELETE /_sandbox/faults` | list; forget all |
| `DELETE /_sandbox/faults/ID` | forget one |
| `POST /_sandbox/microsoft` | `{"mode": "running"\\|"slow"\\|"throttling"\\|"down"}` |
| `POST /_sandbox/latency` | `{"ms": 80}` |
| `POST /_sandbox/expires_in` | `{"seconds": 60}`: life of the access tokens given from now on |
| `POST /_sandbox/expire_tokens` | end all access tokens given so far |
| `POST /_sandbox/revoke_sign_ins`, `require_mfa`, `disable`, `enable` | `{"upn": …}` |
| `POST /_sandbox/membership` | `{"upn": …, "state": "member"\\|"absent"\\|"disabled"}`: their system user |
| `POST /_sandbox/rights` | `{"upn": …, "rights": {"prvReadContact": "Global", …}}` instead of their roles; `null`: the roles |
| `POST /_sandbox/expire_delta_tokens` | change tracking must begin anew (0x80044352) |
| `POST /_sandbox/track_changes` | `{"table": …, "on": true}`: a table's change tracking |
| `POST /_sandbox/organization` | `{"organization_id": …}`: what WhoAmI says, as in a copied environment; "" its own |
| `POST /_sandbox/reset` | forget faults, requests and everything else that was ordered; records and sign-ins stay |
"""

import inspect
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import parse_qs, urlsplit

from ipexportal.sandbox.directory import ORGANIZATION_ID, USERS, Depth
from ipexportal.sandbox.faults import FIELDS, Fault
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.jwt import Certificate

if TYPE_CHECKING:
    from ipexportal.sandbox.server import Application


class Control:
    """What can be ordered. Every method raises ValueError with one sentence for what makes no sense."""

    def __init__(self, application: "Application") -> None:
        self._application = application

    def fault(self, kind: str, **fields: Any) -> int:
        """Order a fault (the fields of `faults.Fault`) and give its number."""
        unknown = fields.keys() - FIELDS
        if unknown:
            raise ValueError(f"A fault has no field “{min(unknown)}”; it has {', '.join(FIELDS)}.")
        fault = Fault(kind, **fields)
        if fault.kind == "missing_privilege":
            self._take_away(fault)
        return self._application.faults.add(fault).id

    def _take_away(self, fault: Fault) -> None:
        if not fault.privilege:
            raise ValueError("Name the privilege, for example prvCreateLead.")
        fault.count = None
        self._application.dataverse.revoke(fault.privilege, _known(fault.upn) if fault.upn else None)

    def clear(self, number: int | None = None) -> None:
        """Forget one fault, or all of them; privileges come back."""
        for fault in self._application.faults.drop(number):
            if fault.kind == "missing_privilege":
                self._application.dataverse.grant(fault.privilege, fault.upn or None)

    def microsoft(self, mode: str) -> None:
        """How Microsoft as a whole is: running, slow, throttling or down."""
        self._application.faults.switch(mode)

    def latency(self, ms: float) -> None:
        """How long every Dataverse answer takes at least, from the arrival of its request."""
        if not isinstance(ms, int | float) or not 0 <= ms <= 60_000:
            raise ValueError("The latency lies between 0 and 60000 milliseconds.")
        self._application.latency = ms / 1000

    def expires_in(self, seconds: int) -> None:
        """Life of the access tokens given from now on."""
        if not isinstance(seconds, int) or not 0 <= seconds <= 86_400:
            raise ValueError("A token lives between 0 and 86400 seconds.")
        self._application.entra.grants.expires_in = seconds

    def expire_tokens(self) -> None:
        """End every access token given so far; refresh tokens stay."""
        self._application.entra.grants.expire_bearers()

    def revoke_sign_ins(self, upn: str) -> None:
        """Kill somebody's refresh tokens (AADSTS50173), as an administrator does."""
        self._application.entra.grants.revoke(_known(upn))

    def require_mfa(self, upn: str) -> None:
        """Refreshing fails with AADSTS50076 until the person signs in again and approves."""
        self._application.entra.grants.needs_mfa.add(_known(upn))

    def disable(self, upn: str) -> None:
        """Disable an account in Entra (AADSTS50057)."""
        self._application.entra.grants.disabled.add(_known(upn))

    def enable(self, upn: str) -> None:
        """Undo `disable`."""
        self._application.entra.grants.disabled.discard(_known(upn))

    def membership(self, upn: str, state: str) -> None:
        """Whether somebody's (or an application's) system user is there: member, absent or disabled."""
        if state not in ("member", "absent", "disabled"):
            raise ValueError("A membership is member, absent or disabled.")
        rights = self._application.dataverse.rights
        for name, people in (("absent", rights.absent), ("disabled", rights.disabled)):
            (people.add if state == name else people.discard)(_known(upn))
        self._show_disabled(upn, state == "disabled")

    def _show_disabled(self, upn: str, disabled: bool) -> None:
        """As everybody reads it who looks at that user."""
        store, user = self._application.dataverse.store, USERS[_known(upn)]
        if user.systemuser_id:
            store.update("systemuser", user.systemuser_id, {"isdisabled": int(disabled)})

    def rights(self, upn: str, rights: dict[str, Depth] | None) -> None:
        """Give somebody exactly these privileges, with depths, instead of their roles; None gives the roles back."""
        if rights is None:
            self._application.dataverse.rights.given.pop(_known(upn), None)
            return
        if not all(depth in get_args(Depth) for depth in rights.values()):
            raise ValueError(f"A depth is one of {', '.join(get_args(Depth))}.")
        self._application.dataverse.rights.given[_known(upn)] = dict(rights)

    def expire_delta_tokens(self) -> None:
        """Change tracking must begin anew (0x80044352), as after a long break."""
        self._application.dataverse.expire_delta_tokens()

    def track_changes(self, table: str, on: bool) -> None:
        """Switch change tracking of a table on or off. Microsoft only ever lets it be switched on."""
        self._application.dataverse.track_changes(table, on)

    def organization(self, organization_id: str) -> None:
        """What WhoAmI says the organization is: another id stands for a copied or restored environment, "" its own."""
        self._application.dataverse.organization_id = organization_id or ORGANIZATION_ID

    def register_certificate(self, client_id: str, pem: str) -> None:
        """Let an application prove itself with this certificate too."""
        registration = self._application.entra.registrations.get(client_id)
        if registration is None:
            raise ValueError(f"There is no application {client_id}.")
        registration.certificates.append(Certificate(pem))

    def register_redirect_uri(self, uri: str) -> None:
        """Accept one more redirect URI; those on loopback are accepted anyway."""
        self._application.entra.redirect_uris.add(uri)

    def reset(self) -> None:
        """Forget faults, requests seen and everything else that was ordered; records and sign-ins stay."""
        self.clear()
        self.microsoft("running")
        self._application.entra.grants.reset()
        for upn in self._application.dataverse.rights.disabled:
            self._show_disabled(upn, disabled=False)
        self._application.dataverse.rights.reset()
        self.organization("")
        self._application.forget_requests()

    def state(self, last: int = 50) -> dict[str, Any]:
        """What goes on: `microsoft`, `latency_ms`, `faults`, `counts` by side and status, the `last` requests.

        `busy` counts the requests that are being answered, also those whose caller did not wait.
        """
        application = self._application
        seen = list(application.requests)[-last:] if last > 0 else []
        return {
            "microsoft": application.faults.mode,
            "latency_ms": round(application.latency * 1000, 3),
            "faults": [fault.describe() for fault in application.faults.pending()],
            "busy": application.busy,
            "counts": dict(application.counts),
            "requests": [
                {"side": one.side, "method": one.method, "path": one.path, "status": one.status, "user": one.upn}
                for one in seen
            ],
        }


def _known(upn: str) -> str:
    if upn not in USERS:
        raise ValueError(f"There is no account {upn}.")
    return upn


def _json(status: int, body: Any) -> Response:
    headers = [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store")]
    return Response(status, headers, json.dumps(body, ensure_ascii=False).encode())


def _sentence(status: int, text: str) -> Response:
    return _json(status, {"error": text})


def _is_foreign(origin: str) -> bool:
    try:
        return urlsplit(origin).hostname not in ("127.0.0.1", "localhost")
    except ValueError:
        return True


def handle(control: Control, request: Request) -> Response:
    """Answer `/_sandbox/…`. A web page from elsewhere cannot reach it: a foreign Origin is refused."""
    if _is_foreign(request.headers.get("origin", request.origin)):
        return _sentence(403, "Only pages on this computer may use the sandbox's switches.")
    act, _, number = request.path.removeprefix("/_sandbox").strip("/").partition("/")
    try:
        return _act(control, request, act, number)
    except (ValueError, TypeError) as error:
        return _sentence(400, str(error))


def _act(control: Control, request: Request, act: str, number: str) -> Response:
    if act == "state" and request.method == "GET":
        last = parse_qs(request.query).get("last", ["50"])[0]
        return _json(200, control.state(int(last) if last.isdecimal() else 50))
    if act == "faults":
        return _faults(control, request, number)
    if request.method != "POST":
        return _sentence(405, "This switch is set with POST.")
    acts: dict[str, Callable[..., object]] = {
        name: getattr(control, name)
        for name in (
            "microsoft", "latency", "expires_in", "expire_tokens", "revoke_sign_ins", "require_mfa", "disable",
            "enable", "membership", "rights", "register_certificate", "register_redirect_uri", "reset",
            "expire_delta_tokens", "track_changes", "organization",
        )
    }  # fmt: skip
    if act not in acts or number:
        return _sentence(404, f"There is no switch “{act}”; there are faults, {', '.join(acts)}.")
    values = _values(request)
    takes = list(inspect.signature(acts[act]).parameters)
    if sorted(values) != sorted(takes):
        return _sentence(400, f"The switch “{act}” takes {', '.join(takes) or 'no fields'}.")
    acts[act](**values)
    return _json(200, control.state(last=0))


def _faults(control: Control, request: Request, number: str) -> Response:
    if request.method == "GET":
        return _json(200, control.state(last=0)["faults"])
    if request.method == "DELETE":
        if number and not number.isdecimal():
            raise ValueError("A fault is forgotten by its number.")
        control.clear(int(number) if number else None)
        return _json(200, control.state(last=0)["faults"])
    if request.method != "POST":
        return _sentence(405, "Faults are listed with GET, ordered with POST and forgotten with DELETE.")
    values = _values(request)
    if not isinstance(values.get("kind"), str):
        raise ValueError("Name the kind of fault.")
    ordered = control.fault(**values)
    faults = control.state(last=0)["faults"]
    return _json(201, next((fault for fault in faults if fault["id"] == ordered), {"id": ordered}))


def _values(request: Request) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    try:
        values = json.loads(request.body)
    except ValueError:
        raise ValueError("The body is not JSON.") from None
    if not isinstance(values, dict):
        raise ValueError("Send one JSON object.")
    return values
