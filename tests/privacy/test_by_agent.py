"""An agent leaves, or asks to be forgotten: their name is nowhere, their calls say that one agent took them."""

import json
import re

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.utils import timezone

from crmwindow import outbox, upkeep
from crmwindow.models import Call, IvrFunction, Leg, Note, Outbox, WindowSession, WindowTicket
from crmwindow.personal_data import Unwritten, by_agent, files
from tenants import api_keys
from tenants.models import Agent, ApiKey, AuditEntry, CheckRun, Instance, OutgoingMail, SignInAttempt, Tenant
from tests.privacy.conftest import CALLER, _cells, _decrypted, everything, later, rang, wrote

pytestmark = pytest.mark.django_db
NAME = re.compile(r"nov[áa]kov|jana@|jana\.|b0b0b0b0", re.IGNORECASE)
OBJECT_ID = "b0b0b0b0-1111-4222-8333-444455556666"


@pytest.fixture
def jana_at_work(jana: Agent, pin: IvrFunction, ivana: User) -> Agent:
    """Whom the product knows by name in every place it can."""
    Agent.objects.filter(pk=jana.pk).update(
        upn="jana.novakova@acme.example", object_id=OBJECT_ID, directory_id=OBJECT_ID, systemuser_id=OBJECT_ID
    )
    jana.refresh_from_db()
    jana.token_cache = "Jana Nováková's tokens"
    jana.save()
    everything(jana, CALLER, pin, written=True)
    now = timezone.now()
    instance = jana.tenant.instance
    Instance.objects.filter(pk=instance.pk).update(proven_by=jana.upn)
    CheckRun.objects.create(instance=instance, by=jana.upn)
    AuditEntry.objects.create(tenant=jana.tenant, actor=jana.upn, act="instance.proven", target=instance.url)
    AuditEntry.objects.create(tenant=None, actor=jana.upn, act="instance.second_claim", target="beta")
    WindowSession.objects.create(digest="s" * 64, instance=instance, agent=jana, expires_at=now)
    WindowTicket.objects.create(digest="t" * 64, agent=jana, expires_at=now)
    SignInAttempt.objects.create(instance=instance, account=jana.upn, expires_at=now, flow="Nováková")
    OutgoingMail.objects.create(tenant=jana.tenant, kind="activation", language="cs", agent=jana)
    Note.objects.filter(author=jana).update(written_by=OBJECT_ID)
    about = {"content_type": ContentType.objects.get_for_model(Agent), "object_id": str(jana.pk)}
    LogEntry.objects.create(user=ivana, action_flag=CHANGE, object_repr=str(jana), change_message="", **about)
    outbox.tell([jana.pk])
    return jana


def places() -> set[str]:
    """Tables in which anything of jana's name can be read, plain or decrypted."""
    tables = connection.introspection.table_names()
    found = {table for table in tables if any(NAME.search(_text(cell)) for cell in _cells(table))}
    models = apps.get_models(include_auto_created=True)
    return found | {model._meta.db_table for model in models if any(map(NAME.search, _decrypted(model)))}


def _text(cell: object) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def test_the_name_is_nowhere_any_more(jana_at_work: Agent, alice: User) -> None:
    assert places() >= {
        "tenants_agent", "tenants_auditentry", "tenants_instance", "tenants_checkrun", "tenants_signinattempt",
        "crmwindow_note", "django_admin_log",
    }  # fmt: skip
    by_agent.erase(by_agent.trail(jana_at_work), by=alice)
    assert places() - {"crmwindow_lookup"} == set()
    assert by_agent.search(jana_at_work.tenant, "jana") == []


def test_calls_keep_that_one_agent_took_them(jana_at_work: Agent, acme: Tenant, alice: User) -> None:
    by_agent.erase(by_agent.trail(jana_at_work), by=alice)
    leg = Leg.objects.select_related("agent").get(call__private_to=None)
    assert re.fullmatch(r"Agent [0-9A-F]{4}", leg.agent.name)
    assert (leg.agent.email.endswith("@erased.invalid"), leg.agent.window, leg.agent.token_cache) == (True, False, "")
    assert (Call.objects.filter(tenant=acme).count(), Agent.objects.count(), acme.agents.count()) == (2, 0, 0)


def test_windows_close_and_nobody_gets_in_again(jana_at_work: Agent, events_key_window: str, alice: User) -> None:
    by_agent.erase(by_agent.trail(jana_at_work), by=alice)
    assert not WindowSession.objects.exists()
    assert [row.kind for row in Outbox.objects.all()] == [outbox.REVOKED]
    key = {"Authorization": f"Bearer {events_key_window}"}
    body = {"login": "jana"}
    answer = Client().post("/api/v1/window-tickets", body, content_type="application/json", headers=key)
    assert answer.status_code == 404


@pytest.fixture
def events_key_window(acme: Tenant) -> str:
    return api_keys.create(acme, ApiKey.Scope.WINDOW, "tests")


def test_the_record_of_changes_stays_without_the_name(jana_at_work: Agent, acme: Tenant, alice: User) -> None:
    before = AuditEntry.objects.count()
    by_agent.erase(by_agent.trail(jana_at_work), by=alice)
    assert AuditEntry.objects.count() == before + 1
    erased = AuditEntry.objects.get(act="personal_data.erased")
    assert (erased.actor, erased.target) == ("alice", f"agent {jana_at_work.code}")
    assert AuditEntry.objects.get(act="instance.proven").actor == Agent.everybody.get().name


def test_an_admin_of_the_same_address_keeps_what_they_did_as_an_admin(acme: Tenant, jana: Agent, alice: User) -> None:
    User.objects.create_user("jana", jana.email, "jana-has-a-long-password")
    AuditEntry.objects.create(tenant=acme, actor=jana.email, act="configuration.changed")
    by_agent.erase(by_agent.trail(jana), by=alice)
    assert AuditEntry.objects.get(act="configuration.changed").actor == "jana@acme.example"


def test_a_note_that_is_only_here_is_not_erased_silently(jana: Agent, alice: User) -> None:
    note = wrote(rang(jana, CALLER), jana, Note.State.REFUSED, text="Objednat kotel")
    with pytest.raises(Unwritten):
        by_agent.erase(by_agent.trail(jana), by=alice)
    note.refresh_from_db()
    assert (note.text, Agent.objects.get().name) == ("Objednat kotel", jana.name)
    by_agent.erase(by_agent.trail(jana), by=alice, also_unwritten=True)
    assert (Note.objects.count(), Call.objects.count()) == (0, 1)


def test_a_written_note_stays_as_a_fact_of_its_call(jana: Agent, alice: User) -> None:
    wrote(rang(jana, CALLER), jana)
    by_agent.erase(by_agent.trail(jana), by=alice)
    assert [(note.state, note.text, note.written_by) for note in Note.objects.all()] == [("written", "", "")]


def test_the_file_has_what_is_kept_of_the_agent_but_no_callers(jana_at_work: Agent, alice: User) -> None:
    text = files.export(by_agent.trail(jana_at_work), "json", by=alice)
    told = json.loads(text)
    assert told["about"] == jana_at_work.name
    assert "jana.novakova@acme.example" in text
    assert "777123456" not in text
    assert "Nováková's tokens" not in text
    assert AuditEntry.objects.get(act="personal_data.exported").target == f"agent {jana_at_work.code}"


def test_the_same_person_may_come_back_as_a_new_agent(acme: Tenant, jana: Agent, alice: User) -> None:
    rang(jana, CALLER)
    by_agent.erase(by_agent.trail(jana), by=alice)
    again = Agent.objects.create(tenant=acme, name=jana.name, email=jana.email, login=jana.login)
    assert [agent.pk for agent in acme.agents.all()] == [again.pk]


def test_the_row_goes_with_the_last_call(jana: Agent, alice: User) -> None:
    rang(jana, CALLER)
    by_agent.erase(by_agent.trail(jana), by=alice)
    upkeep.tidy()
    assert Agent.everybody.count() == 1
    with later(91):
        upkeep.tidy()
    assert Agent.everybody.count() == 0
