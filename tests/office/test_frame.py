"""The admin's frame: the rail, the search, the language, tables that know their labels."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crmwindow import phone
from crmwindow.blind import blind
from crmwindow.models import Call, CallState
from tenants.models import Agent, Tenant
from tenants.templatetags.office import labelled_cells

pytestmark = pytest.mark.django_db
FIND, LIST = "admin:tenants_tenant_find", "admin:tenants_tenant_changelist"


def find(office: Client, text: str) -> str:
    return str(office.get(reverse(FIND), {"q": text}).headers["Location"])


def page_of(tenant: Tenant) -> str:
    return reverse("admin:tenants_tenant_change", args=[tenant.pk])


def called(tenant: Tenant, number: str, unique_id: str) -> None:
    e164 = phone.parse(number, tenant.country).e164  # type: ignore[union-attr]
    Call.objects.create(
        tenant=tenant,
        unique_id=unique_id,
        number=e164,
        number_blind=blind(tenant, e164),
        started_at=timezone.now(),
        state=CallState.ENDED,
    )


def test_the_rail_groups_what_staff_work_with_and_counts_it_in_one_query(
    office: Client, acme: Tenant, beta: Tenant, jana: Agent
) -> None:
    page = office.get(reverse("admin:tenants_agent_changelist")).content.decode()
    rail = page[page.index('<nav id="rail"') : page.index("</nav>", page.index('<nav id="rail"'))]
    for word in ("Overview", "Customers", "Instances", "System accounts", "Agents", "Calls", "Record of changes"):
        assert f">{word}<" in rail
    assert rail.count('aria-current="page"') == 1
    assert rail.count('rail-count figures">2<') == 2


def test_somebody_of_staff_without_rights_sees_an_empty_rail(acme: Tenant) -> None:
    User.objects.create_user("nora", "nora@ipex.example", "nora-has-a-long-password", is_staff=True)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.get(username="nora"))
    assert "Instances" not in client.get(reverse("admin:password_change")).content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "acme", "Acme s.r.o", "jana@acme", "alice@acme.example", "444", "777 123 456", "00420777123456", "9001.1",
        "+420 222 333 444", "info@acme.example", "jana acme",
    ],
)  # fmt: skip
def test_one_hit_leads_straight_to_the_customer(
    office: Client, acme: Tenant, beta: Tenant, jana: Agent, alice: User, text: str
) -> None:
    Tenant.objects.filter(pk=acme.pk).update(contact_email="info@acme.example")
    called(acme, "777123456", "9001.1")
    called(beta, "777999888", "9002.2")
    assert find(office, text) == page_of(acme)


def test_an_address_with_everything_in_it_is_found_by_its_host(office: Client, acme: Tenant, beta: Tenant) -> None:
    assert find(office, "https://beta.crm4.dynamics.com/main.aspx?appid=1") == page_of(beta)


def test_several_hits_or_none_lead_to_the_list(office: Client, acme: Tenant, beta: Tenant) -> None:
    assert find(office, "a") == f"{reverse(LIST)}?q=a"
    assert find(office, "nobody@nowhere.example") == f"{reverse(LIST)}?q=nobody%40nowhere.example"
    assert find(office, "  ") == f"{reverse(LIST)}?q=++"
    listed = office.get(reverse(LIST), {"q": "a"}).context["cl"].result_list
    assert [each.slug for each in listed] == ["acme", "beta"]


@pytest.mark.parametrize(
    "text", ["\x00", "'; drop table", "%", "x" * 5000, "+" * 300, "\u202e", "++420 777", "9" * 200]
)
def test_odd_searches_find_nothing_and_break_nothing(office: Client, acme: Tenant, text: str) -> None:
    for where in (FIND, LIST):
        assert office.get(reverse(where), {"q": text}, follow=True).status_code == 200


def test_a_search_costs_as_much_for_many_customers(
    office: Client, acme: Tenant, django_assert_num_queries: Any
) -> None:
    office.get(reverse(LIST))
    for number in range(3):
        with django_assert_num_queries(3 + 3):
            office.get(reverse(FIND), {"q": "777 123 456"})
        Tenant.objects.create(slug=f"t{number}", name=f"T {number}")


INLINE = re.compile(
    r"<style|<script(?![^>]*(?:\ssrc=|application/json))|<[^>]*\s(?:style|on[a-z]+)\s*=|javascript:", re.IGNORECASE
)


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_no_page_of_the_admin_carries_what_a_strict_policy_refuses(
    office: Client, acme: Tenant, jana: Agent, alice: User, model: Any
) -> None:
    called(acme, "777123456", "9001.1")
    where = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    pages = [
        reverse(f"{where}_changelist"),
        f"{reverse(f'{where}_changelist')}?_facets=True&q=x",
        reverse(f"{where}_add"),
    ]
    if row:
        pages += [reverse(f"{where}_{page}", args=[row.pk]) for page in ("change", "delete", "history")]
    faults = {}
    for page in pages:
        answer = office.get(page)
        assert answer.status_code in {200, 302, 403}, page
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "'unsafe" not in policy
        if answer.status_code == 200 and (found := INLINE.findall(answer.content.decode())):
            faults[page] = found
    assert faults == {}


def test_second_factors_groups_and_mail_addresses_are_not_shown(office: Client) -> None:
    labels = {model._meta.label for model in admin.site._registry}
    assert labels & {"mfa.Authenticator", "account.EmailAddress", "auth.Group"} == set()


def test_cells_know_their_columns_label_and_quotes_stay_quotes() -> None:
    text = '<div class="sortoptions">1</div><div class="text"><a href="?">The "name"</a></div>'
    head = f'<th class="sortable column-name">{text}</th>'
    html = labelled_cells(f'<tr>{head}</tr><tr><td class="field-name nowrap">x</td><td class="field-other">y</td></tr>')
    assert (
        '<td data-label="The &quot;name&quot;" class="field-name nowrap">x</td><td class="field-other">y</td>' in html
    )


def test_the_language_is_chosen_in_the_frame(office: Client, acme: Tenant) -> None:
    assert 'lang="en"' in office.get(reverse(LIST)).content.decode()
    office.post(reverse("set_language"), {"language": "sk"})
    assert '<html lang="sk"' in office.get(reverse(LIST)).content.decode()


def test_a_popup_has_no_frame(office: Client, acme: Tenant) -> None:
    assert 'id="rail"' not in office.get(reverse("admin:auth_user_changelist"), {"_popup": 1}).content.decode()
