"""The implementers' tool: shows no secret, deletes nothing, acts through the verbs."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from crmwindow.models import Call, CallState, Note
from tenants import access, api_keys
from tenants.models import Agent, ApiKey, AuditEntry, Instance, SystemAccount, Tenant

OURS = [model for model in admin.site._registry if model._meta.app_label in ("tenants", "crmwindow")]


@pytest.fixture
def office(ivana: User) -> Client:
    client = Client()
    client.force_login(ivana)
    return client


@pytest.fixture
def everything(acme: Tenant, beta: Tenant, jana: Agent, eve: Agent) -> None:
    """One of each, full of secrets."""
    from django.utils import timezone

    now = timezone.now()
    SystemAccount.objects.create(instance=acme.instance, client_id=UUID(int=1), client_secret="h8Q~hush")
    jana.token_cache = "hush-token"
    jana.save()
    api_keys.create(acme, "events", "ivana")
    call = Call.objects.create(
        tenant=acme, unique_id="1", number="+420777123456", started_at=now, state=CallState.ENDED
    )
    Note.objects.create(call=call, author=jana, text="hush-note", edited_at=now)


def act(office: Client, model: type, action: str, *rows: Any) -> Any:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return office.post(url, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def url_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_every_list_and_row_opens_searches_and_shows_no_secret(office: Client, everything: None, model: type) -> None:
    where = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    pages = [office.get(reverse(f"{where}_changelist"), query) for query in ({}, {"q": "acme"})]
    pages += [office.get(reverse(f"{where}_change", args=[row.pk])) for row in model._default_manager.all()[:2]]
    assert {page.status_code for page in pages} == {200}
    text = "".join(page.content.decode() for page in pages)
    digests = list(ApiKey.objects.values_list("digest", flat=True))
    assert [secret for secret in ("hush", "777123456", *digests) if secret in text] == []


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_nothing_is_deleted_here(office: Client, everything: None, model: type) -> None:
    where = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    for row in model._default_manager.all()[:1]:
        assert office.post(reverse(f"{where}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_customers_people_do_not_get_in(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(reverse("admin:tenants_tenant_changelist")).status_code == 302


def test_lists_ask_the_database_as_often_for_many_rows(
    office: Client, acme: Tenant, jana: Agent, django_assert_num_queries: Any
) -> None:
    url = reverse("admin:tenants_agent_changelist")
    office.get(url)
    with django_assert_num_queries(7):
        office.get(url)
    Agent.objects.bulk_create(Agent(tenant=acme, name=f"A{n}", email=f"a{n}@acme.example") for n in range(3))
    with django_assert_num_queries(7):
        office.get(url)


def test_confirming_is_the_audited_verb(office: Client, acme: Tenant) -> None:
    Instance.objects.update(proven_at=None)
    act(office, Instance, "confirm", acme.instance)
    assert (Instance.objects.get().proven_by, AuditEntry.objects.get().act) == ("ivana", "instance.confirmed")


def test_a_second_claim_is_said_and_does_not_stop_the_others(office: Client, acme: Tenant, beta: Tenant) -> None:
    Instance.objects.filter(pk=beta.instance.pk).update(proven_at=None, url=acme.instance.url)
    page = act(office, Instance, "confirm", beta.instance)
    assert not Instance.objects.get(pk=beta.instance.pk).is_proven
    assert [str(message.level_tag) for message in page.context["messages"]] == ["error"]


def form_of(instance: Instance, **changes: Any) -> dict[str, Any]:
    data = {"tenant": instance.tenant_id, "url": instance.url, "app_id": instance.app_id, "leads": "on"}
    data |= {"directory_id": instance.directory_id, "note_state": instance.note_state}
    for prefix in ("custom_entities", "display_fields"):
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    return data | changes


def test_another_address_drops_the_proof(office: Client, jana: Agent) -> None:
    instance = jana.tenant.instance
    url = "https://acme.crm4.dynamics.com/main.aspx?appid=5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"
    office.post(url_of(instance), form_of(instance, url=url, note_state="completed"))
    row = Instance.objects.get()
    jana.refresh_from_db()
    assert (row.url, row.is_proven, row.note_state) == ("https://acme.crm4.dynamics.com", False, "completed")
    assert jana.session_epoch == 1
    acts = set(AuditEntry.objects.values_list("act", flat=True))
    assert acts == {"instance.address_changed", "instance.changed"}


def test_another_note_state_leaves_the_proof(office: Client, acme: Tenant) -> None:
    office.post(url_of(acme.instance), form_of(acme.instance, note_state="completed"))
    entry = AuditEntry.objects.get()
    assert Instance.objects.get().is_proven
    assert (entry.before, entry.after) == ({"note_state": "open"}, {"note_state": "completed"})


def test_an_address_that_is_no_dataverse_is_refused_with_a_sentence(office: Client, acme: Tenant) -> None:
    page = office.post(url_of(acme.instance), form_of(acme.instance, url="https://businesscentral.dynamics.com/x"))
    assert page.status_code == 200
    assert page.context["adminform"].errors["url"]
    assert Instance.objects.get().url == acme.instance.url


def test_disabling_signs_the_agents_out(office: Client, jana: Agent, bob: Agent) -> None:
    act(office, Agent, "disable", jana, bob)
    assert set(Agent.objects.values_list("window", "session_epoch")) == {(False, 1)}
    act(office, Agent, "enable", jana)
    assert list(Agent.objects.filter(window=True)) == [jana]


def test_editing_an_agent_keeps_the_tokens_and_names_nobody_in_the_audit(office: Client, jana: Agent) -> None:
    jana.token_cache = "tokens"
    jana.save()
    data = {"tenant": jana.tenant_id, "name": "Jana Malá", "email": jana.email, "login": "jana", "line": "444"}
    office.post(url_of(jana), data)
    row = Agent.objects.get()
    entry = AuditEntry.objects.get()
    assert (row.name, row.token_cache) == ("Jana Malá", "tokens")
    assert (entry.target, entry.before, entry.after) == (f"agent {jana.code}", {"name": "•••"}, {"name": "•••"})


def test_a_new_key_is_shown_once_and_not_in_a_cookie(office: Client, acme: Tenant) -> None:
    data = {"tenant": acme.pk, "scope": "window", "addresses": "127.0.0.1 192.0.2.0/24"}
    page = office.post(reverse("admin:tenants_apikey_add"), data)
    text = page.context["text"]
    assert access.open_with(text, "window", address="192.0.2.9").tenant == acme
    assert text in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    assert text not in str(page.cookies)
    assert text not in office.get(reverse("admin:tenants_apikey_changelist")).content.decode()


def test_a_wrong_address_of_a_key_is_said(office: Client, acme: Tenant) -> None:
    page = office.post(
        reverse("admin:tenants_apikey_add"), {"tenant": acme.pk, "scope": "events", "addresses": "office"}
    )
    assert "office" in page.context["adminform"].errors["addresses"][0]
    assert ApiKey.objects.count() == 0


def test_revoking_kills_the_key(office: Client, acme: Tenant) -> None:
    text = api_keys.create(acme, "events", "ivana")
    act(office, ApiKey, "revoke", ApiKey.objects.get())
    with pytest.raises(access.Refused):
        access.open_with(text, "events")


def test_the_configuration_is_downloaded(office: Client, acme: Tenant) -> None:
    answer = act(office, Tenant, "download", acme)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme.toml"'
    assert 'slug = "acme"' in answer.content.decode()
