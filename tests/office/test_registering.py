"""Ivana registers a customer in one form, from whatever address she was sent."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from ipexportal import sandbox as stand_in
from ipexportal.sandbox import directory
from tenants import intake, pasted_address
from tenants.models import AuditEntry, Instance, Invitation, OutgoingMail, Tenant

pytestmark = pytest.mark.django_db
REGISTER = "admin:tenants_tenant_add"
APP = "5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"


def typed(**changes: Any) -> dict[str, Any]:
    return {
        "code": uuid.uuid4(),
        "name": "Technické služby Polabí",
        "slug": "",
        "email": "alena@tspolabi.example",
        "language": "cs",
        "country": "CZ",
        "url": "",
        "app_id": "",
    } | changes


def register(office: Client, **changes: Any) -> Any:
    return office.post(reverse(REGISTER), typed(**changes))


def mistakes(page: Any) -> dict[str, list[str]]:
    return {name: list(sentences) for name, sentences in page.context["form"].errors.items()}


def understand(office: Client, text: str) -> str:
    return " ".join(office.post(reverse("admin:tenants_tenant_understand"), {"url": text}).content.decode().split())


def test_a_whole_address_gives_instance_app_and_directory(office: Client, microsoft: stand_in.Sandbox) -> None:
    url = f"{microsoft.origin}/main.aspx?appid={APP.upper()}&pagetype=entitylist&etn=account"
    answer = register(office, url=url)
    tenant = Tenant.objects.get()
    instance = tenant.instance
    assert answer.headers["Location"] == reverse("admin:tenants_tenant_change", args=[tenant.pk])
    assert (instance.url, str(instance.app_id)) == (microsoft.origin, APP)
    assert str(instance.directory_id) == directory.ACME_TENANT
    assert not instance.is_proven


def test_the_customer_gets_a_short_name_an_implementer_and_an_invitation(office: Client, ivana: User) -> None:
    register(office, name="  Technické   služby Polabí ", language="sk", country="SK")
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.slug) == ("Technické služby Polabí", "technicke-sluzby-polabi")
    assert (tenant.language, tenant.country, tenant.implementer) == ("sk", "SK", ivana)
    assert tenant.contact_email == "alena@tspolabi.example"
    assert not hasattr(tenant, "instance")
    assert [(each.email, each.language) for each in Invitation.objects.all()] == [("alena@tspolabi.example", "sk")]
    assert [mail.kind for mail in OutgoingMail.objects.all()] == ["invitation"]
    acts = list(AuditEntry.objects.order_by("pk").values_list("act", "actor"))
    assert acts == [("tenant.registered", "ivana"), ("invitation.sent", "ivana")]


def test_a_second_customer_of_that_name_gets_another_short_name(office: Client) -> None:
    register(office)
    register(office)
    assert sorted(Tenant.objects.values_list("slug", flat=True)) == [
        "technicke-sluzby-polabi", "technicke-sluzby-polabi-2"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://businesscentral.dynamics.com/x/Production", "Synchronise its contacts to Dynamics 365 Sales"),
        ("https://acme.operations.dynamics.com/?cmp=usmf", "This is Finance and Operations."),
        ("https://make.powerapps.com/environments/abc/home", "Open your app from it and paste the address"),
        ("https://crm.acme.local/acme/main.aspx", "a CRM on your own server"),
        ("https://acme.crm4.dynamcis.com/main.aspx", "acme.crm4.dynamics.com"),
        ("http://localhost:8000/", "This port belongs to the portal"),
        ("javascript:alert(1)", "This is not a web address."),
        ("https://acme.crm4.dynamics.com:8443/", "contains a port number"),
    ],
)
def test_what_is_no_dynamics_is_refused_with_what_helps_and_nothing_typed_is_lost(
    office: Client, url: str, sentence: str
) -> None:
    page = register(office, url=url, name="Acme <b>", slug="acme")
    assert page.status_code == 422
    assert list(mistakes(page)) == ["url"]
    assert sentence in mistakes(page)["url"][0]
    text = page.content.decode()
    assert 'value="Acme &lt;b&gt;"' in text
    assert 'role="alert"' in text
    assert Tenant.objects.count() == 0
    assert sentence in understand(office, url).replace("&#x27;", "'")


def test_an_address_without_an_app_asks_for_its_id(office: Client, microsoft: stand_in.Sandbox) -> None:
    page = register(office, url=microsoft.origin)
    assert list(mistakes(page)) == ["app_id"]
    register(office, url=microsoft.origin, app_id=APP)
    assert str(Instance.objects.get().app_id) == APP


def test_a_server_that_does_not_answer_is_kept_as_not_verified(office: Client, microsoft: stand_in.Sandbox) -> None:
    url = "http://127.0.0.1:9/main.aspx?appid=" + APP
    page = office.post(reverse(REGISTER), typed(url=url), follow=True)
    assert Instance.objects.get().directory_id is None
    assert "is not verified yet" in page.content.decode()
    assert "did not answer now" in understand(office, url)


def test_oversized_and_wrong_values_are_said_under_their_fields(office: Client) -> None:
    page = register(office, name="x" * 201, email="alena", country="XX", language="de", app_id="7", slug="Á b")
    assert sorted(mistakes(page)) == ["app_id", "country", "email", "language", "name", "slug"]
    assert list(mistakes(register(office, url="https://" + "a" * 2001))) == ["url"]
    assert list(mistakes(register(office, name="Ac\x00me"))) == ["name"]
    assert Tenant.objects.count() == 0


def test_a_short_name_that_is_taken_says_whose_it_is(office: Client, beta: Tenant) -> None:
    page = register(office, slug="beta")
    assert mistakes(page) == {"slug": ["Beta a.s. has this short name already."]}


def test_the_same_form_sent_twice_makes_one_customer(office: Client) -> None:
    form = typed()
    first, second = (office.post(reverse(REGISTER), form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert (Tenant.objects.count(), OutgoingMail.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_twice_at_the_same_moment_makes_one_customer(ivana: User) -> None:
    newcomer = intake.Newcomer(uuid.uuid4(), "Acme", "acme", "alice@acme.example", "cs", "CZ")

    def send(_turn: int) -> tuple[int, bool]:
        try:
            tenant, made = intake.register(newcomer, by=ivana)
            return tenant.pk, made
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(send, range(2)))
    assert len({pk for pk, _made in answers}) == 1
    assert sorted(made for _pk, made in answers) == [False, True]


def test_an_instance_that_another_customer_proved_is_a_second_claim_that_staff_hear_of(
    office: Client, acme: Tenant, microsoft: stand_in.Sandbox
) -> None:
    url = f"{microsoft.origin}/main.aspx?appid={APP}"
    assert "confirmed as belonging to another customer: Acme s.r.o." in understand(office, url)
    page = office.post(reverse(REGISTER), typed(url=url), follow=True)
    claim = AuditEntry.objects.get(act="instance.second_claim")
    polabi = Tenant.objects.get(slug="technicke-sluzby-polabi")
    assert (claim.tenant, claim.target) == (polabi, f"technicke-sluzby-polabi {microsoft.origin}")
    assert "The address is confirmed as Acme s.r.o.&#x27;s already." in page.content.decode()
    assert not polabi.instance.is_proven
    assert acme.instance.is_proven


def test_without_scripts_a_button_looks_at_the_address_and_keeps_the_form(
    office: Client, microsoft: stand_in.Sandbox
) -> None:
    page = office.post(
        reverse(REGISTER), typed(url=f"{microsoft.origin}/main.aspx?appid={APP}", name="Acme", _look="1")
    )
    text = page.content.decode()
    assert page.status_code == 200
    assert directory.ACME_TENANT in text
    assert 'value="Acme"' in text
    assert Tenant.objects.count() == 0


def test_nothing_is_fetched_from_what_was_refused(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*args: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(pasted_address.registration, "probe", fetched)
    register(office, url="https://evil.example/main.aspx?appid=" + APP)
    understand(office, "http://169.254.169.254/latest/meta-data")


def test_customers_people_get_neither_form_nor_preview(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    for answer in (
        client.get(reverse(REGISTER)),
        client.post(reverse("admin:tenants_tenant_understand"), {"url": "x"}),
    ):
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/admin/login/")
