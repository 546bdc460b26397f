"""The one door to tenant data: for people with a portal session, and for machines with a key."""

from __future__ import annotations

import base64
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from uuid import UUID

from django.core import signing
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import limits
from tenants.briefly import Briefly
from tenants.models import ApiKey, Instance, Tenant, digest
from tenants.prepared import Prepared

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import QuerySet
    from django.http import HttpRequest

TOKEN_SECONDS = 3600
TOKEN_PREFIX = "ipx_token_"  # noqa: S105
USE_IS_NOTED_EVERY = timedelta(minutes=1)
_keys: Briefly[ApiKey] = Briefly()
_signer = signing.TimestampSigner(sep=".", salt="tenants.access.token")  # "." may stand in a bearer token, ":" not


class Refused(Exception):
    """The machine API answers this HTTP status with this sentence. 401: no such key; 403: not this, or not from here;
    429: too often, welcome again after `seconds`.
    """

    def __init__(self, status: int, sentence: str, seconds: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.seconds = seconds


# People


def tenants_of(user: User | AnonymousUser) -> QuerySet[Tenant]:
    """The customers whose pages this user may see: staff all, members their own, others none."""
    rows = Tenant.objects.select_related("instance")
    if not (user.is_authenticated and user.is_active):
        return rows.none()
    return rows if user.is_staff else rows.filter(memberships__user=user)


def get_tenant(request: HttpRequest, code: UUID | str) -> Tenant:
    """The customer of that public code. Raises Http404 for strangers, who cannot tell it from "there is none"."""
    try:
        return tenants_of(request.user).get(code=UUID(str(code)))
    except (Tenant.DoesNotExist, ValueError):
        raise Http404 from None


def instances_of(user: User | AnonymousUser) -> QuerySet[Instance]:
    """What this user may see in the portal: staff everything, members their own customer's, others nothing."""
    rows = Instance.objects.select_related("tenant")
    if not (user.is_authenticated and user.is_active):
        return rows.none()
    return rows if user.is_staff else rows.filter(tenant__memberships__user=user)


def get_instance(request: HttpRequest, code: UUID | str) -> Instance:
    """The instance of that public code. Raises Http404 for strangers, who cannot tell it from "there is none"."""
    try:
        return instances_of(request.user).get(code=UUID(str(code)))
    except (Instance.DoesNotExist, ValueError):
        raise Http404 from None


# Machines


def key_from(request: HttpRequest, scope: str) -> ApiKey:
    """The live key of a request, from `Authorization: Bearer` (a key or its token) or Basic (password = key).

    Raises Refused: unknown, revoked and expired keys are one case; whoever holds a live key hears what it lacks.
    """
    return open_with(presented(request), scope, address=str(request.META.get("REMOTE_ADDR", "")))


def presented(request: HttpRequest) -> str:
    """What stands in the Authorization header, "" when there is nothing to use."""
    method, _space, value = request.headers.get("Authorization", "").strip().partition(" ")
    if method.lower() == "bearer":
        return value.strip()
    return _password(value) if method.lower() == "basic" else ""


def open_with(text: str, scope: str | None, *, address: str = "") -> ApiKey:
    """The key that this text, a key or a token, is; `scope` None takes any (asking for a token). Raises Refused."""
    if not text:
        raise Refused(401, _("An API key is missing. Send it as “Authorization: Bearer ipx_…”."))
    renewing = scope is None and text.startswith(TOKEN_PREFIX)  # a token must not outlive its hour by itself
    key = _key_of(text) if text.isascii() and not renewing else None
    if key is None or not key.is_live():
        _spend("wrong_key", limits.network_of(address))
        raise Refused(401, _("This API key is not valid."))
    if not _is_allowed(key, address):
        raise Refused(403, _("This API key may not be used from this address."))
    if scope is not None and key.scope != scope:
        raise Refused(
            403, _("This API key is for “%(has)s”, not for “%(wanted)s”.") % {"has": key.scope, "wanted": scope}
        )
    _spend("api_call", key.pk)
    _note_use(key)
    return key


def _spend(name: str, subject: object) -> None:
    """Raises Refused. Wrong keys are counted by the address; a right one from there is not held back by them."""
    try:
        (limits.spend if name == "wrong_key" else limits.spend_here)(name, subject)
    except limits.TooOften as refusal:
        raise Refused(429, str(refusal), refusal.seconds) from None


def token_for(key: ApiKey) -> str:
    """An access token that opens what the key opens, for TOKEN_SECONDS, and dies with it."""
    return TOKEN_PREFIX + _signer.sign(key.code.hex)


_WITH_INSTANCE = ApiKey.objects.select_related("tenant__instance").defer("tenant__instance__metadata")
_BY_DIGEST = Prepared(lambda digest: _WITH_INSTANCE.filter(digest=digest)[:1])
_BY_CODE = Prepared(lambda code: _WITH_INSTANCE.filter(code=code)[:1])


def _key_of(text: str) -> ApiKey | None:
    if not text.startswith(TOKEN_PREFIX):
        hashed = digest(text)
        return _keys.of(hashed, lambda: _BY_DIGEST.first(digest=hashed))
    try:
        code = UUID(_signer.unsign(text.removeprefix(TOKEN_PREFIX), max_age=TOKEN_SECONDS))
        return _keys.of(code, lambda: _BY_CODE.first(code=code))
    except (signing.BadSignature, ValueError):
        return None


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:  # neither Base64 nor ASCII nor UTF-8
        return ""


def _is_allowed(key: ApiKey, address: str) -> bool:
    if not key.allowed_addresses:
        return True
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in ip_network(network) for network in key.allowed_addresses)


def _note_use(key: ApiKey) -> None:
    """At most one write a minute, so that a busy webhook does not queue on its key's row."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - USE_IS_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
        key.last_used_at = now
