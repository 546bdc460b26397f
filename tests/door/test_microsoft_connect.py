"""Alice connects the CRM with her own Microsoft account, keeps it, lets it go; and the company consents."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import pytest
import time_machine
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone, translation

from ipexportal.sandbox import Sandbox, directory
from ipexportal.sandbox.visitor import pick
from tenants import consent, microsoft_connections, registration
from tenants.models import AuditEntry, Instance, Membership, MicrosoftConnection, PortalAttempt, Tenant
from tests import signed_in
from tests.door.microsoft import Browser, lands, text_of

pytestmark = pytest.mark.django_db
CARD = "/portal/account/"  # some page of ours to come back to


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def connect(tenant: Tenant) -> str:
    return f"/portal/{tenant.code}/microsoft/connect/?next={CARD}"


def fragment(tenant: Tenant, user: User) -> str:
    """What the pages show of the connection."""
    connection = microsoft_connections.of(tenant.instance, user)
    page = render_to_string(
        "tenants/portal/_connection.html", {"tenant": tenant, "connection": connection, "next": CARD}
    )
    from django.http import HttpResponse

    return text_of(HttpResponse(f"<body>{page}"))


def answered(browser: Browser, address: str, **answer: str) -> Any:
    """Microsoft sends the browser back with this answer to what was begun at `address`."""
    state = parse_qs(urlsplit(browser.leave(address)).query)["state"][0]
    return browser.come_back(f"/signin/microsoft/callback/?{urlencode({**answer, 'state': state})}")


# -- connecting --------------------------------------------------------------------------------------------------------


def test_alice_connects_her_account_and_is_back_where_she_was(acme: Tenant, alice: User) -> None:
    browser = Browser(alice)
    assert lands(browser.by_microsoft(connect(acme), "alice@acme.example")) == (302, CARD)
    row = MicrosoftConnection.objects.get()
    assert (row.user, row.account, row.may_customize, row.kept) == (alice, "alice@acme.example", True, False)
    assert "The CRM is connected through alice@acme.example." in text_of(browser.get(CARD))
    assert AuditEntry.objects.get(act="microsoft.connected").actor == "alice"


def test_a_customizers_sign_in_proves_a_claimed_instance(acme: Tenant, alice: User) -> None:
    Instance.objects.update(proven_at=None, organization_id=None, directory_id=None)
    Browser(alice).by_microsoft(connect(acme), "alice@acme.example")
    instance = Instance.objects.get()
    assert (instance.is_proven, instance.proven_by) == (True, "alice@acme.example")
    assert str(instance.directory_id) == directory.ACME_TENANT
    assert MicrosoftConnection.objects.get().is_live


def test_whoever_may_not_customize_hears_who_can_confirm_the_crm(acme: Tenant, alice: User) -> None:
    Instance.objects.update(proven_at=None, organization_id=None)
    page = text_of(Browser(alice).by_microsoft(connect(acme), "klara@acme.example"))
    assert "This account cannot confirm that the CRM is yours" in page
    assert "one sign-in by a System Administrator or System Customizer" in page
    assert "Signed in at Microsoft: klara@acme.example" in page
    assert "Use another Microsoft account" in page
    assert not MicrosoftConnection.objects.exists()


def test_a_second_claim_is_told_to_ipex_and_names_nobody(acme: Tenant, alice: User, beta: Tenant, otto: User) -> None:
    Instance.objects.filter(tenant=beta).update(
        url=acme.instance.url, directory_id=directory.ACME_TENANT, organization_id=None, proven_at=None
    )
    page = text_of(Browser(otto).by_microsoft(connect(beta), "alice@acme.example"))
    assert "This CRM cannot be confirmed IPEX has been told and will get in touch with you." in page
    assert "Acme" not in page
    assert AuditEntry.objects.get(act="instance.second_claim").target.startswith("beta ")
    assert not MicrosoftConnection.objects.exists()


def test_an_account_of_another_directory_is_not_even_asked(acme: Tenant, alice: User) -> None:
    browser = Browser(alice)
    assert pick(browser.leave(connect(acme)), "eve@beta.example") == ""
    page = text_of(
        answered(browser, connect(acme), error="invalid_grant", error_description="AADSTS50020: no such user")
    )
    assert "This account belongs to another company The CRM belongs to another Microsoft directory." in page


def test_somebody_the_crm_does_not_know_hears_where_to_add_them(acme: Tenant, alice: User) -> None:
    page = text_of(Browser(alice).by_microsoft(connect(acme), "dan@acme.example"))
    assert "This account has no access to the CRM" in page
    assert "Power Platform admin centre" in page


def test_a_refused_consent_stores_nothing(acme: Tenant, alice: User) -> None:
    browser = Browser(alice)
    page = browser.by_microsoft(connect(acme), "ivo@acme.example")
    assert "The account was not connected" in text_of(page)
    assert f'href="/portal/{acme.code}/microsoft/connect/?next=%2Fportal%2Faccount%2F"' in page.content.decode()
    assert not MicrosoftConnection.objects.exists()


@pytest.mark.parametrize("code", ["AADSTS65001", "AADSTS90094"])
def test_where_the_directorys_admin_must_consent_there_is_the_way_to_it(acme: Tenant, alice: User, code: str) -> None:
    browser = Browser(alice)
    page = answered(browser, connect(acme), error="consent_required", error_description=f"{code}: needs an admin")
    assert "Your company has not allowed the portal yet" in text_of(page)
    assert f"Microsoft's code: {code}" in text_of(page)
    assert f'value="{consent.link(acme.instance)}"' in page.content.decode()


def test_microsoft_away_stores_nothing_and_can_be_tried_again(acme: Tenant, alice: User, microsoft: Sandbox) -> None:
    browser = Browser(alice)
    back = pick(browser.leave(connect(acme)), "alice@acme.example")
    microsoft.control.fault("entra_down", path="/token", count=None)
    page = text_of(browser.come_back(back))
    assert "Microsoft is not responding" in page
    assert "Try again" in page
    assert not MicrosoftConnection.objects.exists()


def test_a_crm_that_names_no_directory_cannot_be_signed_in_to(beta: Tenant, otto: User) -> None:
    Instance.objects.update(directory_id=None, url="http://127.0.0.1:9")
    page = Browser(otto).get(connect(beta))
    assert page.status_code == 409
    assert "This CRM cannot be reached" in text_of(page)
    assert not PortalAttempt.objects.exists()


def test_without_an_address_there_is_nothing_to_connect(acme: Tenant, alice: User) -> None:
    acme.instance.delete()
    page = Browser(alice).get(connect(acme))
    assert page.status_code == 409
    assert "The CRM's address comes first" in text_of(page)


def test_only_who_began_it_is_connected(acme: Tenant, alice: User, ivana: User) -> None:
    browser = Browser(alice)
    back = pick(browser.leave(connect(acme)), "alice@acme.example")
    browser.sign_out()
    signed_in.came_by(browser, ivana, "code", "mfa")
    assert "This sign-in belongs to another session" in text_of(browser.come_back(back))
    assert not MicrosoftConnection.objects.exists()


def test_whoever_lost_the_customer_meanwhile_connects_nothing(acme: Tenant, alice: User) -> None:
    browser = Browser(alice)
    back = pick(browser.leave(connect(acme)), "alice@acme.example")
    Membership.objects.all().delete()
    page = text_of(browser.come_back(back))
    assert "another session" in page
    assert not MicrosoftConnection.objects.exists()


def test_an_instance_moved_on_the_way_gets_no_tokens(
    acme: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = microsoft_connections._store

    def late(*rest: Any, **more: Any) -> MicrosoftConnection:
        registration.change_address(Instance.objects.get(), by="ivana", url="https://moved.crm4.dynamics.com")
        return real(*rest, **more)

    monkeypatch.setattr(microsoft_connections, "_store", late)
    page = text_of(Browser(alice).by_microsoft(connect(acme), "alice@acme.example"))
    assert "This sign-in has expired" in page
    assert not MicrosoftConnection.objects.exists()


def test_strangers_find_nothing(acme: Tenant, otto: User) -> None:
    assert Browser(otto).get(connect(acme)).status_code == 404
    for act in ("keep", "disconnect"):
        assert Browser(otto).post(f"/portal/{acme.code}/microsoft/{act}/").status_code == 404


# -- keeping and letting go --------------------------------------------------------------------------------------------


@pytest.fixture
def connected(acme: Tenant, alice: User) -> Browser:
    """Alice's browser after she connected."""
    browser = Browser(alice)
    browser.by_microsoft(connect(acme), "alice@acme.example")
    return browser


def test_alice_keeps_it_for_the_nights_and_no_longer(connected: Browser, acme: Tenant) -> None:
    keep = f"/portal/{acme.code}/microsoft/keep/"
    assert lands(connected.post(keep, {"kept": "1", "next": CARD})) == (302, CARD)
    assert MicrosoftConnection.objects.get().kept is True
    assert lands(connected.post(keep, {"kept": "0", "next": "https://evil.example/"})) == (302, f"/portal/{acme.code}/")
    assert MicrosoftConnection.objects.get().kept is False
    acts = AuditEntry.objects.filter(act__startswith="microsoft.").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["microsoft.connected", "microsoft.kept", "microsoft.not_kept"]


def test_connecting_once_more_keeps_what_was_kept(connected: Browser, acme: Tenant, alice: User) -> None:
    microsoft_connections.keep(MicrosoftConnection.objects.get(), by=alice, kept=True)
    connected.by_microsoft(connect(acme), "alice@acme.example")
    assert MicrosoftConnection.objects.get().kept is True


def test_alice_disconnects_and_the_tokens_are_gone(connected: Browser, acme: Tenant) -> None:
    answer = connected.post(f"/portal/{acme.code}/microsoft/disconnect/", {"next": CARD})
    assert lands(answer) == (302, CARD)
    assert MicrosoftConnection.objects.get().token_cache == ""
    assert "no longer connected" in text_of(connected.get(CARD))
    connected.post(f"/portal/{acme.code}/microsoft/keep/", {"kept": "1"})
    assert MicrosoftConnection.objects.get().kept is False


def test_the_switch_changes_in_place(connected: Browser, acme: Tenant) -> None:
    answer = connected.post(
        f"/portal/{acme.code}/microsoft/keep/", {"kept": "1", "next": CARD}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert 'aria-checked="true"' in answer.content.decode()
    assert "It stays until you disconnect it." in answer.content.decode()
    assert "token_cache" not in answer.content.decode()


def test_what_the_pages_show_of_it(connected: Browser, acme: Tenant, alice: User, ivana: User) -> None:
    shown = fragment(acme, alice)
    assert shown.startswith("Connected: alice@acme.example Since today")
    assert "It ends after a day without use. May customize" in shown
    assert fragment(acme, ivana).startswith("Microsoft is not connected")
    MicrosoftConnection.objects.update(may_customize=False, kept=True)
    assert "It stays until you disconnect it. It reads the CRM; a change in the CRM needs" in fragment(acme, alice)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        MicrosoftConnection.objects.update(kept=False)
        assert fragment(acme, alice).startswith("The connection has ended alice@acme.example was not used for a day")
        microsoft_connections.end_idle()
        assert fragment(acme, alice).startswith("The connection has ended")
    MicrosoftConnection.objects.update(sign_in_error="AADSTS50173")
    assert fragment(acme, alice).startswith("Microsoft has ended the connection")
    assert "AADSTS50173" in fragment(acme, alice)


# -- consent -----------------------------------------------------------------------------------------------------------


def consent_page(instance: Instance) -> str:
    return urlsplit(consent.link(instance)).path


def test_the_directorys_admin_consents_without_an_account_here(acme: Tenant) -> None:
    browser, page = Browser(), consent_page(acme.instance)
    text = text_of(browser.get(page))
    assert "Acme s.r.o. connects its telephones with Microsoft CRM through IPEX." in text
    assert not PortalAttempt.objects.exists()
    there = browser.leave(f"{page}go/")
    assert there.startswith(f"{acme.instance.url}/{directory.ACME_TENANT}/v2.0/adminconsent?")
    ended = browser.come_back(pick(there, "alice@acme.example"))
    assert "The company has consented" in text_of(ended)
    assert Instance.objects.get().consented_at is not None
    assert AuditEntry.objects.get(act="consent.granted").actor == "directory admin"


def test_alice_consents_herself_and_is_back_where_she_was(acme: Tenant, alice: User) -> None:
    browser = Browser(alice)
    there = f"{consent_page(acme.instance)}go/?next={CARD}"
    assert lands(browser.by_microsoft(there, "alice@acme.example")) == (302, CARD)
    assert AuditEntry.objects.get(act="consent.granted").actor == "alice"
    assert "Microsoft reports that the company has consented." in text_of(browser.get(CARD))


def test_a_consent_that_was_not_given_is_none(acme: Tenant, alice: User) -> None:
    page = Browser(alice).by_microsoft(f"{consent_page(acme.instance)}go/", "alice@acme.example", cancel="1")
    assert "The account was not connected" not in text_of(page)
    assert "Consent was not given" in text_of(page)
    assert Instance.objects.get().consented_at is None


@pytest.mark.parametrize(
    "answer",
    [
        {"admin_consent": "True", "tenant": directory.BETA_TENANT},
        {"admin_consent": "True", "tenant": ""},
        {"admin_consent": "False", "tenant": directory.ACME_TENANT},
        {"tenant": directory.ACME_TENANT, "code": "abc"},
        {"admin_consent": "True", "tenant": directory.ACME_TENANT, "error": "consent_required"},
    ],
)
def test_another_answer_is_no_consent(acme: Tenant, answer: dict[str, str]) -> None:
    answered(Browser(), f"{consent_page(acme.instance)}go/", **answer)
    assert Instance.objects.get().consented_at is None
    assert not AuditEntry.objects.filter(act="consent.granted").exists()


def test_a_consent_without_its_browser_is_none(acme: Tenant) -> None:
    back = pick(Browser().leave(f"{consent_page(acme.instance)}go/"), "alice@acme.example")
    assert Browser().come_back(back).status_code == 400
    assert Instance.objects.get().consented_at is None


def test_a_consents_answer_connects_and_signs_in_nobody(acme: Tenant, alice: User) -> None:
    """The answer of one way does not fit another."""
    browser = Browser(alice)
    answered(browser, connect(acme), admin_consent="True", tenant=directory.ACME_TENANT)
    assert not MicrosoftConnection.objects.exists()
    assert Instance.objects.get().consented_at is None


def test_another_directory_has_not_consented(acme: Tenant) -> None:
    Instance.objects.update(consented_at=timezone.now())
    registration.change_address(Instance.objects.get(), by="ivana", directory_id=UUID(directory.BETA_TENANT))
    assert Instance.objects.get().consented_at is None


@pytest.mark.parametrize("token", ["invented", "a.b.c", "x" * 3000, "%00"])
def test_a_link_that_is_none_says_so(acme: Tenant, token: str) -> None:
    for page in (f"/signin/microsoft/consent/{token}/", f"/signin/microsoft/consent/{token}/go/"):
        answer = Browser().get(page)
        assert (answer.status_code, "This link does not work" in text_of(answer)) == (404, True)


def test_a_link_dies_when_the_crm_moves(acme: Tenant) -> None:
    page = consent_page(acme.instance)
    registration.change_address(Instance.objects.get(), by="ivana", url="https://moved.crm4.dynamics.com")
    assert Browser().get(page).status_code == 404
