"""The errors of Microsoft Entra ID that the sandbox can give, worded and shaped as Entra does.

Source: Microsoft, "Microsoft Entra authentication and authorization error codes".
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ipexportal.sandbox.http import Request, Response


@dataclass(frozen=True, slots=True)
class Kind:
    """One AADSTS code: OAuth's `error`, the sentence, `suberror` where Entra sends one, and the HTTP status."""

    error: str
    text: str
    suberror: str = ""
    status: int = 400


_GRANT: Final = "invalid_grant"
_CLIENT: Final = "invalid_client"
_REQUEST: Final = "invalid_request"

KINDS: Final[dict[int, Kind]] = {
    50011: Kind(
        _REQUEST,
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for "
        "the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your "
        "application in the Azure portal.",
    ),
    50020: Kind(
        _GRANT,
        "User account '{upn}' from identity provider 'https://sts.windows.net/{home}/' does not exist in tenant "
        "'{tenant}' and cannot access the application '{client_id}'({client_name}) in that tenant. The account needs "
        "to be added as an external user in the tenant first. Sign out and sign in again with a different "
        "Azure Active Directory user account.",
    ),
    50034: Kind(_GRANT, "The user account {upn} does not exist in the {tenant} directory."),
    50057: Kind(_GRANT, "The user account is disabled."),
    50058: Kind("login_required", "A silent sign-in request was sent but no user is signed in."),
    50076: Kind(
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '00000007-0000-0000-c000-000000000000'.",
        "basic_action",
    ),
    50079: Kind(
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "enroll in multi-factor authentication to access '00000007-0000-0000-c000-000000000000'.",
        "basic_action",
    ),
    50105: Kind(
        _GRANT,
        "Your administrator has configured the application {client_name} ('{client_id}') to block users unless they "
        "are specifically granted ('assigned') access to the application.",
    ),
    50173: Kind(
        _GRANT,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password.",
        "bad_token",
    ),
    50194: Kind(
        _REQUEST,
        "Application '{client_id}'({client_name}) is not configured as a multi-tenant application. Usage of the "
        "/common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint "
        "or configure the application to be multi-tenant.",
    ),
    50196: Kind(
        _GRANT,
        "The server terminated an operation because it encountered a client request loop. Please contact your app "
        "vendor.",
    ),
    53003: Kind(
        "interaction_required",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        "message_only",
    ),
    54005: Kind(
        _GRANT,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
        "refresh token.",
    ),
    65001: Kind(
        _GRANT,
        "The user or administrator has not consented to use the application with ID '{client_id}' named "
        "'{client_name}'. Send an interactive authorization request for this user and resource.",
        "consent_required",
    ),
    65004: Kind("access_denied", "User declined to consent to access the app."),
    70000: Kind(_GRANT, "Provided grant is invalid or malformed.", "bad_token"),
    70003: Kind("unsupported_grant_type", "The app requested an unsupported grant type '{grant_type}'."),
    70008: Kind(
        _GRANT,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
        "token_expired",
    ),
    70011: Kind(
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
    ),
    70043: Kind(
        _GRANT,
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
        "token_expired",
    ),
    90002: Kind(
        _REQUEST,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    90023: Kind("temporarily_unavailable", "The service is temporarily unavailable. Please retry later.", status=503),
    90033: Kind("temporarily_unavailable", "A transient error has occurred. Please try again.", status=503),
    90094: Kind("consent_required", "Admin consent is required for the permissions requested by this application."),
    500011: Kind(
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    500112: Kind(
        _CLIENT,
        "The reply address '{redirect_uri}' does not match the reply address '{expected}' provided when requesting "
        "Authorization code.",
    ),
    501481: Kind(_GRANT, "The Code_Verifier does not match the code_challenge supplied in the authorization request."),
    501491: Kind(
        _REQUEST, "Invalid size of Code_Challenge parameter; S256 needs the 43 characters of a SHA-256 digest."
    ),
    650052: Kind(
        _CLIENT,
        "The app is trying to access a service '{resource}' that your organization '{tenant}' lacks a service "
        "principal for. Contact your IT Admin to review the configuration of your service subscriptions.",
    ),
    650057: Kind(
        "invalid_resource",
        "Invalid resource. The client has requested access to a resource which is not listed in the requested "
        "permissions in the client's application registration. Client app ID: {client_id}({client_name}).",
    ),
    700005: Kind(_GRANT, "Provided Authorization Code is intended to use against other tenant, thus rejected."),
    700016: Kind(
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    700024: Kind(_CLIENT, "Client assertion is not within its valid time range.", status=401),
    700027: Kind(
        _CLIENT,
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        "[Reason - {reason}, Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured "
        "keys for app Id '{client_id}'.]",
        status=401,
    ),
    700051: Kind("unsupported_response_type", "response_type '{response_type}' is not enabled for the application."),
    700082: Kind(
        _GRANT,
        "The refresh token has expired due to inactivity. The token was issued more than 90 days ago and was inactive "
        "for 90.00:00:00.",
        "token_expired",
    ),
    900144: Kind(_REQUEST, "The request body must contain the following parameter: '{parameter}'."),
    900561: Kind(_REQUEST, "The endpoint only accepts {accepted} requests. Received a {received} request."),
    900971: Kind(_REQUEST, "No reply address provided."),
    1002012: Kind(
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    7000215: Kind(
        _CLIENT,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client_id}'.",
        status=401,
    ),
    7000218: Kind(
        _CLIENT,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        status=401,
    ),
    7000222: Kind(
        _CLIENT,
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
        status=401,
    ),
    9002313: Kind(_REQUEST, "Invalid request. Request is malformed or invalid."),
}


class _Words(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key


class Refusal(Exception):
    """Entra says no: `code` is the number after AADSTS, `words` fill its sentence."""

    def __init__(self, code: int, **words: str) -> None:
        self.code = code
        self.kind = KINDS[code]
        self.words = words
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The sentence that follows `AADSTS…:`."""
        return self.kind.text.format_map(_Words(self.words))


@dataclass(frozen=True, slots=True)
class Report:
    """One refusal as it is told to one request: with the identifiers that Entra adds for its support."""

    refusal: Refusal
    trace_id: str
    correlation_id: str
    timestamp: str

    @classmethod
    def of(cls, refusal: Refusal, request: Request) -> "Report":
        """Keep the caller's `client-request-id` as the correlation id, as Entra does."""
        correlation = request.headers.get("client-request-id") or str(uuid.uuid4())
        return cls(refusal, str(uuid.uuid4()), correlation, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}")

    @property
    def description(self) -> str:
        """`AADSTS7000215: … Trace ID: … Correlation ID: … Timestamp: …`."""
        return (
            f"AADSTS{self.refusal.code}: {self.refusal.sentence} Trace ID: {self.trace_id} "
            f"Correlation ID: {self.correlation_id} Timestamp: {self.timestamp}"
        )

    def response(self, origin: str) -> Response:
        """The JSON answer of the token endpoint and of discovery."""
        body: dict[str, object] = {
            "error": self.refusal.kind.error,
            "error_description": self.description,
            "error_codes": [self.refusal.code],
            "timestamp": self.timestamp,
            "trace_id": self.trace_id,
            "correlation_id": self.correlation_id,
            "error_uri": f"{origin}/error?code={self.refusal.code}",
        }
        if self.refusal.kind.suberror:
            body["suberror"] = self.refusal.kind.suberror
        if self.refusal.kind.suberror == "basic_action":
            body["claims"] = '{"access_token":{"capolids":{"essential":true,"values":["sandbox-policy"]}}}'
        headers = [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store, no-cache")]
        return Response(self.refusal.kind.status, headers, json.dumps(body).encode())
