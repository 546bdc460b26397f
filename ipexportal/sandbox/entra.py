"""The sandbox's Microsoft Entra ID: discovery, the authorize page, tokens, keys, admin consent, sign-out.

Sources: Microsoft, "OAuth 2.0 authorization code flow", "OAuth 2.0 client credentials flow", "ID token claims
reference", "Admin consent on the Microsoft identity platform".
"""

import hashlib
import json
import re
import secrets
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from ipexportal.sandbox import entra_pages
from ipexportal.sandbox.directory import ACME_TENANT, BETA_TENANT, PEOPLE, SYSTEM, USERS, User, is_admin
from ipexportal.sandbox.entra_errors import Refusal, Report
from ipexportal.sandbox.grants import CODE_LIFETIME, Bearer, Code, Grants, Scope, read_scope
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.jwt import Signer, b64
from ipexportal.sandbox.registrations import Registration, authenticate, find, registered

TENANTS: Final = {ACME_TENANT: "Acme", BETA_TENANT: "Beta"}
_DOMAINS: Final = {"acme.example": ACME_TENANT, "beta.example": BETA_TENANT}
_SHARED: Final = ("organizations", "common")
_SESSION_COOKIE: Final = "ESTSAUTHPERSISTENT"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_IN_A_HEADER: Final = re.compile(r"[!-\"$-~]{1,256}")
_PAGE_HEADERS: Final = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store, no-cache"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
]


def fields(text: str) -> dict[str, str]:
    """Read a query or form; of a repeated name the last counts."""
    return dict(parse_qsl(text, keep_blank_values=True))


def _json(body: dict[str, Any], *, cache: str = "no-store, no-cache") -> Response:
    headers = [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", cache)]
    return Response(200, [*headers, ("X-Content-Type-Options", "nosniff")], json.dumps(body).encode())


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request to /authorize."""

    tenant: str
    registration: Registration
    redirect_uri: str
    parameters: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.parameters.get(name, "")

    def back(self, **answer: str) -> Response:
        """Send the browser back to the application in the response mode it asked for."""
        answer = {name: value for name, value in {**answer, "state": self["state"]}.items() if value}
        mode = self["response_mode"] or "query"
        if mode == "form_post":
            page, policy = entra_pages.form_post(self.redirect_uri, answer)
            return Response(200, [*_PAGE_HEADERS, ("Content-Security-Policy", policy)], page.encode())
        joint = "#" if mode == "fragment" else "&" if "?" in self.redirect_uri else "?"
        headers = [("Location", f"{self.redirect_uri}{joint}{urlencode(answer)}"), *_PAGE_HEADERS[1:]]
        return Response(302, headers)

    def back_with(self, report: Report, **more: str) -> Response:
        """Send a refusal back to the application."""
        return self.back(
            error=report.refusal.kind.error,
            error_description=report.description,
            error_uri=f"https://login.microsoftonline.com/error?code={report.refusal.code}",
            **more,
        )


class Entra:
    """Both directories behind one origin. `is_resource` says which resources exist: the sandbox's own origins."""

    def __init__(self, *, is_resource: Callable[[str], bool]) -> None:
        self.grants = Grants()
        self.registrations = registered()
        self.redirect_uris: set[str] = set()
        self._is_resource = is_resource
        self._signer = Signer()
        self._sessions: dict[str, str] = {}
        self._routes: dict[str, Callable[[Request, str], Response]] = {
            "v2.0/.well-known/openid-configuration": self._discovery,
            "discovery/v2.0/keys": self._keys,
            "oauth2/v2.0/authorize": self._authorize,
            "oauth2/v2.0/authorize/pick": self._pick,
            "oauth2/v2.0/token": self._token,
            "oauth2/v2.0/logout": self._logout,
            "v2.0/adminconsent": self._admin_consent,
            "v2.0/adminconsent/pick": self._consent,
        }

    def knows(self, path: str) -> bool:
        """Whether the path is one of Entra's, whatever its tenant."""
        return path.strip("/").partition("/")[2] in self._routes

    def handle(self, request: Request) -> Response:
        """Answer one request; every refusal is answered as Entra words it."""
        name, _, route = request.path.strip("/").partition("/")
        try:
            return self._routes[route](request, _tenant(name))
        except Refusal as refusal:
            report = Report.of(refusal, request)
            if route.startswith("oauth2/v2.0/authorize") or route.startswith("v2.0/adminconsent"):
                return _error_page(request, report)
            return report.response(request.origin)

    def bearer(self, token: str) -> Bearer | None:
        """Whom an access token speaks for."""
        return self.grants.bearer(token)

    # discovery

    def _discovery(self, request: Request, tenant: str) -> Response:
        base = f"{request.origin}/{tenant or request.path.strip('/').partition('/')[0]}"
        return _json(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post", "private_key_jwt", "client_secret_basic",
                ],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "code_challenge_methods_supported": ["plain", "S256"],
                "issuer": f"{request.origin}/{tenant or '{tenantid}'}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                "claims_supported": [
                    "sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "preferred_username", "name", "oid", "tid",
                ],
                "tenant_region_scope": "EU",
                "cloud_instance_name": urlsplit(request.origin).netloc,
            },
            cache="max-age=86400, private",
        )  # fmt: skip

    def _keys(self, request: Request, tenant: str) -> Response:
        key = self._signer.jwk(f"{request.origin}/{tenant or '{tenantid}'}/v2.0")
        return _json({"keys": [key]}, cache="max-age=86400, private")

    # the authorize page

    def _authorize(self, request: Request, tenant: str) -> Response:
        parameters = fields(request.query) if request.method == "GET" else fields(request.body.decode(errors="replace"))
        asked = self._asked(parameters, tenant)
        try:
            self._check(asked)
        except Refusal as refusal:
            return asked.back_with(Report.of(refusal, request))
        signed_in = self._session(request)
        prompt = asked["prompt"]
        if prompt == "none":
            if signed_in is None:
                return asked.back_with(Report.of(Refusal(50058), request))
            return self._outcome(request, asked, signed_in)
        hint = asked["login_hint"].lower()
        if signed_in and not prompt and hint in ("", signed_in.upn):
            return self._outcome(request, asked, signed_in)
        return self._accounts_page(request, asked)

    def _accounts_page(self, request: Request, asked: Asked) -> Response:
        page = entra_pages.pick_an_account(
            people=PEOPLE,
            client_name=asked.registration.name,
            directory=TENANTS.get(asked.tenant, ""),
            hint=asked["login_hint"].lower(),
            parameters=asked.parameters,
            action=f"{_path(request)}/pick",
            language=request.headers.get("accept-language", ""),
        )
        return _page(page)

    def _pick(self, request: Request, tenant: str) -> Response:
        """What the page's buttons send (also as GET): /authorize's own parameters, and `user` or `cancel`."""
        parameters = {**fields(request.query), **fields(request.body.decode(errors="replace"))}
        chosen, approved = parameters.pop("user", ""), parameters.pop("approve", "")
        cancelled = parameters.pop("cancel", "")
        asked = self._asked(parameters, tenant)
        try:
            self._check(asked)
        except Refusal as refusal:
            return asked.back_with(Report.of(refusal, request))
        if cancelled:
            return asked.back_with(Report.of(Refusal(65004), request), error_subcode="cancel")
        user = USERS.get(chosen.strip().lower())
        if user is None or user.application_id:
            raise Refusal(50034, upn=chosen, tenant=TENANTS.get(tenant, "organizations"))
        return self._outcome(request, asked, user, approved=bool(approved), chosen=True)

    def _outcome(
        self, request: Request, asked: Asked, user: User, *, approved: bool = False, chosen: bool = False
    ) -> Response:
        if self.grants.is_disabled(user):
            raise Refusal(50057)
        if asked.tenant and user.tenant != asked.tenant:
            raise Refusal(
                50020, upn=user.upn, home=user.tenant, tenant=TENANTS[asked.tenant],
                client_id=asked.registration.client_id, client_name=asked.registration.name,
            )  # fmt: skip
        if user.consent_refused:
            return asked.back_with(Report.of(Refusal(65004), request))
        if not approved and (user.upn in self.grants.needs_mfa or (chosen and user.mfa)):
            return self._second_factor(request, asked, user)
        if approved:
            self.grants.needs_mfa.discard(user.upn)
        return self._send_code(request, asked, user)

    def _second_factor(self, request: Request, asked: Asked, user: User) -> Response:
        if asked["prompt"] == "none":
            return asked.back_with(Report.of(Refusal(50076), request))
        page = entra_pages.approve(
            user,
            asked.parameters,
            action=f"{_path(request).removesuffix('/pick')}/pick",
            language=request.headers.get("accept-language", ""),
        )
        return _page(page)

    def _send_code(self, request: Request, asked: Asked, user: User) -> Response:
        code = self.grants.new_code(
            Code(
                user=user,
                client_id=asked.registration.client_id,
                redirect_uri=asked.redirect_uri,
                scope=asked["scope"],
                nonce=asked["nonce"],
                challenge=asked["code_challenge"],
                method=asked["code_challenge_method"] or "plain",
                tenant=user.tenant,
                expires=time.time() + CODE_LIFETIME,
            )
        )
        session = secrets.token_urlsafe(24)
        self._sessions[session] = user.upn
        client_info = _client_info(user) if asked["client_info"] == "1" else ""
        answer = asked.back(code=code, client_info=client_info, session_state=str(uuid.uuid4()))
        answer.headers.append(("Set-Cookie", f"{_SESSION_COOKIE}={session}; Path=/; HttpOnly; {_same_site(request)}"))
        return answer

    def _asked(self, parameters: dict[str, str], tenant: str) -> Asked:
        client_id, redirect_uri = parameters.get("client_id", ""), parameters.get("redirect_uri", "")
        if not client_id:
            raise Refusal(900144, parameter="client_id")
        registration = find(self.registrations, client_id, tenant)
        if not redirect_uri:
            raise Refusal(900971)
        if not self._is_registered(redirect_uri):
            raise Refusal(50011, redirect_uri=redirect_uri, client_id=client_id)
        return Asked(tenant, registration, redirect_uri, parameters)

    def _is_registered(self, redirect_uri: str) -> bool:
        try:
            parts = urlsplit(redirect_uri)
        except ValueError:
            return False
        is_loopback = parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK and not parts.username
        return redirect_uri in self.redirect_uris or (is_loopback and _IN_A_HEADER.fullmatch(redirect_uri) is not None)

    def _check(self, asked: Asked) -> None:
        """Refuse what may be told to the application itself."""
        if not asked["response_type"]:
            raise Refusal(900144, parameter="response_type")
        if asked["response_type"] != "code":
            raise Refusal(700051, response_type=asked["response_type"])
        if asked["response_mode"] not in ("", "query", "fragment", "form_post"):
            raise Refusal(9002313)
        method, challenge = asked["code_challenge_method"], asked["code_challenge"]
        if method not in ("", "plain", "S256") or (method and not challenge):
            raise Refusal(9002313)
        if method == "S256" and not re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge):
            raise Refusal(501491)
        read_scope(asked["scope"], self._is_resource, TENANTS.get(asked.tenant, "organizations"))

    def _session(self, request: Request) -> User | None:
        found = re.search(rf"(?:^|;\s*){_SESSION_COOKIE}=([^;]+)", request.headers.get("cookie", ""))
        return USERS.get(self._sessions.get(found[1], "")) if found else None

    # tokens

    def _token(self, request: Request, tenant: str) -> Response:
        if request.method != "POST":
            raise Refusal(900561, accepted="POST", received=request.method)
        form = fields(request.body.decode(errors="replace"))
        if not form.get("grant_type"):
            raise Refusal(900144, parameter="grant_type")
        endpoints = _both_schemes(f"{request.origin}{request.path}")
        registration = authenticate(
            self.registrations, form, request.headers.get("authorization", ""), endpoints, tenant
        )
        by_grant = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_client_credentials,
        }
        if form["grant_type"] not in by_grant:
            raise Refusal(70003, grant_type=form["grant_type"])
        return by_grant[form["grant_type"]](request, tenant, registration, form)

    def _by_code(self, request: Request, tenant: str, registration: Registration, form: dict[str, str]) -> Response:
        for name in ("code", "redirect_uri"):
            if not form.get(name):
                raise Refusal(900144, parameter=name)
        code = self.grants.redeem(
            form["code"],
            client_id=registration.client_id,
            redirect_uri=form["redirect_uri"],
            verifier=form.get("code_verifier", ""),
        )
        if tenant and code.tenant != tenant:
            raise Refusal(700005)
        if self.grants.is_disabled(code.user):
            raise Refusal(50057)
        scope = read_scope(form.get("scope") or code.scope, self._is_resource, tenant)
        return self._delegated(request, registration, code.user, scope, nonce=code.nonce, asked=code.scope)

    def _by_refresh_token(
        self, request: Request, tenant: str, registration: Registration, form: dict[str, str]
    ) -> Response:
        if not form.get("refresh_token"):
            raise Refusal(900144, parameter="refresh_token")
        renewal = self.grants.renew(form["refresh_token"], client_id=registration.client_id)
        if tenant and renewal.user.tenant != tenant:
            raise Refusal(700005)
        scope = read_scope(form.get("scope") or renewal.scope, self._is_resource, tenant)
        return self._delegated(request, registration, renewal.user, scope, nonce="", asked=renewal.scope)

    def _delegated(
        self, request: Request, registration: Registration, user: User, scope: Scope, *, nonce: str, asked: str
    ) -> Response:
        body = self._access_token(request, registration, user, scope.audience, name="scp")
        body["scope"] = " ".join(scope.granted)
        asked_for = {*asked.split(), *(["offline_access"] if scope.offline else [])}
        if "offline_access" in asked_for:
            body["refresh_token"] = self.grants.new_renewal(user, registration.client_id, asked)
        if scope.openid or "openid" in asked_for:
            body["id_token"] = self._id_token(request, registration, user, nonce)
        body["client_info"] = _client_info(user)
        return _json(body)

    def _by_client_credentials(
        self, request: Request, tenant: str, registration: Registration, form: dict[str, str]
    ) -> Response:
        text = form.get("scope", "")
        if not tenant or not text.endswith("/.default") or " " in text.strip():
            raise Refusal(1002012, scope=text)
        scope = read_scope(text, self._is_resource, tenant)
        user = _application(registration, tenant)
        return _json(self._access_token(request, registration, user, scope.audience, name="roles"))

    def _access_token(
        self, request: Request, registration: Registration, user: User, audience: str, *, name: str
    ) -> dict[str, Any]:
        now, lifetime = int(time.time()), self.grants.expires_in
        token = self._signer.sign(
            {
                "aud": audience, "iss": f"{request.origin}/{user.tenant}/v2.0", "iat": now, "nbf": now,
                "exp": now + lifetime, "oid": user.oid, "tid": user.tenant, "azp": registration.client_id,
                "sub": _subject(registration, user), "uti": secrets.token_urlsafe(16), "ver": "2.0",
                name: "user_impersonation" if name == "scp" else [],
            }
        )  # fmt: skip
        self.grants.keep_bearer(token, Bearer(user, registration.client_id, audience, time.time() + lifetime))
        return {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}

    def _id_token(self, request: Request, registration: Registration, user: User, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "ver": "2.0", "iss": f"{request.origin}/{user.tenant}/v2.0", "sub": _subject(registration, user),
            "aud": registration.client_id, "iat": now, "nbf": now, "exp": now + 3600, "name": user.name,
            "preferred_username": user.upn, "oid": user.oid, "tid": user.tenant,
        }  # fmt: skip
        return self._signer.sign({**claims, "nonce": nonce} if nonce else claims)

    # the rest

    def _logout(self, request: Request, tenant: str) -> Response:
        target = fields(request.query).get("post_logout_redirect_uri", "")
        ended = ("Set-Cookie", f"{_SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; {_same_site(request)}")
        if target and self._is_registered(target):
            return Response(302, [("Location", target), ended, *_PAGE_HEADERS[1:]])
        answer = _page(entra_pages.signed_out(request.headers.get("accept-language", "")))
        answer.headers.append(ended)
        return answer

    def _admin_consent(self, request: Request, tenant: str) -> Response:
        asked = self._asked(fields(request.query), tenant)
        page = entra_pages.consent(
            [user for user in PEOPLE if is_admin(user) and tenant in ("", user.tenant)],
            client_name=asked.registration.name,
            directory=TENANTS.get(tenant, ""),
            parameters=asked.parameters,
            action=f"{_path(request)}/pick",
            language=request.headers.get("accept-language", ""),
        )
        return _page(page)

    def _consent(self, request: Request, tenant: str) -> Response:
        """What that page's buttons send. A refusal names the directory all the same, as Microsoft's does."""
        parameters = {**fields(request.query), **fields(request.body.decode(errors="replace"))}
        chosen, cancelled = parameters.pop("user", ""), parameters.pop("cancel", "")
        asked = self._asked(parameters, tenant)
        user = USERS.get(chosen.strip().lower())
        home = tenant or (user.tenant if user else ACME_TENANT)
        if cancelled:
            report = Report.of(Refusal(65004), request)
            return asked.back(
                error="consent_required", error_description=report.description, admin_consent="True", tenant=home
            )
        if user is None or user.tenant != home or not is_admin(user):
            raise Refusal(90094)
        return asked.back(admin_consent="True", tenant=home, scope=asked["scope"])


def _tenant(name: str) -> str:
    """The directory's id, "" for the shared endpoints; raises Refusal 90002 for a directory that is not there."""
    lower = name.lower()
    if lower in _SHARED:
        return ""
    found = _DOMAINS.get(lower, lower)
    if found not in TENANTS:
        raise Refusal(90002, tenant=name)
    return found


def _application(registration: Registration, tenant: str) -> User:
    if registration.client_id == SYSTEM.application_id and tenant == SYSTEM.tenant:
        return SYSTEM
    oid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{registration.client_id}@{tenant}"))
    return User("", registration.name, oid, tenant=tenant, application_id=registration.client_id)


def _subject(registration: Registration, user: User) -> str:
    return b64(hashlib.sha256(f"{registration.client_id}/{user.tenant}/{user.oid}".encode()).digest())


def _client_info(user: User) -> str:
    return b64(json.dumps({"uid": user.oid, "utid": user.tenant}).encode())


def _both_schemes(url: str) -> tuple[str, ...]:
    rest = url.partition("://")[2]
    return f"http://{rest}", f"https://{rest}"


def _same_site(request: Request) -> str:
    return "SameSite=None; Secure" if request.origin.startswith("https:") else "SameSite=Lax"


def _path(request: Request) -> str:
    return request.path.rstrip("/")


def _page(page: str, status: int = 200) -> Response:
    return Response(status, [*_PAGE_HEADERS, ("Content-Security-Policy", entra_pages.POLICY)], page.encode())


def _error_page(request: Request, report: Report) -> Response:
    again = _path(request).removesuffix("/pick")
    parameters = {**fields(request.query), **fields(request.body.decode(errors="replace"))}
    for name in ("user", "approve", "cancel"):
        parameters.pop(name, None)
    account_is_wrong: Collection[int] = (50020, 50034, 50057)
    page = entra_pages.trouble(
        report,
        again=f"{again}?{urlencode({**parameters, 'prompt': 'select_account'})}"
        if report.refusal.code in account_is_wrong
        else "",
        language=request.headers.get("accept-language", ""),
    )
    return _page(page, 400)
