"""The tab "Operation": what is typed is checked line by line, nothing typed is lost, and the later of two admins is told."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from crmwindow.models import LearnedMatch
from tenants import changes, configuration
from tenants.models import Agent, AuditEntry, Tenant, audit
from tenants.portal import operation_form
from tests.checklist.conftest import text_of

pytestmark = pytest.mark.django_db
At = Callable[..., str]
TYPED = {
    "country": "CZ",
    "language": "cs",
    "own_numbers": "+420222333444",
    "embedding_origins": "http://localhost:8000",
    "note_state": "open",
    "missed_call_owner": "record_owner",
    "retention_days": "90",
    "contact_email": "",
}


def typed(acme: Tenant, **values: Any) -> dict[str, Any]:
    return TYPED | {"seen": configuration.stamp(acme, "tenant", "instance")} | values


def outcomes(*rows: tuple[str, str, str]) -> dict[str, list[str]]:
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    return {f"outcome_{code}": list(texts) for code, texts in zip(("cs", "sk", "en"), columns, strict=True)}


def test_alice_changes_how_calls_are_handled(portal: Client, at: At, acme: Tenant) -> None:
    answer = portal.post(
        at("operation_save"),
        typed(
            acme, own_numbers="+420 222 333 444\n\n222 333 555", note_state="completed", log_every_call="on",
            retention_days="30", contact_email="it@acme.example", country="SK",
            **outcomes(("Vyřešeno", "Vyriešené", "Solved"), ("", "", ""), ("Volat zpět", "", "")),
        ),
    )  # fmt: skip
    assert answer.status_code == 302
    acme.refresh_from_db()
    acme.instance.refresh_from_db()
    assert (acme.own_numbers, acme.country) == (["+420 222 333 444", "222 333 555"], "SK")
    assert (acme.retention_days, acme.log_every_call, acme.contact_email) == (30, True, "it@acme.example")
    assert acme.outcomes == [{"cs": "Vyřešeno", "sk": "Vyriešené", "en": "Solved"}, "Volat zpět"]
    assert acme.instance.note_state == "completed"
    assert acme.search_internal_calls is False


def test_saving_the_page_as_it_is_changes_nothing(portal: Client, at: At, acme: Tenant) -> None:
    acme.outcomes = ["Vyřešeno", {"cs": "Zpět", "en": "Back"}]
    acme.save()
    shown = operation_form.stored_outcomes(acme)
    rows = [tuple(row.texts.get(code, "") for code in ("cs", "sk", "en")) for row in shown]
    answer = portal.post(at("operation_save"), typed(acme, **outcomes(*rows)), follow=True)  # type: ignore[arg-type]
    assert "Nothing was changed." in text_of(answer)
    assert AuditEntry.objects.filter(tenant=acme).count() == 0


def test_each_mistake_stands_at_its_line_and_everything_typed_stays(portal: Client, at: At, acme: Tenant) -> None:
    answer = portal.post(
        at("operation_save"),
        typed(
            acme, own_numbers="222 333 444\n\nswitchboard", embedding_origins="https://ok.example\nhttp://evil.example",
            retention_days="0", contact_email="nobody", **outcomes(("x" * 201, "", "")),
        ),
    )  # fmt: skip
    text = text_of(answer)
    assert answer.status_code == 422
    assert "Not saved: 5 things have to be put right." in text
    assert "Own numbers: Line 3: “switchboard” is not a telephone number." in text
    assert "Line 2: “http://evil.example” is not an origin" in text
    assert "Here belongs a whole number from 1 to 3650." in text
    assert "Outcome 1: At most 200 characters, not 201." in text
    assert "switchboard</textarea>" in answer.content.decode()
    assert "x" * 201 in answer.content.decode()
    acme.refresh_from_db()
    assert acme.retention_days == 90


@pytest.mark.parametrize(
    "wrong",
    [
        {"country": "XX"}, {"language": "de"}, {"retention_days": "many"}, {"retention_days": "9" * 40},
        {"note_state": "burnt"}, {"own_numbers": "1\n" * 70_000}, {"embedding_origins": "https://a\r\nX: y"},
        {"missed_call_owner": "<script>"},
    ],
)  # fmt: skip
def test_nonsense_is_refused(portal: Client, at: At, acme: Tenant, wrong: dict[str, str]) -> None:
    answer = portal.post(at("operation_save"), typed(acme, **wrong))
    assert answer.status_code == 422
    assert b"<script>" not in answer.content.replace(b"<script src=", b"")
    assert AuditEntry.objects.filter(tenant=acme).count() == 0


def test_the_later_of_two_admins_is_told_and_can_insist(portal: Client, at: At, acme: Tenant, ivana: User) -> None:
    old = typed(acme, retention_days="30")
    configuration.change(acme, {"tenant": {"retention_days": 60}}, by=ivana)
    answer = portal.post(at("operation_save"), old)
    assert answer.status_code == 409
    assert "ivana saved a change here, today" in text_of(answer)
    assert 'value="30"' in answer.content.decode()
    acme.refresh_from_db()
    portal.post(at("operation_save"), typed(acme, retention_days="30"))
    acme.refresh_from_db()
    assert acme.retention_days == 30


def test_outcomes_change_places_without_being_saved(portal: Client, at: At, acme: Tenant) -> None:
    rows = outcomes(("Jedna", "", ""), ("Dvě", "", ""), ("Tři", "", ""))

    def after(act: str) -> list[str]:
        html = portal.post(at("outcomes"), typed(acme, act=act, **rows)).content.decode()
        return sorted(("Jedna", "Dvě", "Tři"), key=lambda word: html.find(word) % 10**6)[: html.count('lang="cs"') - 2]

    assert after("up:1") == ["Dvě", "Jedna", "Tři"]
    assert after("down:0") == ["Dvě", "Jedna", "Tři"]
    assert after("up:0") == ["Jedna", "Dvě", "Tři"]
    assert after("remove:99") == ["Jedna", "Dvě", "Tři"]
    assert after("nonsense") == ["Jedna", "Dvě", "Tři"]
    acme.refresh_from_db()
    assert acme.outcomes == []


def test_a_removed_outcome_is_gone_from_the_form_only(portal: Client, at: At, acme: Tenant) -> None:
    html = portal.post(at("outcomes"), typed(acme, act="remove:0", **outcomes(("Jedna", "", ""), ("Dvě", "", ""))))
    assert "Jedna" not in html.content.decode()
    assert "Dvě" in html.content.decode()


def test_a_customer_without_an_instance_has_no_note_state_yet(portal: Client, new: Tenant) -> None:
    page = portal.get(f"/portal/{new.code}/operation/")
    assert (page.status_code, b'name="note_state"' in page.content) == (200, False)
    seen = configuration.stamp(new, "tenant")
    answer = portal.post(f"/portal/{new.code}/operation/save/", TYPED | {"seen": seen, "retention_days": "10"})
    assert answer.status_code == 302
    new.refresh_from_db()
    assert new.retention_days == 10


def test_the_set_up_is_one_file_without_secrets(portal: Client, at: At, acme: Tenant, jana: Agent) -> None:
    answer = portal.get(at("operation_file"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme.toml"'
    data = tomllib.loads(answer.content.decode())
    assert (data["tenant"]["slug"], data["agents"][0]["email"]) == ("acme", "jana@acme.example")
    assert not configuration.apply(configuration.load(answer.content), by="tests")


def test_remembered_numbers_are_counted_and_forgotten(
    portal: Client, at: At, acme: Tenant, jana: Agent, eve: Agent
) -> None:
    for agent, number in ((jana, "a"), (jana, "b"), (eve, "c")):
        match = LearnedMatch(
            tenant=agent.tenant, agent=agent, number_blind=number, table="contact", record_id=acme.code,
            chosen_at=timezone.now(),
        )  # fmt: skip
        match.number = "+420777123456"
        match.save()
    assert "For 2 numbers agents have chosen who is calling." in text_of(portal.get(at("operation")))
    told = portal.post(at("forget_numbers"), follow=True)
    assert "2 choices are forgotten." in text_of(told)
    assert "Remembered numbers forgotten" in text_of(told)
    assert [match.agent for match in LearnedMatch.objects.all()] == [eve]
    assert AuditEntry.objects.get(act="matches.forgotten").after == {"choices": 2}


def test_changes_are_told_in_words(acme: Tenant, alice: User, beta: Tenant) -> None:
    alice.first_name, alice.last_name = "Alena", "Vlčková"
    alice.save()
    configuration.change(acme, {"tenant": {"retention_days": 30}, "instance": {"leads": False}}, by=alice)
    audit(tenant=acme, by="ivana", act="window.ticket")
    audit(tenant=beta, by="otto", act="invitation.sent")
    audit(tenant=acme, by="nobody knows", act="unheard.of")
    assert [(told.sentence, told.by) for told in changes.of(acme)] == [
        ("Change", "nobody knows"),
        ("Set-up changed: operation, instance", "Alena Vlčková"),
    ]


def test_the_page_asks_as_little_for_three_changes_as_for_one(
    portal: Client, at: At, acme: Tenant, django_assert_num_queries: Any
) -> None:
    audit(tenant=acme, by="alice", act="invitation.sent")
    with django_assert_num_queries(6):
        portal.get(at("operation"))
    for _more in range(2):
        audit(tenant=acme, by="ivana", act="invitation.renewed")
    with django_assert_num_queries(6):
        portal.get(at("operation"))


def test_a_default_owner_is_kept_and_nonsense_is_not(portal: Client, at: At, acme: Tenant) -> None:
    chosen = "a5e70000-0000-4000-8000-000000000004"
    assert portal.post(at("operation_save"), typed(acme, missed_call_owner_id=f" {{{chosen}}} ")).status_code == 302
    acme.refresh_from_db()
    assert str(acme.missed_call_owner_id) == chosen
    assert chosen in portal.get(at("operation")).content.decode()
    assert portal.post(at("operation_save"), typed(acme, missed_call_owner_id="Klára")).status_code == 422
    assert portal.post(at("operation_save"), typed(acme, missed_call_owner_id="")).status_code == 302
    acme.refresh_from_db()
    assert acme.missed_call_owner_id is None


def test_without_a_connection_the_owners_cannot_be_read(portal: Client, at: At, acme: Tenant) -> None:
    answer = portal.get(at("owners"))
    assert answer.status_code == 200
    assert b"<option" not in answer.content
