"""Microsoft's own library, as it is published, against the stand-in over TLS."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.directory import ACME_TENANT, EXPIRED_CLIENT_SECRET, JANA
from tests.sandbox.browser import CALLBACK, Browser, Form, self_signed

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended")


def application(box: Sandbox, *, system: bool = False, secret: str = "", cache: Any = None) -> Any:
    return msal.ConfidentialClientApplication(
        box.system_client_id if system else box.client_id,
        client_credential=secret or (box.system_client_secret if system else box.client_secret),
        authority=f"{box.tls_origin}/{ACME_TENANT}",
        instance_discovery=False,
        verify=box.ca_file,
        timeout=5,
        token_cache=cache,
    )


def signed_in(app: Any, browser: Browser, upn: str = "jana@acme.example", **options: Any) -> dict[str, Any]:
    scopes = [f"{browser.sandbox.tls_origin}/user_impersonation"]
    flow = app.initiate_auth_code_flow(scopes, redirect_uri=CALLBACK, prompt="select_account", **options)
    page = browser.press(browser.open(flow["auth_uri"]), "user", upn)
    if page.status_code == 200:
        page = browser.press(page, "approve") if ("approve", "1") in Form(page).buttons else page
    back = Form(page).hidden if page.status_code == 200 else dict(parse_qsl(urlsplit(page.headers["Location"]).query))
    return dict(app.acquire_token_by_auth_code_flow(flow, back))


def test_jana_signs_in_and_stays_signed_in(browser: Browser) -> None:
    app = application(browser.sandbox)
    given = signed_in(app, browser)
    account = app.get_accounts()[0]
    scopes = [f"{browser.sandbox.tls_origin}/user_impersonation"]
    fresh = app.acquire_token_silent_with_error(scopes, account=account, force_refresh=True)

    assert given["id_token_claims"]["preferred_username"] == "jana@acme.example"
    assert account["home_account_id"] == f"{JANA.oid}.{ACME_TENANT}"
    assert app.acquire_token_silent(scopes, account=account)["token_source"] == "cache"
    assert fresh["token_source"] == "identity_provider"
    assert fresh["access_token"] != given["access_token"]


def test_msals_cache_survives_being_stored(browser: Browser) -> None:
    cache = msal.SerializableTokenCache()
    signed_in(application(browser.sandbox, cache=cache), browser)
    again = msal.SerializableTokenCache()
    again.deserialize(cache.serialize())
    app = application(browser.sandbox, cache=again)
    scopes = [f"{browser.sandbox.tls_origin}/user_impersonation"]

    assert app.acquire_token_silent(scopes, account=app.get_accounts()[0])["token_type"] == "Bearer"


def test_the_answer_by_form_post(browser: Browser) -> None:
    assert "access_token" in signed_in(application(browser.sandbox), browser, response_mode="form_post")


def test_martins_second_factor(browser: Browser) -> None:
    assert "access_token" in signed_in(application(browser.sandbox), browser, "martin@acme.example")


def test_ivo_refuses(browser: Browser) -> None:
    refused = signed_in(application(browser.sandbox), browser, "ivo@acme.example")

    assert refused["error"] == "access_denied"


def test_a_wrong_secret(browser: Browser) -> None:
    refused = signed_in(application(browser.sandbox, secret="wrong"), browser)

    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000215])


def test_a_refresh_that_needs_the_person_again(browser: Browser) -> None:
    app = application(browser.sandbox)
    signed_in(app, browser)
    browser.sandbox.control.require_mfa("jana@acme.example")
    refused = app.acquire_token_silent_with_error(
        [f"{browser.sandbox.tls_origin}/user_impersonation"], account=app.get_accounts()[0], force_refresh=True
    )

    assert refused["error"] == "interaction_required"
    assert refused["error_codes"] == [50076]
    assert refused["suberror"] == "basic_action"


def test_the_system_account(microsoft: Sandbox) -> None:
    app = application(microsoft, system=True)
    scopes = [f"{microsoft.tls_origin}/.default"]

    assert app.acquire_token_for_client(scopes)["token_source"] == "identity_provider"
    assert app.acquire_token_for_client(scopes)["token_source"] == "cache"


def test_the_system_accounts_secret_expired(microsoft: Sandbox) -> None:
    app = application(microsoft, system=True, secret=EXPIRED_CLIENT_SECRET)
    refused = app.acquire_token_for_client([f"{microsoft.tls_origin}/.default"])

    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000222])


def test_the_system_accounts_certificate(microsoft: Sandbox, certificate_pem: tuple[str, str]) -> None:
    key, certificate = certificate_pem
    microsoft.control.register_certificate(microsoft.system_client_id, certificate)
    app = msal.ConfidentialClientApplication(
        microsoft.system_client_id,
        client_credential={"private_key": key, "public_certificate": certificate},
        authority=f"{microsoft.tls_origin}/{ACME_TENANT}",
        instance_discovery=False,
        verify=microsoft.ca_file,
    )

    assert "access_token" in app.acquire_token_for_client([f"{microsoft.tls_origin}/.default"])


def test_entra_is_down(microsoft: Sandbox) -> None:
    app = application(microsoft, system=True)
    microsoft.control.microsoft("down")

    with pytest.raises(msal.exceptions.MsalServiceError):
        app.acquire_token_for_client([f"{microsoft.tls_origin}/.default"])


def test_a_directory_that_is_not_there(microsoft: Sandbox) -> None:
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        msal.ConfidentialClientApplication(
            microsoft.client_id,
            client_credential=microsoft.client_secret,
            authority=f"{microsoft.tls_origin}/00000000-0000-4000-8000-000000000000",
            instance_discovery=False,
            verify=microsoft.ca_file,
        )


@pytest.fixture(scope="module")
def certificate_pem() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), self_signed(key).public_bytes(serialization.Encoding.PEM).decode()
