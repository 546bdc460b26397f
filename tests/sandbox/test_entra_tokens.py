"""The token endpoint: what it gives, and every refusal in the words and the shape that Entra uses."""

import json
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.directory import ACME_TENANT, BETA_TENANT, EXPIRED_CLIENT_SECRET
from ipexportal.sandbox.jwt import b64
from tests.sandbox.browser import CALLBACK, Browser, claims, self_signed

GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def refusal(answer: requests.Response) -> tuple[int, str, int]:
    """The HTTP status, OAuth's error and the AADSTS number."""
    body = answer.json()
    return answer.status_code, body["error"], body["error_codes"][0]


def as_system(browser: Browser, **form: str) -> requests.Response:
    given = {
        "grant_type": "client_credentials",
        "client_id": browser.sandbox.system_client_id,
        "client_secret": browser.sandbox.system_client_secret,
        "scope": f"{browser.sandbox.origin}/.default",
        **form,
    }
    return browser.post(**given)


def test_an_error_body_has_everything_that_support_asks_for(browser: Browser) -> None:
    answer = as_system(browser, client_secret="wrong")
    body = answer.json()

    assert answer.status_code == 401
    assert sorted(body) == [
        "correlation_id", "error", "error_codes", "error_description", "error_uri", "timestamp", "trace_id",
    ]  # fmt: skip
    assert re.fullmatch(
        r"AADSTS7000215: Invalid client secret provided\. Ensure the secret being sent in the request is the client "
        r"secret value, not the client secret ID, for a secret added to app '22222222-aaaa-4bbb-8ccc-000000000002'\. "
        rf"Trace ID: {GUID} Correlation ID: {GUID} Timestamp: \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ",
        body["error_description"],
    )
    assert body["error_codes"] == [7000215]
    assert body["error_uri"] == f"{browser.sandbox.origin}/error?code=7000215"
    assert answer.headers["Cache-Control"] == "no-store, no-cache"


def test_the_callers_request_id_is_the_correlation_id(browser: Browser) -> None:
    mine = str(uuid.uuid4())
    browser.session.headers["client-request-id"] = mine

    assert as_system(browser, client_secret="wrong").json()["correlation_id"] == mine


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": EXPIRED_CLIENT_SECRET}, (401, "invalid_client", 7000222)),
        ({"client_secret": ""}, (401, "invalid_client", 7000218)),
        ({"client_id": ""}, (400, "invalid_request", 900144)),
        ({"client_id": "33333333-aaaa-4bbb-8ccc-000000000003"}, (400, "unauthorized_client", 700016)),
        ({"tenant": BETA_TENANT}, (400, "unauthorized_client", 700016)),
        ({"tenant": "organizations"}, (400, "invalid_request", 50194)),
        ({"tenant": "nowhere.example"}, (400, "invalid_request", 90002)),
        ({"scope": ""}, (400, "invalid_scope", 1002012)),
        ({"scope": "https://other.crm4.dynamics.com/.default"}, (400, "invalid_resource", 500011)),
        ({"grant_type": ""}, (400, "invalid_request", 900144)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
    ],
)
def test_the_system_account_is_refused(browser: Browser, form: dict[str, str], expected: tuple[int, str, int]) -> None:
    assert refusal(as_system(browser, **form)) == expected


def test_client_credentials_take_default_only(browser: Browser) -> None:
    answer = as_system(browser, scope=f"{browser.sandbox.origin}/user_impersonation")

    assert refusal(answer) == (400, "invalid_scope", 1002012)


def test_the_system_account_gets_a_token_for_the_organization(browser: Browser) -> None:
    given = as_system(browser).json()

    assert sorted(given) == ["access_token", "expires_in", "ext_expires_in", "token_type"]
    assert claims(given["access_token"])["aud"] == browser.sandbox.origin


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_way_to_write_the_origin_is_the_same_resource(browser: Browser, scheme: str, name: str) -> None:
    port = browser.sandbox.origin.rpartition(":")[2]
    given = as_system(browser, scope=f"{scheme}://{name}:{port}/.default").json()
    url = f"http://{name}:{port}/api/data/v9.2/WhoAmI"
    answer = requests.get(url, headers={"Authorization": f"Bearer {given['access_token']}"})

    assert claims(given["access_token"])["aud"] == f"{scheme}://{name}:{port}"
    assert answer.status_code != 401


def test_the_secret_may_come_as_http_basic(browser: Browser) -> None:
    box = browser.sandbox
    answer = requests.post(
        f"{box.origin}/{ACME_TENANT}/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "scope": f"{box.origin}/.default"},
        auth=(box.system_client_id, box.system_client_secret),
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("header", [b"Basic \xff\xfe", b"Basic x", b"Basic /w==", b"Basic", b"Digest eDp5"])
def test_a_header_that_is_no_secret(browser: Browser, header: bytes) -> None:
    url = f"{browser.sandbox.origin}/{ACME_TENANT}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "client_id": browser.sandbox.client_id}
    answer = requests.post(url, data=form, headers={"Authorization": header})

    assert refusal(answer) == (401, "invalid_client", 7000218)


def test_a_token_is_not_fetched_with_get(browser: Browser) -> None:
    answer = requests.get(f"{browser.sandbox.origin}/{ACME_TENANT}/oauth2/v2.0/token")

    assert refusal(answer) == (400, "invalid_request", 900561)


# codes


def test_a_code_works_once(browser: Browser) -> None:
    code = browser.code("jana@acme.example")

    assert browser.redeem(code).status_code == 200
    assert refusal(browser.redeem(code)) == (400, "invalid_grant", 54005)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"code": "1.unknown"}, (400, "invalid_grant", 70000)),
        ({"code": ""}, (400, "invalid_request", 900144)),
        ({"redirect_uri": ""}, (400, "invalid_request", 900144)),
        ({"redirect_uri": CALLBACK + "other"}, (400, "invalid_client", 500112)),
        ({"code_verifier": "another-verifier-that-is-long-enough-0123456789"}, (400, "invalid_grant", 501481)),
        ({"code_verifier": ""}, (400, "invalid_grant", 501481)),
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": ""}, (401, "invalid_client", 7000218)),
    ],
)
def test_a_code_is_refused(browser: Browser, form: dict[str, str], expected: tuple[int, str, int]) -> None:
    code = browser.code("jana@acme.example")

    assert refusal(browser.redeem(**{"code": code, **form})) == expected


def test_a_code_belongs_to_its_application(browser: Browser) -> None:
    code = browser.code("jana@acme.example")
    other = {"client_id": browser.sandbox.system_client_id, "client_secret": browser.sandbox.system_client_secret}

    assert refusal(browser.redeem(code, **other)) == (400, "invalid_grant", 700005)


def test_a_code_belongs_to_its_directory(browser: Browser) -> None:
    code = browser.code("eve@beta.example", tenant="organizations")

    assert refusal(browser.redeem(code, tenant=ACME_TENANT)) == (400, "invalid_grant", 700005)


def test_a_code_dies_after_ten_minutes(browser: Browser) -> None:
    code = browser.code("jana@acme.example")

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        assert refusal(browser.redeem(code)) == (400, "invalid_grant", 70008)


# refresh tokens


def renew(browser: Browser, token: str, **form: str) -> requests.Response:
    scope = f"{browser.sandbox.origin}/user_impersonation openid profile offline_access"
    return browser.post(grant_type="refresh_token", refresh_token=token, **{"scope": scope, **form})


def test_refresh_tokens_rotate_and_the_old_one_stays_good(browser: Browser) -> None:
    first = browser.tokens("jana@acme.example")["refresh_token"]
    second = renew(browser, first).json()

    assert second["refresh_token"] != first
    assert claims(second["id_token"])["preferred_username"] == "jana@acme.example"
    assert renew(browser, first).status_code == 200
    assert renew(browser, second["refresh_token"]).status_code == 200


def test_an_administrator_revokes_janas_sign_ins(browser: Browser) -> None:
    before = browser.tokens("jana@acme.example")["refresh_token"]
    bobs = browser.tokens("bob@acme.example", prompt="select_account")["refresh_token"]
    browser.sandbox.control.revoke_sign_ins("jana@acme.example")
    after = browser.tokens("jana@acme.example", prompt="select_account")["refresh_token"]

    assert refusal(renew(browser, before)) == (400, "invalid_grant", 50173)
    assert renew(browser, bobs).status_code == 200
    assert renew(browser, after).status_code == 200


def test_jana_must_prove_a_second_factor_before_the_next_refresh(browser: Browser) -> None:
    before = browser.tokens("jana@acme.example")["refresh_token"]
    browser.sandbox.control.require_mfa("jana@acme.example")
    refused = renew(browser, before)

    assert refusal(refused) == (400, "interaction_required", 50076)
    assert refused.json()["suberror"] == "basic_action"
    assert "access_token" in refused.json()["claims"]
    browser.press(browser.pick("jana@acme.example", prompt="select_account"), "approve")
    assert renew(browser, before).status_code == 200


def test_jana_is_disabled_after_she_signed_in(browser: Browser) -> None:
    before = browser.tokens("jana@acme.example")["refresh_token"]
    browser.sandbox.control.disable("jana@acme.example")

    assert refusal(renew(browser, before)) == (400, "invalid_grant", 50057)
    browser.sandbox.control.enable("jana@acme.example")
    assert renew(browser, before).status_code == 200


def test_a_made_up_refresh_token_is_refused(browser: Browser) -> None:
    assert refusal(renew(browser, "1.made-up")) == (400, "invalid_grant", 70000)
    assert refusal(renew(browser, "")) == (400, "invalid_request", 900144)


def test_a_refresh_token_belongs_to_its_application(browser: Browser) -> None:
    token = browser.tokens("jana@acme.example")["refresh_token"]
    other = {"client_id": browser.sandbox.system_client_id, "client_secret": browser.sandbox.system_client_secret}

    assert refusal(renew(browser, token, **other)) == (400, "invalid_grant", 70000)


def test_without_offline_access_there_is_no_refresh_token(browser: Browser) -> None:
    given = browser.tokens("jana@acme.example", scope=f"{browser.sandbox.origin}/user_impersonation openid")

    assert "refresh_token" not in given


@pytest.mark.parametrize("code", [50057, 50173, 53003, 65001, 70043, 700082])
def test_any_refusal_can_be_ordered(browser: Browser, code: int) -> None:
    token = browser.tokens("jana@acme.example")["refresh_token"]
    browser.sandbox.control.fault("entra_error", code=code)

    assert renew(browser, token).json()["error_codes"] == [code]
    assert renew(browser, token).status_code == 200


# certificates


@pytest.fixture(scope="module")
def certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    return (key := rsa.generate_private_key(public_exponent=65537, key_size=2048)), self_signed(key)


def assertion(browser: Browser, key: rsa.RSAPrivateKey, certificate: x509.Certificate, **claims: Any) -> dict[str, str]:
    client_id = browser.sandbox.system_client_id
    endpoint = f"{browser.sandbox.origin}/{ACME_TENANT}/oauth2/v2.0/token"
    head = {"alg": "RS256", "x5t#S256": b64(certificate.fingerprint(hashes.SHA256()))}
    body = {"aud": endpoint, "iss": client_id, "sub": client_id, "exp": time.time() + 60, **claims}
    text = ".".join(b64(json.dumps(part).encode()) for part in (head, body))
    signed = f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_secret": "", "client_assertion_type": kind, "client_assertion": signed}


@pytest.fixture
def registered(microsoft: Sandbox, certificate: tuple[rsa.RSAPrivateKey, x509.Certificate]) -> Any:
    pem = certificate[1].public_bytes(serialization.Encoding.PEM).decode()
    microsoft.control.register_certificate(microsoft.system_client_id, pem)
    return certificate


def test_the_system_account_proves_itself_with_a_certificate(browser: Browser, registered: Any) -> None:
    assert as_system(browser, **assertion(browser, *registered)).status_code == 200


def test_another_key_is_refused(browser: Browser, registered: Any) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert refusal(as_system(browser, **assertion(browser, other, registered[1]))) == (401, "invalid_client", 700027)


@pytest.mark.parametrize(
    ("claims", "code"),
    [({"aud": "https://elsewhere.example/token"}, 700027), ({"sub": "someone"}, 700027), ({"exp": 1}, 700024)],
)
def test_an_assertion_for_something_else_is_refused(
    browser: Browser, registered: Any, claims: dict[str, Any], code: int
) -> None:
    refused = as_system(browser, **assertion(browser, *registered, **claims))

    assert refusal(refused) == (401, "invalid_client", code)


@pytest.mark.parametrize("text", ["x", "a.b.c", "e30.e30.e30", "ž.ž.ž"])
def test_an_assertion_that_is_no_token_is_refused(browser: Browser, registered: Any, text: str) -> None:
    form = {**assertion(browser, *registered), "client_assertion": text}

    assert refusal(as_system(browser, **form)) == (401, "invalid_client", 700027)
