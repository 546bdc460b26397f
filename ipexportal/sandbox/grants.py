"""What the sandbox's Entra has handed out: codes, refresh tokens and access tokens, and who holds them."""

import base64
import hashlib
import hmac
import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ipexportal.sandbox.directory import User
from ipexportal.sandbox.entra_errors import Refusal

GRAPH = "00000003-0000-0000-c000-000000000000"
CODE_LIFETIME = 600  # seconds; Microsoft: "OAuth 2.0 authorization code flow"
_OIDC = frozenset({"openid", "profile", "email", "offline_access"})
_GRAPH_SCOPES = frozenset(
    {"User.Read", "https://graph.microsoft.com/User.Read", "https://graph.microsoft.com/.default"}
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What an application asks for: the resource (`audience`), the rights on it, and OpenID's own scopes."""

    audience: str
    granted: tuple[str, ...]
    openid: bool
    offline: bool


def read_scope(text: str, is_ours: Callable[[str], bool], tenant: str) -> Scope:
    """Read `<origin>/user_impersonation openid …`; raises Refusal 70011, or 500011 for an origin that is not ours."""
    wanted = text.split()
    rights = [scope for scope in wanted if scope not in _OIDC]
    if not wanted:
        raise Refusal(70011, scope="")
    if all(scope in _GRAPH_SCOPES for scope in rights):
        return Scope(GRAPH, tuple(wanted), "openid" in wanted, "offline_access" in wanted)
    resources = {resource_of(scope, is_ours, tenant) for scope in rights}
    if len(resources) != 1:
        raise Refusal(70011, scope=" ".join(rights))
    resource = resources.pop()
    granted = dict.fromkeys([f"{resource}/user_impersonation", *rights])
    return Scope(resource.rstrip("/"), tuple(granted), "openid" in wanted, "offline_access" in wanted)


def resource_of(scope: str, is_ours: Callable[[str], bool], tenant: str) -> str:
    """The resource of one scope; a doubled slash stays part of it, as Microsoft documents for `…//.default`."""
    resource, slash, right = scope.rpartition("/")
    if not slash or right not in ("user_impersonation", ".default") or not urlsplit(resource).netloc:
        raise Refusal(70011, scope=scope)
    if not is_ours(resource):
        raise Refusal(500011, resource=resource, tenant=tenant)
    return resource


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code: who signed in, and what the request for it said."""

    user: User
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    challenge: str
    method: str
    tenant: str
    expires: float

    def check_verifier(self, verifier: str) -> None:
        """Raise Refusal 501481 unless the PKCE verifier belongs to the challenge (RFC 7636)."""
        if not self.challenge and not verifier:
            return
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        expected = digest if self.method == "S256" else verifier
        if not hmac.compare_digest(expected.encode(), self.challenge.encode()):
            raise Refusal(501481)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refresh token: bound to user and application, not to a resource, and never dead because a newer one exists."""

    user: User
    client_id: str
    scope: str
    number: int


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom an access token speaks for, and to which resource; `expires` in seconds since 1970."""

    user: User
    client_id: str
    audience: str
    expires: float


@dataclass(slots=True)
class Grants:
    """The running sandbox's grants. Tests change `expires_in`, `needs_mfa`, `disabled` through the control."""

    expires_in: int = 3600
    needs_mfa: set[str] = field(default_factory=set)
    disabled: set[str] = field(default_factory=set)
    _codes: dict[str, Code] = field(default_factory=dict)
    _spent: set[str] = field(default_factory=set)
    _renewals: dict[str, Renewal] = field(default_factory=dict)
    _bearers: dict[str, Bearer] = field(default_factory=dict)
    _revoked: dict[str, int] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def new_code(self, code: Code) -> str:
        """Keep a code until it is redeemed."""
        text = f"1.{secrets.token_urlsafe(48)}"
        self._codes[text] = code
        return text

    def redeem(self, text: str, *, client_id: str, redirect_uri: str, verifier: str) -> Code:
        """Give what the code stands for, once; raises Refusal 54005, 70008, 700005, 500112, 501481 or 9002313."""
        if text in self._spent:
            raise Refusal(54005)
        code = self._codes.get(text)
        if code is None:
            raise Refusal(70000)
        if code.client_id != client_id:
            raise Refusal(700005)
        if code.redirect_uri != redirect_uri:
            raise Refusal(500112, redirect_uri=redirect_uri, expected=code.redirect_uri)
        code.check_verifier(verifier)
        del self._codes[text]
        self._spent.add(text)
        if code.expires < time.time():
            raise Refusal(70008)
        return code

    def new_renewal(self, user: User, client_id: str, scope: str) -> str:
        """Give a refresh token; those given before stay valid."""
        text = f"1.{secrets.token_urlsafe(64)}"
        self._renewals[text] = Renewal(user, client_id, scope, next(self._numbers))
        return text

    def renew(self, text: str, *, client_id: str) -> Renewal:
        """Give what a refresh token stands for; raises Refusal 70000, 50173, 50057 or 50076."""
        renewal = self._renewals.get(text)
        if renewal is None or renewal.client_id != client_id:
            raise Refusal(70000)
        if renewal.number < self._revoked.get(renewal.user.upn, 0):
            raise Refusal(50173)
        if self.is_disabled(renewal.user):
            raise Refusal(50057)
        if renewal.user.upn in self.needs_mfa:
            raise Refusal(50076)
        return renewal

    def is_disabled(self, user: User) -> bool:
        """Whether the account is disabled, in the directory or by a test."""
        return user.disabled or user.upn in self.disabled

    def keep_bearer(self, token: str, bearer: Bearer) -> None:
        """Remember an access token that was signed; forget those long over, so that a soak does not grow."""
        if len(self._bearers) >= 50_000:
            now = time.time()
            self._bearers = {key: kept for key, kept in self._bearers.items() if kept.expires > now}
        self._bearers[token] = bearer

    def bearer(self, token: str) -> Bearer | None:
        """Whom the token speaks for; None when nobody, or when its time is over."""
        bearer = self._bearers.get(token)
        return bearer if bearer and bearer.expires > time.time() else None

    def revoke(self, upn: str) -> None:
        """Kill the refresh tokens of one person, as an administrator's "revoke sessions" does."""
        self._revoked[upn] = next(self._numbers) + 1

    def expire_bearers(self) -> None:
        """End every access token given so far."""
        self._bearers.clear()

    def reset(self) -> None:
        """Undo what tests changed; sign-ins stay."""
        self.expires_in = 3600
        self.needs_mfa.clear()
        self.disabled.clear()
