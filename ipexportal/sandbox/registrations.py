"""The application registrations of the sandbox's Entra, and how an application proves which one it is."""

import base64
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ipexportal.sandbox.directory import (
    ACME_TENANT,
    CLIENT_ID,
    CLIENT_SECRET,
    EXPIRED_CLIENT_SECRET,
    SYSTEM_CLIENT_ID,
    SYSTEM_CLIENT_SECRET,
)
from ipexportal.sandbox.entra_errors import Refusal
from ipexportal.sandbox.jwt import Certificate

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class Registration:
    """One application. `tenant` is "" for a multi-tenant one; secrets are told apart by whether they still run."""

    client_id: str
    name: str
    tenant: str
    secrets: list[str]
    expired_secrets: list[str] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)

    def check_secret(self, secret: str) -> None:
        """Raise Refusal 7000222 for an expired secret, 7000215 for a wrong one."""
        if any(hmac.compare_digest(secret.encode(), known.encode()) for known in self.secrets):
            return
        code = 7000222 if secret in self.expired_secrets else 7000215
        raise Refusal(code, client_id=self.client_id)

    def check_assertion(self, assertion: str, token_endpoints: tuple[str, ...]) -> None:
        """Raise Refusal 700027 when no registered certificate signed it or that is expired, 700024 outside its time."""
        signed = ((known, known.claims(assertion)) for known in self.certificates)
        by, claims = next(((known, found) for known, found in signed if found is not None), (None, {}))
        if by is None or claims.get("aud") not in token_endpoints or claims.get("sub") != self.client_id:
            raise Refusal(700027, client_id=self.client_id, reason="The key was not found.")
        start, end = by.validity
        if end.timestamp() < time.time():
            found = f"Found key 'Start={start:%m/%d/%Y %H:%M:%S}, End={end:%m/%d/%Y %H:%M:%S}'"
            reason = f"The key used is expired., Thumbprint of key used by client: '{by.thumbprint}', {found}"
            raise Refusal(700027, client_id=self.client_id, reason=reason)
        if not isinstance(claims.get("exp"), int | float) or claims["exp"] < time.time():
            raise Refusal(700024)


def registered() -> dict[str, Registration]:
    """IPEX's own multi-tenant registration, and the one that Acme made for the system account."""
    ipex = Registration(CLIENT_ID, "IPEX", "", [CLIENT_SECRET])
    system = Registration(SYSTEM_CLIENT_ID, "IPEX IVR", ACME_TENANT, [SYSTEM_CLIENT_SECRET], [EXPIRED_CLIENT_SECRET])
    return {ipex.client_id: ipex, system.client_id: system}


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return client_id, secret


def authenticate(
    known: Mapping[str, Registration],
    form: Mapping[str, str],
    authorization: str,
    token_endpoints: tuple[str, ...],
    tenant: str,
) -> Registration:
    """Say which application asks at the token endpoint; raises Refusal. Secrets come in the form or as HTTP Basic."""
    basic_id, basic_secret = _basic(authorization)
    client_id, secret = form.get("client_id") or basic_id, form.get("client_secret") or basic_secret
    if not client_id:
        raise Refusal(900144, parameter="client_id")
    registration = find(known, client_id, tenant)
    if form.get("client_assertion_type") == _ASSERTION and form.get("client_assertion"):
        registration.check_assertion(form["client_assertion"], token_endpoints)
    elif secret:
        registration.check_secret(secret)
    else:
        raise Refusal(7000218)
    return registration


def find(known: Mapping[str, Registration], client_id: str, tenant: str) -> Registration:
    """The registration as `tenant` ("" for /organizations) sees it; raises Refusal 700016 or 50194."""
    registration = known.get(client_id.lower())
    if registration is None or (tenant and registration.tenant not in ("", tenant)):
        raise Refusal(700016, client_id=client_id, tenant=tenant or "organizations")
    if not tenant and registration.tenant:
        raise Refusal(50194, client_id=client_id, client_name=registration.name)
    return registration
