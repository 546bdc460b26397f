"""Signing in on the stand-in's pages, as a person and as the application behind them see it."""

import base64
import json
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.directory import ACME_TENANT, BETA_TENANT, CLIENT_ID, EVE, JANA
from tests.sandbox.browser import CALLBACK, Browser, Form, answer, claims

IPEX = CLIENT_ID


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_discovery_names_the_directory_and_the_origin_it_was_asked_at(microsoft: Sandbox) -> None:
    found = requests.get(f"{microsoft.origin}/{ACME_TENANT}/v2.0/.well-known/openid-configuration").json()

    base = f"{microsoft.origin}/{ACME_TENANT}"
    assert found["issuer"] == f"{base}/v2.0"
    assert found["authorization_endpoint"] == f"{base}/oauth2/v2.0/authorize"
    assert found["token_endpoint"] == f"{base}/oauth2/v2.0/token"
    assert found["jwks_uri"] == f"{base}/discovery/v2.0/keys"


def test_discovery_over_tls_names_only_https(microsoft: Sandbox) -> None:
    url = f"{microsoft.tls_origin}/organizations/v2.0/.well-known/openid-configuration"
    found = requests.get(url, verify=microsoft.ca_file).json()

    assert found["issuer"] == f"{microsoft.tls_origin}/{{tenantid}}/v2.0"
    assert "http://" not in json.dumps(found)


def test_a_directory_goes_by_its_domain_too(microsoft: Sandbox) -> None:
    found = requests.get(f"{microsoft.origin}/acme.example/v2.0/.well-known/openid-configuration").json()

    assert found["issuer"] == f"{microsoft.origin}/{ACME_TENANT}/v2.0"


def test_jana_picks_her_account_and_the_application_gets_her_tokens(browser: Browser) -> None:
    back = answer(browser.pick("jana@acme.example"))
    given = browser.redeem(back["code"]).json()

    assert back["state"] == "state-1"
    assert given["token_type"] == "Bearer"
    assert given["expires_in"] == 3600
    assert given["scope"] == f"{browser.sandbox.origin}/user_impersonation"
    assert json.loads(unb64(given["client_info"])) == {"uid": JANA.oid, "utid": ACME_TENANT}
    told = claims(given["id_token"])
    assert {name: told[name] for name in ("iss", "aud", "tid", "oid", "preferred_username", "name", "nonce")} == {
        "iss": f"{browser.sandbox.origin}/{ACME_TENANT}/v2.0",
        "aud": IPEX,
        "tid": ACME_TENANT,
        "oid": JANA.oid,
        "preferred_username": "jana@acme.example",
        "name": "Jana Nováková",
        "nonce": "nonce-1",
    }
    assert told["exp"] - told["iat"] == 3600
    assert claims(given["access_token"])["aud"] == browser.sandbox.origin


def test_the_id_token_is_signed_with_a_published_key(browser: Browser) -> None:
    token = browser.tokens("jana@acme.example")["id_token"]
    keys = requests.get(f"{browser.sandbox.origin}/{ACME_TENANT}/discovery/v2.0/keys").json()["keys"]

    head, body, signature = token.split(".")
    key = next(key for key in keys if key["kid"] == json.loads(unb64(head))["kid"])
    numbers = rsa.RSAPublicNumbers(int.from_bytes(unb64(key["e"])), int.from_bytes(unb64(key["n"])))
    numbers.public_key().verify(unb64(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())


def test_the_page_cannot_be_framed_and_cuts_its_opener(browser: Browser) -> None:
    page = browser.open(browser.address())

    assert page.status_code == 200
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store, no-cache"
    assert "Sandbox" in page.text


def test_the_hinted_account_comes_first(browser: Browser) -> None:
    page = browser.open(browser.address(login_hint="lena@acme.example"))

    assert Form(page).buttons[0] == ("user", "lena@acme.example")


@pytest.mark.parametrize(
    ("language", "heading"), [("cs-CZ,cs;q=0.9", "Vyberte účet"), ("sk", "Vyberte konto"), ("de", "Pick an account")]
)
def test_the_page_speaks_the_browsers_language(browser: Browser, language: str, heading: str) -> None:
    page = browser.session.get(browser.address(), headers={"Accept-Language": language})

    assert f"<h1>{heading}</h1>" in page.text


def test_a_script_may_choose_with_one_get(browser: Browser) -> None:
    address = browser.address().replace("/authorize?", "/authorize/pick?user=bob%40acme.example&")

    assert "code" in answer(browser.open(address))


def test_doras_disabled_account_ends_on_a_page(browser: Browser) -> None:
    page = browser.pick("dora@acme.example")

    assert page.status_code == 400
    assert "AADSTS50057: The user account is disabled." in page.text


def test_martin_approves_a_second_factor_first(browser: Browser) -> None:
    page = browser.pick("martin@acme.example")

    assert page.status_code == 200
    assert "code" in answer(browser.press(page, "approve"))


def test_martin_turns_the_second_factor_down(browser: Browser) -> None:
    back = answer(browser.press(browser.pick("martin@acme.example"), "cancel"))

    assert back["error"] == "access_denied"


def test_ivo_refuses_consent(browser: Browser) -> None:
    back = answer(browser.pick("ivo@acme.example"))

    assert (back["error"], back["state"]) == ("access_denied", "state-1")
    assert back["error_description"].startswith("AADSTS65004: User declined to consent to access the app. Trace ID: ")


def test_jana_presses_cancel(browser: Browser) -> None:
    back = answer(browser.press(browser.open(browser.address()), "cancel"))

    assert (back["error"], back["error_subcode"]) == ("access_denied", "cancel")


def test_eve_is_not_in_acmes_directory(browser: Browser) -> None:
    page = browser.pick("eve@beta.example")

    assert page.status_code == 400
    assert "AADSTS50020: User account &#x27;eve@beta.example&#x27;" in page.text
    assert "Use another account" in page.text


def test_eve_signs_in_with_her_own_directory_where_any_may(browser: Browser) -> None:
    code = browser.code("eve@beta.example", tenant="organizations")
    told = claims(browser.redeem(code, tenant="organizations").json()["id_token"])

    assert (told["tid"], told["oid"]) == (BETA_TENANT, EVE.oid)
    assert told["iss"] == f"{browser.sandbox.origin}/{BETA_TENANT}/v2.0"


def test_an_account_that_is_nowhere_ends_on_a_page(browser: Browser) -> None:
    address = browser.address().replace("/authorize?", "/authorize/pick?user=nobody%40acme.example&")
    page = browser.open(address)

    assert page.status_code == 400
    assert "AADSTS50034" in page.text


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_id": "33333333-aaaa-4bbb-8ccc-000000000003"}, 700016),
        ({"client_id": ""}, 900144),
        ({"redirect_uri": ""}, 900971),
        ({"redirect_uri": "https://evil.example/callback"}, 50011),
        ({"redirect_uri": "http://127.0.0.1@evil.example/"}, 50011),
        ({"redirect_uri": "javascript:alert(1)"}, 50011),
        ({"redirect_uri": "http://[::1"}, 50011),
        ({"redirect_uri": "http://127.0.0.1:8000/\r\nX-Injected: yes"}, 50011),
        ({"redirect_uri": "http://127.0.0.1:8000/zpět"}, 50011),
        ({"redirect_uri": "http://127.0.0.1:8000/#part"}, 50011),
    ],
)
def test_what_cannot_be_trusted_with_an_answer_stays_on_the_page(
    browser: Browser, wrong: dict[str, str], code: int
) -> None:
    page = browser.open(browser.address(**wrong))

    assert page.status_code == 400
    assert f"AADSTS{code}: " in page.text


def test_an_unknown_directory_is_told_as_entra_tells_it(microsoft: Sandbox) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    refused = requests.get(f"{microsoft.origin}/{missing}/v2.0/.well-known/openid-configuration")

    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_request"
    assert refused.json()["error_codes"] == [90002]
    assert refused.json()["error_description"].startswith(f"AADSTS90002: Tenant '{missing}' not found. ")


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"response_type": ""}, "invalid_request", 900144),
        ({"response_type": "token"}, "unsupported_response_type", 700051),
        ({"response_mode": "carrier_pigeon"}, "invalid_request", 9002313),
        ({"scope": ""}, "invalid_scope", 70011),
        ({"scope": "everything"}, "invalid_scope", 70011),
        ({"scope": "https://other.crm4.dynamics.com/user_impersonation"}, "invalid_resource", 500011),
        ({"code_challenge_method": "S512"}, "invalid_request", 9002313),
        ({"code_challenge": "short"}, "invalid_request", 501491),
        ({"prompt": "none"}, "login_required", 50058),
    ],
)
def test_other_mistakes_go_back_to_the_application(
    browser: Browser, wrong: dict[str, str], error: str, code: int
) -> None:
    back = answer(browser.open(browser.address(**wrong)))

    assert (back["error"], back["state"]) == (error, "state-1")
    assert back["error_description"].startswith(f"AADSTS{code}: ")


def test_a_registered_redirect_uri_need_not_be_loopback(browser: Browser) -> None:
    browser.sandbox.control.register_redirect_uri("https://portal.example/callback")
    page = browser.open(browser.address(redirect_uri="https://portal.example/callback"))

    assert page.status_code == 200
    browser.sandbox.redirect_uris.clear()


def test_whoever_is_signed_in_is_not_asked_again(browser: Browser) -> None:
    browser.code("jana@acme.example")

    assert "code" in answer(browser.open(browser.address(prompt="none")))
    assert "code" in answer(browser.open(browser.address()))
    assert browser.open(browser.address(prompt="select_account")).status_code == 200
    assert browser.open(browser.address(login_hint="bob@acme.example")).status_code == 200


def test_signing_out_ends_that(browser: Browser) -> None:
    browser.code("jana@acme.example")
    out = browser.open(f"{browser.sandbox.origin}/{ACME_TENANT}/oauth2/v2.0/logout?post_logout_redirect_uri={CALLBACK}")

    assert (out.status_code, out.headers["Location"]) == (302, CALLBACK)
    assert answer(browser.open(browser.address(prompt="none")))["error"] == "login_required"


def test_signing_out_never_leads_elsewhere(browser: Browser) -> None:
    base = f"{browser.sandbox.origin}/{ACME_TENANT}/oauth2/v2.0/logout"
    out = browser.open(f"{base}?post_logout_redirect_uri=https://evil.example/")

    assert out.status_code == 200
    assert "You signed out" in out.text


def test_the_answer_can_be_posted(browser: Browser) -> None:
    page = browser.pick("jana@acme.example", response_mode="form_post")
    form = Form(page)

    assert page.status_code == 200
    assert form.action == CALLBACK
    assert form.hidden["state"] == "state-1"
    assert browser.redeem(form.hidden["code"]).status_code == 200
    assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]


def test_the_answer_can_come_as_a_fragment(browser: Browser) -> None:
    back = browser.pick("jana@acme.example", response_mode="fragment")

    assert back.headers["Location"].startswith(f"{CALLBACK}#code=")


def test_mark_up_in_a_request_is_only_text_on_the_page(browser: Browser) -> None:
    page = browser.open(browser.address(state='"><script>alert(1)</script>'))

    assert "<script" not in page.text
    assert Form(page).hidden["state"] == '"><script>alert(1)</script>'


CONSENT = {"client_id": IPEX, "redirect_uri": CALLBACK, "state": "s", "scope": "https://acme.example/.default"}


def test_alice_consents_for_all_of_acme(browser: Browser) -> None:
    url = f"{browser.sandbox.origin}/{ACME_TENANT}/v2.0/adminconsent"
    page = browser.session.get(url, params=CONSENT, allow_redirects=False)
    back = answer(browser.session.post(f"{url}/pick", {**CONSENT, "user": "alice@acme.example"}, allow_redirects=False))

    assert "Accept as Alice" in page.text
    assert "jana@acme.example" not in page.text
    assert back == {
        "admin_consent": "True", "tenant": ACME_TENANT, "state": "s", "scope": "https://acme.example/.default"
    }  # fmt: skip


def test_a_consent_that_is_cancelled_says_so_and_still_names_the_directory(browser: Browser) -> None:
    url = f"{browser.sandbox.origin}/{ACME_TENANT}/v2.0/adminconsent/pick"
    back = answer(browser.session.post(url, {**CONSENT, "cancel": "1"}, allow_redirects=False))

    assert back["error_description"].startswith("AADSTS65004")
    assert {back["error"], back["admin_consent"], back["tenant"]} == {"consent_required", "True", ACME_TENANT}


def test_only_an_admin_of_the_directory_consents(browser: Browser) -> None:
    url = f"{browser.sandbox.origin}/{ACME_TENANT}/v2.0/adminconsent/pick"
    for upn in ("jana@acme.example", "eve@beta.example", "nobody@acme.example"):
        page = browser.session.post(url, {**CONSENT, "user": upn}, allow_redirects=False)

        assert (page.status_code, "AADSTS90094" in page.text) == (400, True)


def test_the_system_accounts_registration_is_acmes_alone(browser: Browser) -> None:
    page = browser.open(browser.address(tenant="organizations", client_id=browser.sandbox.system_client_id))

    assert "AADSTS50194" in page.text


def test_without_pkce_the_secret_is_enough(browser: Browser) -> None:
    code = browser.code("jana@acme.example", code_challenge="", code_challenge_method="")

    assert browser.redeem(code, code_verifier="").status_code == 200


def test_openid_alone_gives_no_token_for_dataverse(browser: Browser) -> None:
    given: dict[str, Any] = browser.tokens("jana@acme.example", scope="openid profile")
    refused = requests.get(
        f"{browser.sandbox.origin}/api/data/v9.2/WhoAmI",
        headers={"Authorization": f"Bearer {given['access_token']}"},
    )

    assert "refresh_token" not in given
    assert refused.status_code == 401
