"""A caller asks what is kept of them, and to be forgotten. Every table of the database is looked through."""

import json

import pytest
from django.apps import apps
from django.contrib.auth.models import User

from crmwindow.models import Call, IndexedNumber, IvrFunction, LearnedMatch, Lookup, Note
from crmwindow.personal_data import NoNumber, Unwritten, by_number, files
from tenants.models import Agent, AuditEntry, Tenant
from tests.privacy.conftest import CALLER, OTHER, everything, rang, tables_with, unblinded, wrote

pytestmark = pytest.mark.django_db

WITH_NUMBER = {
    "crmwindow.Call", "crmwindow.CallCandidates", "crmwindow.CrmWrite", "crmwindow.FollowUp", "crmwindow.FollowUpDraft",
    "crmwindow.IndexedNumber",
    "crmwindow.IvrAttempts", "crmwindow.IvrStep", "crmwindow.LearnedMatch", "crmwindow.Lookup", "crmwindow.Note",
    "crmwindow.NoteRevision",
}  # fmt: skip
"""A new model belongs here, and into personal_data.by_number, if a caller's number or anything made of it is in it."""
WITHOUT_NUMBER = {
    "account.EmailAddress", "account.EmailConfirmation", "admin.LogEntry", "auth.Group", "auth.Group_permissions",
    "auth.Permission", "auth.User", "auth.User_groups", "auth.User_user_permissions", "contenttypes.ContentType",
    "crmwindow.Asked", "crmwindow.CardTiming", "crmwindow.EventCount", "crmwindow.IndexState", "crmwindow.IvrFunction",
    "crmwindow.Leg", "crmwindow.NumberIndex", "crmwindow.Opening", "crmwindow.Outbox", "crmwindow.Tally",
    "crmwindow.WindowSession", "crmwindow.WindowTicket", "mfa.Authenticator", "sessions.Session", "tenants.Agent",
    "tenants.ApiKey", "tenants.AuditEntry", "tenants.CheckResult", "tenants.CheckRun", "tenants.CustomEntity",
    "tenants.DisplayField", "tenants.Instance", "tenants.Invitation", "tenants.LinkedAccount", "tenants.Membership",
    "tenants.MicrosoftConnection", "tenants.OutgoingMail", "tenants.PortalAttempt", "tenants.SignInAttempt",
    "tenants.SystemAccount", "tenants.SystemCertificate", "tenants.Tenant",
}  # fmt: skip
"""What a customer's own settings hold (own numbers, lines of users) is not about callers."""


def tables(labels: set[str]) -> set[str]:
    return {apps.get_model(label)._meta.db_table for label in labels}


def test_every_table_is_known_to_hold_numbers_or_not() -> None:
    assert {model._meta.label for model in apps.get_models(include_auto_created=True)} == WITH_NUMBER | WITHOUT_NUMBER
    assert not WITH_NUMBER & WITHOUT_NUMBER


def test_nothing_of_the_number_is_left_in_any_table(acme: Tenant, jana: Agent, pin: IvrFunction, alice: User) -> None:
    everything(jana, CALLER, pin, written=False)
    unblinded(acme, "777 123 456")
    assert tables_with(CALLER, acme) == tables(WITH_NUMBER)
    by_number.erase(by_number.trail(acme, "777 123 456"), by=alice, also_unwritten=True)
    assert tables_with(CALLER, acme) == set()
    assert by_number.trail(acme, CALLER).found == []


def test_another_caller_keeps_everything(acme: Tenant, jana: Agent, pin: IvrFunction, alice: User) -> None:
    everything(jana, OTHER, pin, written=False)
    before = by_number.trail(acme, OTHER).counts
    everything(jana, CALLER, pin, written=True)
    by_number.erase(by_number.trail(acme, CALLER), by=alice)
    assert by_number.trail(acme, OTHER).counts == before
    assert tables_with(OTHER, acme) == tables(WITH_NUMBER)


def test_another_customer_keeps_what_it_knows_of_the_same_number(
    acme: Tenant, jana: Agent, eve: Agent, pin: IvrFunction, alice: User
) -> None:
    rang(jana, CALLER)
    rang(eve, CALLER)
    by_number.erase(by_number.trail(acme, CALLER), by=alice)
    assert [call.tenant for call in Call.objects.all()] == [eve.tenant]


def test_what_is_only_here_is_not_erased_silently(acme: Tenant, jana: Agent, pin: IvrFunction, alice: User) -> None:
    everything(jana, CALLER, pin, written=False)
    with pytest.raises(Unwritten) as refused:
        by_number.erase(by_number.trail(acme, CALLER), by=alice)
    assert refused.value.waiting == {"notes": 1, "tasks": 1, "drafts": 1, "writes": 1}
    assert Note.objects.get(state=Note.State.REFUSED).text == "Volat na 777123456"
    assert not AuditEntry.objects.filter(act="personal_data.erased").exists()


def test_what_is_in_the_crm_needs_no_second_word(acme: Tenant, jana: Agent, pin: IvrFunction, alice: User) -> None:
    everything(jana, CALLER, pin, written=True)
    by_number.erase(by_number.trail(acme, CALLER), by=alice)
    assert tables_with(CALLER, acme) == set()


def test_an_empty_draft_is_no_unwritten_note(acme: Tenant, jana: Agent, alice: User) -> None:
    note = wrote(rang(jana, CALLER), jana, Note.State.DRAFT)
    note.text, note.revision = "", 3
    note.save()
    by_number.erase(by_number.trail(acme, CALLER), by=alice)
    assert not Call.objects.exists()


def test_the_audit_says_who_and_how_much_but_not_which_number(acme: Tenant, jana: Agent, alice: User) -> None:
    rang(jana, CALLER)
    by_number.erase(by_number.trail(acme, CALLER), by=alice)
    entry = AuditEntry.objects.get(act="personal_data.erased")
    told = {"calls": 1, "legs": 1, "lookups": 1}
    assert (entry.actor, entry.target, entry.before, entry.after) == ("alice", "number", {}, told)


def test_erasing_twice_erases_nothing_more_and_leaves_no_second_trace(acme: Tenant, jana: Agent, alice: User) -> None:
    rang(jana, CALLER)
    found = by_number.trail(acme, CALLER)
    by_number.erase(found, by=alice)
    assert by_number.erase(by_number.trail(acme, CALLER), by=alice) == {}
    assert AuditEntry.objects.filter(act="personal_data.erased").count() == 1


def test_what_the_crm_answered_about_somebody_else_goes_too_if_the_number_stands_in_it(
    acme: Tenant, jana: Agent, alice: User
) -> None:
    other = rang(jana, OTHER)
    text = json.dumps({"phones": ["00420 777 123 456"]})
    Lookup.objects.update_or_create(leg=other.legs.get(), defaults={"result": text})
    by_number.erase(by_number.trail(acme, CALLER), by=alice)
    assert (Call.objects.get(), Lookup.objects.exists()) == (other, False)


@pytest.mark.parametrize("typed", ["+420 777 123 456", "777123456", "00420777123456", " 420777123456", "777-123-456"])
def test_a_number_may_be_typed_in_any_way(acme: Tenant, jana: Agent, typed: str) -> None:
    rang(jana, CALLER)
    assert by_number.trail(acme, typed).counts == {"calls": 1, "legs": 1, "lookups": 1}


def test_an_internal_line_is_found_as_well(acme: Tenant, jana: Agent, alice: User) -> None:
    unblinded(acme, "312", Call.Caller.INTERNAL)
    unblinded(acme, "313", Call.Caller.INTERNAL)
    by_number.erase(by_number.trail(acme, "312"), by=alice)
    assert [call.number for call in Call.objects.all()] == ["313"]


@pytest.mark.parametrize("typed", ["", "  ", "12", "Horáková", "777 123 456 linka", "+", "%", "7" * 0 + "\x00"])
def test_what_is_no_number_is_refused(acme: Tenant, typed: str) -> None:
    with pytest.raises(NoNumber):
        by_number.trail(acme, typed)


def test_a_very_long_text_is_cut_and_finds_nobody(acme: Tenant) -> None:
    assert by_number.trail(acme, "7" * 100_000).found == []


def test_the_file_has_all_of_it_decrypted(acme: Tenant, jana: Agent, pin: IvrFunction, alice: User) -> None:
    everything(jana, CALLER, pin, written=False)
    told = json.loads(files.export(by_number.trail(acme, CALLER), "json", by=alice))
    rows = {part["kept"]: part["rows"] for part in told["parts"]}
    assert (told["customer"], told["about"]) == ("Acme s.r.o.", "+420 777 123 456")
    assert len(rows) == 14
    assert [row["number"] for row in rows["Hovory"]] == [CALLER, CALLER]
    assert [(row["author.name"], row["text"]) for row in rows["Poznámky"]] == [(jana.name, "Volat na 777123456")]
    entry = AuditEntry.objects.get(act="personal_data.exported")
    assert (entry.actor, entry.target) == ("alice", "number")
    assert "777" not in json.dumps([entry.before, entry.after])


def test_a_spreadsheet_takes_nothing_for_a_formula(acme: Tenant, jana: Agent, alice: User) -> None:
    wrote(rang(jana, CALLER), jana, Note.State.REFUSED, text='=HYPERLINK("http://x";"y")')
    text = files.export(by_number.trail(acme, CALLER), "csv", by=alice)
    assert text.startswith("\ufeff")
    assert "'=HYPERLINK" in text
    assert ";'+420777123456" in text


def test_the_index_forgets_the_number_of_this_customer(
    acme: Tenant, jana: Agent, pin: IvrFunction, alice: User
) -> None:
    everything(jana, CALLER, pin, written=True)
    everything(jana, OTHER, pin, written=True)
    by_number.erase(by_number.trail(acme, CALLER), by=alice)
    assert (IndexedNumber.objects.count(), LearnedMatch.objects.count()) == (1, 1)
