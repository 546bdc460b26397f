"""Ninety-one days later: what had its time is gone, what is not in the CRM yet is on the list of what is not."""

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

from crmwindow import not_logged, upkeep
from crmwindow.models import Call, CrmWrite, FollowUp, IndexedNumber, IvrFunction, LearnedMatch, Note
from tenants.models import Agent, AuditEntry, Tenant
from tests.privacy.conftest import CALLER, OTHER, everything, later, rang, tables_with, wrote

pytestmark = pytest.mark.django_db
KEPT = {apps.get_model(label)._meta.db_table for label in ("crmwindow.LearnedMatch", "crmwindow.IndexedNumber")}


def test_after_the_retention_only_a_choice_and_the_index_know_the_number(
    acme: Tenant, jana: Agent, pin: IvrFunction
) -> None:
    everything(jana, CALLER, pin, written=True)
    AuditEntry.objects.create(tenant=acme, actor="key", act="window.ticket")
    AuditEntry.objects.create(tenant=acme, actor="alice", act="configuration.changed")
    with later(89):
        upkeep.tidy()
        assert "crmwindow_call" in tables_with(CALLER, acme)
    with later(91):
        upkeep.tidy()
    assert tables_with(CALLER, acme) == KEPT
    assert [entry.act for entry in AuditEntry.objects.all()] == ["configuration.changed"]


def test_after_a_year_the_choice_is_forgotten_unless_the_number_still_calls(
    acme: Tenant, jana: Agent, pin: IvrFunction
) -> None:
    everything(jana, CALLER, pin, written=True)
    everything(jana, OTHER, pin, written=True)
    with later(340):
        rang(jana, OTHER)
    with later(366):
        upkeep.tidy()
    assert [match.number for match in LearnedMatch.objects.all()] == [OTHER]
    assert IndexedNumber.objects.count() == 2


def test_what_waits_is_not_purged_but_listed(acme: Tenant, jana: Agent, pin: IvrFunction) -> None:
    everything(jana, CALLER, pin, written=False)
    with later(91):
        upkeep.tidy()
        lines = not_logged.of(acme).lines(0, 50)
        assert {(line.what, line.whose) for line in lines} == {("note", jana.name), ("ivr", "")}
    assert Note.objects.get(state=Note.State.REFUSED).text == "Volat na 777123456"
    assert FollowUp.objects.get().subject == "Zavolat 777123456"


def test_each_customer_has_their_own_days(acme: Tenant, jana: Agent, eve: Agent) -> None:
    Tenant.objects.filter(pk=acme.pk).update(retention_days=7)
    rang(jana, CALLER)
    rang(eve, CALLER)
    with later(8):
        upkeep.tidy()
    assert [call.tenant for call in Call.objects.all()] == [eve.tenant]


def test_a_draft_that_was_emptied_keeps_no_call_alive(jana: Agent) -> None:
    note = wrote(rang(jana, CALLER), jana, Note.State.DRAFT)
    note.text, note.revision = "", 4
    note.save()
    with later(91):
        upkeep.tidy()
    assert not Call.objects.exists()


def test_a_write_that_was_given_up_goes_at_the_end_of_the_retention(
    acme: Tenant, jana: Agent, pin: IvrFunction
) -> None:
    everything(jana, CALLER, pin, written=True)
    CrmWrite.objects.update(state=CrmWrite.State.GIVEN_UP)
    upkeep.tidy()
    assert CrmWrite.objects.count() == 1
    with later(91):
        upkeep.tidy()
    assert not CrmWrite.objects.exists()


def test_sessions_of_the_portal_that_ended_are_removed(alice: User) -> None:
    from django.contrib.sessions.models import Session

    Client().force_login(alice)
    assert Session.objects.count() == 1
    with later(15):
        upkeep.tidy()
    assert not Session.objects.exists()
