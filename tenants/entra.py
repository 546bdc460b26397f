"""Microsoft sign-in and tokens, through MSAL.

MSAL 1.39 refuses http authorities and endpoints, keeps failures for a minute, sets no time-outs and leaves aud, iss, exp and
tid of an id token unchecked. `_Transport` gives it time-outs and, where a loopback stand-in is allowed, maps exactly that
origin between https (what MSAL sees) and http (what is on the wire). The checks are in `_checked`.

No function here holds a transaction or a lock while it talks to Microsoft: a refresh takes a lease on the row, asks, and
stores by compare-and-set on `token_version`; losing is harmless, because old refresh tokens stay valid.

Source: Microsoft, "OAuth 2.0 authorization code flow", "ID token claims reference", "Refresh tokens", "AADSTS error codes".
"""

from __future__ import annotations

import json
import re
import uuid
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import sleep, time
from typing import TYPE_CHECKING, Any

import requests
from django.conf import settings
from django.db import close_old_connections
from django.db.models import F, Q
from django.utils import timezone

from tenants import credentials
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError, SignInRequired, Unavailable
from tenants.dataverse.transport import shared_session
from tenants.fields import seal
from tenants.models import Agent, Instance, MicrosoftConnection, SystemAccount

if TYPE_CHECKING:
    from msal import ConfidentialClientApplication, SerializableTokenCache

# MSAL recommends form_post; that is a cross-site POST, to which browsers give no Lax cookie (design: response_mode query).
warnings.filterwarnings("ignore", message="response_mode='form_post'", category=UserWarning)

Holder = Agent | MicrosoftConnection | SystemAccount
REFRESH_AHEAD = timedelta(minutes=10)
LEASE = timedelta(seconds=20)
DISCOVERY_SECONDS = 3600
CLOCK_SKEW = 300
SIGN_IN_BUDGET = 15.0
INTERACTION = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})

_discovered: dict[str, tuple[float, dict[str, Any]]] = {}  # address → when, document
_known: dict[uuid.UUID, tuple[int, str, float]] = {}  # holder's code → token_version, access token, expiry
_ahead = ThreadPoolExecutor(max_workers=4, thread_name_prefix="token-refresh")


class EntraMisconfigured(DataverseError):
    """Entra refuses the application itself: wrong or expired secret, unknown client, no such resource."""

    acts = "admin"
    sentence = "Microsoft does not accept the application's registration."


class NotTrusted(Exception):
    """The answer to a sign-in is not one we may believe. `reason` is a short word for sentences and logs."""

    def __init__(self, reason: str, account: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.account = account


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, all claims checked; tokens are in `cache` (MSAL's JSON) and nowhere else yet.

    Of a sign-in that only asks who it is (no instance), there are none.
    """

    directory_id: uuid.UUID
    object_id: uuid.UUID
    principal_name: str
    access_token: str
    expires_at: datetime
    cache: str
    name: str = ""


# -- the wire ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise requests.HTTPError(f"HTTP {self.status_code}")


class _Transport:
    """MSAL's http_client: our pooled session, a budget, no redirects, discovery remembered for an hour."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def get(self, url: str, *, params: Any = None, headers: Any = None, **_: Any) -> _Answer:
        read_at, document = _discovered.get(url, (0.0, {}))
        if time() - read_at < DISCOVERY_SECONDS:
            return _Answer(200, json.dumps(document), {})
        answer = self._ask("GET", url, params=params, headers=headers)
        if answer.status_code != 200 or not url.endswith("/.well-known/openid-configuration"):
            return answer
        _discovered[url] = time(), _as_msal_wants(json.loads(answer.text))
        return _Answer(200, json.dumps(_discovered[url][1]), answer.headers)

    def post(self, url: str, *, params: Any = None, data: Any = None, headers: Any = None, **_: Any) -> _Answer:
        return self._ask("POST", url, params=params, data=data, headers=headers)

    def close(self) -> None:
        pass

    def _ask(self, method: str, url: str, **parts: Any) -> _Answer:
        left = self.budget.left()
        if left <= 0:
            raise Unavailable("There was no time left to ask Microsoft.")
        if not _starts(_on_the_wire(url), settings.ENTRA_AUTHORITY):
            raise Unavailable("Microsoft's sign-in service names an endpoint elsewhere; it was not asked.")
        response = shared_session().request(
            method, _on_the_wire(url), timeout=(min(3.0, left), left), allow_redirects=False, **parts
        )
        return _Answer(response.status_code, response.text, response.headers)


def _loopback_authority() -> str:
    """The one origin that is http on the wire, or ""."""
    plain = settings.ENTRA_AUTHORITY.startswith("http://")
    return settings.ENTRA_AUTHORITY if plain and settings.ALLOW_LOOPBACK_MICROSOFT else ""


def _on_the_wire(url: str) -> str:
    plain = _loopback_authority()
    secure = plain.replace("http://", "https://", 1)
    return plain + url.removeprefix(secure) if plain and _starts(url, secure) else url


def _as_msal_wants(document: dict[str, Any]) -> dict[str, Any]:
    """Discovery with the loopback origin as https."""
    plain = _loopback_authority()
    secure = plain.replace("http://", "https://", 1)
    return {
        name: secure + value.removeprefix(plain)
        if plain and isinstance(value, str) and _starts(value, plain)
        else value
        for name, value in document.items()
    }


def _starts(url: str, origin: str) -> bool:
    return url == origin or url.startswith((f"{origin}/", f"{origin}?"))


def _authority(directory: uuid.UUID | str) -> str:
    return f"{settings.ENTRA_AUTHORITY.replace('http://', 'https://', 1)}/{directory}"


def _application(
    directory: uuid.UUID | str,
    budget: Budget,
    cache: SerializableTokenCache,
    client_id: str,
    credential: str | dict[str, str],
    *,
    without: tuple[str, ...] = (),
) -> ConfidentialClientApplication:
    import msal  # takes a quarter of a second; commands that never sign in should not pay for it

    if not (client_id and credential):
        raise EntraMisconfigured("The portal's registration with Microsoft is not configured.")
    return msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential,
        authority=_authority(directory),
        instance_discovery=False,
        token_cache=cache,
        http_client=_Transport(budget),
        exclude_scopes=list(without),
    )


def _empty_cache(text: str = "") -> SerializableTokenCache:
    import msal

    cache = msal.SerializableTokenCache()
    cache.deserialize(text or None)
    return cache


def user_scope(instance: Instance) -> list[str]:
    return [f"{instance.url}/user_impersonation"]


# -- sign-in -----------------------------------------------------------------------------------------------------------


def begin(instance: Instance | None, *, login_hint: str = "") -> tuple[dict[str, Any], str]:
    """The flow to keep (secret) and the address to send the browser to. Raises DataverseError.

    Without an instance any company's account will do, and nothing is asked for but who it is.
    """
    flow = _signing_in(instance, _empty_cache()).initiate_auth_code_flow(
        user_scope(instance) if instance else [],
        redirect_uri=redirect_uri(),
        login_hint=login_hint or None,
        prompt="select_account",
        response_mode="query",
    )
    address = _on_the_wire(flow["auth_uri"])
    if not _starts(address, settings.ENTRA_AUTHORITY):
        raise Unavailable("Microsoft's sign-in service sends browsers elsewhere; nobody was sent.")
    return flow, address


def redirect_uri() -> str:
    """The one that is registered with Microsoft, of every flow."""
    return f"{settings.PORTAL_URL}/signin/microsoft/callback/"


def _signing_in(instance: Instance | None, cache: SerializableTokenCache) -> ConfidentialClientApplication:
    from msal.exceptions import MsalServiceError

    try:
        return _application(
            _home(instance),
            Budget(SIGN_IN_BUDGET),
            cache,
            settings.ENTRA_CLIENT_ID,
            settings.ENTRA_CLIENT_SECRET,
            without=() if instance else ("offline_access",),
        )
    except (requests.RequestException, MsalServiceError, ValueError) as error:
        raise Unavailable("Microsoft's sign-in service does not answer.") from error


def _home(instance: Instance | None) -> uuid.UUID | str:
    return (instance.directory_id if instance else None) or "organizations"


def redeem(instance: Instance | None, flow: dict[str, Any], query: dict[str, str]) -> Identity:
    """Exchange the callback's code and check everything. Raises NotTrusted, DataverseError; stores nothing."""
    from msal.exceptions import MsalServiceError

    if "error" in query:
        raise NotTrusted(error_code(query) or "access_denied")
    cache = _empty_cache()
    app = _signing_in(instance, cache)
    try:
        result = app.acquire_token_by_auth_code_flow(flow, query)
    except ValueError as error:
        raise NotTrusted("state") from error
    except RuntimeError as error:
        raise NotTrusted("nonce") from error
    except (requests.RequestException, MsalServiceError) as error:
        raise Unavailable("Microsoft's sign-in service does not answer.") from error
    if "access_token" not in result:
        raise NotTrusted(error_code(result) or "no_token")
    identity = _checked(result, cache.serialize(), instance)
    return identity if instance else replace(identity, access_token="", cache="")


def _issuer(directory: uuid.UUID | str) -> str:
    """What the discovery document of that directory calls itself."""
    _, document = _discovered[f"{_authority(directory)}/v2.0/.well-known/openid-configuration"]
    return _on_the_wire(str(document.get("issuer", "")))


def _checked(result: dict[str, Any], cache: str, instance: Instance | None) -> Identity:
    """All that MSAL leaves unchecked (ID token claims reference)."""
    claims = result.get("id_token_claims") or {}
    account = str(claims.get("preferred_username", ""))
    try:
        directory, person = uuid.UUID(str(claims["tid"])), uuid.UUID(str(claims["oid"]))
        fresh = float(claims["exp"]) + CLOCK_SKEW > time() and float(claims.get("nbf", 0)) - CLOCK_SKEW < time()
    except (KeyError, ValueError, TypeError) as error:
        raise NotTrusted("claims", account) from error
    if claims.get("aud") != settings.ENTRA_CLIENT_ID:
        raise NotTrusted("audience", account)
    if not fresh:
        raise NotTrusted("expired", account)
    if instance and directory != instance.directory_id:
        raise NotTrusted("other_directory", account)
    issuer = _issuer(_home(instance)).replace("{tenantid}", str(directory))
    if claims.get("iss") != issuer:
        raise NotTrusted("issuer", account)
    expires_at = timezone.now() + timedelta(seconds=int(result.get("expires_in", 0)))
    name = str(claims.get("name", ""))
    return Identity(directory, person, account, result["access_token"], expires_at, cache, name)


def error_code(answer: Mapping[str, Any]) -> str:
    """ "AADSTS50076" from an error answer or redirect, else its `error` word; what people can look up."""
    if found := re.search(r"AADSTS\d{4,8}", str(answer.get("error_description", ""))):
        return found[0]
    if codes := answer.get("error_codes"):
        return f"AADSTS{codes[0]}"
    return re.sub(r"[^a-z_]", "", str(answer.get("error", "")).lower())[:40]


# -- tokens ------------------------------------------------------------------------------------------------------------


def token_for(holder: Holder, *, budget: Budget, force: bool = False) -> str:
    """A bearer token for the holder's instance.

    Valid for less than ten minutes: it is used and refreshed beside. Expired, or `force` because Dataverse refused it:
    whoever gets the lease asks Microsoft, the others wait within their budget. `holder` needs a fresh row.
    Raises SignInRequired (`code` says why), Unavailable, EntraMisconfigured.
    """
    if isinstance(holder, MicrosoftConnection) and not holder.is_live:
        raise SignInRequired(code=holder.sign_in_error or "ended")
    token, left = _stored(holder)
    if token and left > 0 and not force:
        if left < REFRESH_AHEAD.total_seconds() and _take_lease(holder):
            _ahead.submit(_refresh_beside, holder, Budget(SIGN_IN_BUDGET))
        return token
    if isinstance(holder, Agent) and not holder.is_signed_in:
        raise SignInRequired(code=holder.sign_in_error or "never")
    version = holder.token_version
    if _take_lease(holder):
        return _refresh(holder, budget)
    return _wait_for_other(holder, version, budget)


def sign_out(agent: Agent) -> None:
    """Forget the tokens; whoever is refreshing right now loses the compare-and-set."""
    forget(Agent.objects.filter(pk=agent.pk))


def forget(agents: Any) -> int:
    """Erase the tokens of these agents (QuerySet). What binds them to their account stays."""
    return int(
        agents.update(
            token_cache=b"", token_version=F("token_version") + 1, token_expires_at=None, refresh_lease_until=None
        )
    )


def _stored(holder: Holder) -> tuple[str, float]:
    """The access token and its seconds left; decrypted once per version and process."""
    version, token, expires = _known.get(holder.code, (-1, "", 0.0))
    if version != holder.token_version:
        token, expires = _access_token(holder.token_cache)
        if len(_known) > 10_000:
            _known.clear()
        _known[holder.code] = holder.token_version, token, expires
    return token, expires - time()


def _access_token(cache: str) -> tuple[str, float]:
    entries = list(json.loads(cache).get("AccessToken", {}).values()) if cache else []
    newest = max(entries, key=lambda entry: int(entry["expires_on"]), default=None)
    return (newest["secret"], float(newest["expires_on"])) if newest else ("", 0.0)


def _take_lease(holder: Holder) -> bool:
    now = timezone.now()
    free = Q(refresh_lease_until__isnull=True) | Q(refresh_lease_until__lt=now)
    rows = type(holder)._default_manager.filter(free, pk=holder.pk, token_version=holder.token_version)
    return bool(rows.update(refresh_lease_until=now + LEASE))


def _refresh_beside(holder: Holder, budget: Budget) -> None:
    try:
        _refresh(holder, budget)
    except DataverseError:
        pass  # the token still works; the next request, or the one after its end, asks again
    finally:
        close_old_connections()


def _refresh(holder: Holder, budget: Budget) -> str:
    """Ask Microsoft for a new token, with the lease taken."""
    cache = _empty_cache(holder.token_cache)
    try:
        result = _asked(holder, cache, budget)
    except Exception:
        _store(holder, refresh_lease_until=None)
        raise
    if "access_token" in result:
        return _keep(holder, cache, result)
    code = error_code(result)
    if result.get("error") in INTERACTION:
        _store(holder, refresh_lease_until=None, sign_in_error=code or "expired")
        raise SignInRequired(code=code or "expired")
    _store(holder, refresh_lease_until=None)
    raise EntraMisconfigured(code=code)


def _asked(holder: Holder, cache: SerializableTokenCache, budget: Budget) -> dict[str, Any]:
    from msal.exceptions import MsalServiceError

    try:
        return (
            _as_system(holder, cache, budget)
            if isinstance(holder, SystemAccount)
            else _as_person(holder, cache, budget)
        )
    except (requests.RequestException, MsalServiceError, ValueError) as error:
        raise Unavailable("Microsoft's sign-in service does not answer.") from error


def _as_person(holder: Agent | MicrosoftConnection, cache: SerializableTokenCache, budget: Budget) -> dict[str, Any]:
    instance = holder.tenant.instance if isinstance(holder, Agent) else holder.instance
    app = _application(holder.directory_id or "", budget, cache, settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_SECRET)
    accounts = app.get_accounts()
    if not accounts:
        return {"error": "invalid_grant", "error_description": ""}
    result = app.acquire_token_silent_with_error(user_scope(instance), account=accounts[0], force_refresh=True)
    return dict(result or {"error": "invalid_grant", "error_description": ""})


def _as_system(account: SystemAccount, cache: SerializableTokenCache, budget: Budget) -> dict[str, Any]:
    """The newest credential first, an older one where that is refused; what is told is why the newest was."""
    instance = account.instance
    first: dict[str, Any] = {}
    outcomes: dict[str, str] = {}
    for each in credentials.of(account):
        app = _application(instance.directory_id or "", budget, cache, str(account.client_id), each.for_msal(account))
        app.remove_tokens_for_client()
        result: dict[str, Any] = app.acquire_token_for_client([f"{instance.url}/.default"])
        refused = result.get("error") == "invalid_client"
        if refused or "access_token" in result:
            outcomes[each.name] = error_code(result) if refused else ""
        if not refused:
            first = result
            break
        first = first or result
    credentials.note_tries(account, outcomes)
    return first or {"error": "invalid_client"}


def _keep(holder: Holder, cache: SerializableTokenCache, result: dict[str, Any]) -> str:
    _store(
        holder,
        token_cache=seal(holder, "token_cache", cache.serialize()),
        token_version=holder.token_version + 1,
        token_expires_at=datetime.fromtimestamp(time() + int(result.get("expires_in", 0)), UTC),
        refresh_lease_until=None,
        sign_in_error="",
    )
    token: str = result["access_token"]
    return token


def _store(holder: Holder, **values: Any) -> None:
    """Compare-and-set: after a sign-out, disabling or a newer token, nothing is restored."""
    unchanged: dict[str, Any] = {"pk": holder.pk, "token_version": holder.token_version}
    if isinstance(holder, Agent):
        unchanged["window"] = True
    if type(holder)._default_manager.filter(**unchanged).update(**values):
        for name, value in values.items():
            setattr(holder, name, value)


def _wait_for_other(holder: Holder, version: int, budget: Budget) -> str:
    """Somebody else refreshes, perhaps another thread with this very object: look at the row until it is newer."""
    while not budget.expired:
        sleep(min(0.05, budget.left()))
        holder.refresh_from_db()
        token, left = _stored(holder)
        if holder.token_version != version and token and left > 0:
            return token
        if isinstance(holder, Agent) and not holder.is_signed_in:
            raise SignInRequired(code=holder.sign_in_error or "never")
        if holder.refresh_lease_until is None and holder.token_version == version:
            break
    raise Unavailable("Microsoft's sign-in service does not answer.")
