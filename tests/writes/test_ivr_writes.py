"""What a voice menu sends is taken in at once and written once, as the function says and metadata allows."""

from collections.abc import Callable
from typing import Any

import pytest

from crmwindow import writing
from crmwindow.models import CrmWrite, IvrFunction, IvrStep
from crmwindow.writing import wording
from ipexportal.sandbox import Sandbox, directory
from tenants.models import SystemAccount, Tenant
from tests.writes.conftest import deliver, in_crm, post, stored

pytestmark = pytest.mark.django_db
State = CrmWrite.State


def test_a_complaint_becomes_a_lead(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    write = deliver(stored(ask("complaint", topic="Dodávka", text="Nepřišla", staff="12", since="24. 12. 2026")))
    assert (write.state, write.problem, write.content) == (State.WRITTEN, "", "")
    row = in_crm(microsoft, write)
    assert row is not None
    assert (row["subject"], row["description"], row["firstname"]) == ("Dodávka", "Nepřišla", "IVR")
    assert row["numberofemployees"] == 12
    assert row["createdby"] == directory.SYSTEM.systemuser_id == row["ownerid"]


def test_the_answer_comes_while_microsoft_is_down(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    microsoft.control.microsoft("down")
    write = stored(ask("complaint", topic="Dodávka"))
    assert deliver(write).state == State.QUEUED
    assert (write.problem, write.tries) == ("unavailable", 1)
    microsoft.control.microsoft("running")
    assert deliver(write).state == State.WRITTEN


def test_the_agent_sees_what_the_caller_said(ask: Callable[..., Any], complaint: IvrFunction) -> None:
    stored(ask("complaint", topic="Dodávka"))
    step = IvrStep.objects.get()
    assert (step.title, step.result, step.answers) == ("Stížnost", "accepted", '{"topic": "Dodávka"}')
    assert step.number == "+420777123456"


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_repeated_key_gives_the_same_id_and_another_body_is_refused(
    ask: Callable[..., Any], complaint: IvrFunction
) -> None:
    first = ask("complaint", unique_id="7.x", repeat="k-1", topic="A")
    assert ask("complaint", unique_id="7.x", repeat="k-1", topic="A").json() == first.json()
    other = ask("complaint", unique_id="7.x", repeat="k-1", topic="B")
    assert (other.status_code, list(other.json())) == (409, ["error"])
    assert CrmWrite.objects.count() == 1
    assert ask("complaint", unique_id="7.x", repeat="k-2", topic="A").json() != first.json()


def test_without_a_key_the_same_words_within_a_minute_are_one_write(
    ask: Callable[..., Any], complaint: IvrFunction, time_machine_later: Callable[[int], None]
) -> None:
    first = ask("complaint", unique_id="7.y", topic="A")
    assert ask("complaint", unique_id="7.y", topic="A").json() == first.json()
    assert ask("complaint", unique_id="7.z", topic="A").json() != first.json()
    time_machine_later(61)
    assert ask("complaint", unique_id="7.y", topic="A").json() != first.json()


def test_a_key_of_acme_means_nothing_to_beta(ask: Callable[..., Any], complaint: IvrFunction, beta: Tenant) -> None:
    from tenants import api_keys
    from tenants.models import ApiKey

    theirs = api_keys.create(beta, ApiKey.Scope.IVR, "tests")
    body = {"function": "complaint", "unique_id": "7.1", "number": "777123456", "values": {}}
    assert post(theirs, body).status_code == 404
    assert post(api_keys.create(beta, ApiKey.Scope.EVENTS, "tests"), body).status_code == 403


# ── refused at the door ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"function": "nothing"}, 404),
        ({"function": "complaint\x00"}, 404),
        ({"function": "x" * 10_000}, 404),
        ({"function": "' or 1 eq 1"}, 404),
        ({"values": {"unknown": "1", "<b>": 2}}, 422),
        ({"values": {"topic": ["a"]}}, 422),
        ({"values": {"topic": {"a": 1}}}, 422),
        ({"values": "topic"}, 422),
        ({"values": {"topic": 10**400}}, 422),
        ({"unique_id": ""}, 422),
        ({"unique_id": "7\x00"}, 422),
        ({"unique_id": 7}, 422),
        ({"number": "7" * 10_000}, 422),
        ({"number": "\ud800"}, 422),
        ({"more": 1}, 422),
    ],
)
def test_bad_input_is_told_in_one_sentence(key: str, complaint: IvrFunction, body: dict[str, Any], status: int) -> None:
    usual = {"function": "complaint", "unique_id": "7.1", "number": "777123456", "values": {"topic": "A"}}
    answer = post(key, {**usual, **body})
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert not CrmWrite.objects.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"values": {"topic": NaN}}', '{"a":' * 5000])
def test_what_is_no_request_is_refused(key: str, complaint: IvrFunction, text: str) -> None:
    assert post(key, text).status_code in (400, 422)


def test_a_request_of_more_than_64_kb_is_refused(key: str, complaint: IvrFunction) -> None:
    body = {"function": "complaint", "unique_id": "7.1", "number": "", "values": {"text": "x" * 70_000}}
    assert post(key, body).status_code == 413


@pytest.mark.parametrize("repeat", ["x" * 256, "čaj"])
def test_a_strange_idempotency_key_is_refused(key: str, complaint: IvrFunction, repeat: str) -> None:
    body = {"function": "complaint", "unique_id": "7.1", "number": "", "values": {}}
    assert post(key, body, **{"Idempotency-Key": repeat}).status_code == 422


def test_a_function_that_does_not_write_says_so(acme: Tenant, ask: Callable[..., Any]) -> None:
    IvrFunction.objects.create(tenant=acme, name="who", kind=IvrFunction.Kind.LOOKUP)
    assert ask("who").status_code == 422


def test_a_function_that_is_off_is_not_there(complaint: IvrFunction, ask: Callable[..., Any]) -> None:
    IvrFunction.objects.update(enabled=False)
    assert ask("complaint").status_code == 404


def test_over_the_daily_cap_the_menu_hears_until_when(complaint: IvrFunction, ask: Callable[..., Any]) -> None:
    IvrFunction.objects.update(daily_cap=1)
    first = ask("complaint", unique_id="7.a", topic="A")
    answer = ask("complaint", unique_id="7.b", topic="A")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 86_400 + 3600
    assert ask("complaint", unique_id="7.a", topic="A").json() == first.json()  # a repeat takes nothing


# ── what metadata says ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"topic": "x" * 301}, "too_long"),
        ({"text": "a\x07b"}, "characters"),
        ({"staff": "dvanáct"}, "not_whole"),
        ({"staff": 1.5}, "not_whole"),
        ({"staff": True}, "not_whole"),
        ({"staff": 2**40}, "not_whole"),
        ({"since": "31. 2. 2026"}, "not_a_date"),
        ({"since": "' or 1 eq 1"}, "not_a_date"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason_and_stays(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, values: dict[str, Any], kind: str
) -> None:
    write = deliver(stored(ask("complaint", **values)))
    assert (write.state, write.problem) == (State.REFUSED, "values")
    assert f'"kind": "{kind}"' in write.detail
    said = wording.of_write(write)
    assert next(iter(values)) in said
    assert str(next(iter(values.values()))) not in said
    assert write.content != ""


def test_ten_thousand_characters_are_taken_in_and_refused_whole(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    write = deliver(stored(ask("complaint", topic="ž" * 10_000)))
    assert (write.state, in_crm(microsoft, write)) == (State.REFUSED, None)


HOSTILE = "'); DROP TABLE x;--</fetch>{$value}&$filter=1 eq 1\"<script>%00"


def test_hostile_text_is_only_text(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    write = deliver(stored(ask("complaint", number=HOSTILE, unique_id=HOSTILE[:100], topic=HOSTILE[:40], text=HOSTILE)))
    assert (write.state, write.problem, write.detail) == (State.WRITTEN, "", "")
    row = in_crm(microsoft, write)
    assert row is not None
    assert (row["subject"], row["description"]) == (HOSTILE[:40], HOSTILE)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": {"topic": HOSTILE}},
        {"columns": {"topic": "nothere"}},
        {"constants": {HOSTILE: 1}},
        {"columns": {"topic": "ownerid"}},
        {"columns": {"topic": "leadid"}},
        {"columns": {"topic": "statecode"}},
        {"columns": {"topic": "fullname"}},
        {"caller_column": HOSTILE},
        {"caller_column": "subject"},
    ],
)
def test_a_column_that_cannot_be_written_is_refused_before_microsoft_hears_of_it(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox, change: dict[str, Any]
) -> None:
    IvrFunction.objects.update(**change)
    write = deliver(stored(ask("complaint", topic="1")))
    assert (write.state, write.problem) == (State.REFUSED, "values")
    assert "%" not in wording.of_write(write).replace(HOSTILE, "")


@pytest.mark.parametrize("table", ["nothere", HOSTILE])
def test_a_table_that_is_not_there_is_refused(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, table: str, wrong_names: None
) -> None:
    IvrFunction.objects.update(entity=table)
    write = deliver(stored(ask("complaint", topic="1")))
    assert (write.state, write.problem) == (State.REFUSED, "no_table")
    assert table.lower() in wording.of_write(write)


def test_choices_go_by_label_or_number(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    IvrFunction.objects.update(columns={"source": "leadsourcecode", "no": "donotphone", "worth": "revenue"})
    row = in_crm(microsoft, deliver(stored(ask("complaint", source="Web", no="ano", worth="1 234,50"))))
    assert row is not None
    assert (row["leadsourcecode"], row["donotphone"], float(row["revenue"])) == (8, 1, 1234.5)
    assert in_crm(microsoft, deliver(stored(ask("complaint", source=8)))) is not None
    assert deliver(stored(ask("complaint", source="Nothing"))).problem == "values"


def test_a_removed_function_leaves_its_rows_in_the_list_until_it_is_made_again(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount
) -> None:
    write = stored(ask("complaint", topic="A"))
    columns = complaint.columns
    complaint.delete()
    assert deliver(write).problem == "no_function"
    IvrFunction.objects.create(
        tenant=write.tenant, name="complaint", kind=IvrFunction.Kind.WRITE, entity="lead", columns=columns
    )
    assert writing.try_again(CrmWrite.objects.filter(pk=write.pk)) == 1
    assert deliver(write).state == State.WRITTEN


# ── whose ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def questionnaire(acme: Tenant) -> IvrFunction:
    """Of the kind that ends as an activity of whoever looks after the caller."""
    return IvrFunction.objects.create(
        tenant=acme,
        name="questionnaire",
        title="Dotazník",
        kind=IvrFunction.Kind.WRITE,
        entity="phonecall",
        columns={"answer": "description", "number": "phonenumber"},
        caller_column="regardingobjectid",
        owner=Tenant.MissedCallOwner.RECORD_OWNER,
    )


def test_the_callers_record_is_bound_and_its_owner_gets_the_row(
    ask: Callable[..., Any], questionnaire: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    row = in_crm(microsoft, deliver(stored(ask("questionnaire", answer="9"))))
    assert row is not None
    contact = microsoft.dataverse.record("contact", row["regardingobjectid"])
    assert contact is not None
    assert (contact["fullname"], row["regardingobjectid__type"]) == ("Jana Horáková", "contact")
    assert row["ownerid"] == directory.JANA.systemuser_id
    assert (row["phonenumber"], row["directioncode"], row["subject"]) == ("+420777123456", 0, "Dotazník")


def test_without_a_record_the_row_is_written_for_the_account_itself(
    ask: Callable[..., Any], questionnaire: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    write = deliver(stored(ask("questionnaire", number="604218330", answer="9")))
    row = in_crm(microsoft, write)
    assert row is not None
    assert (row["regardingobjectid"], row["ownerid"]) == (None, directory.SYSTEM.systemuser_id)
    assert write.owner_why == "nobody_found no_default"


# ── tried out ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(
    questionnaire: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    before = len(microsoft.requests)
    run = writing.dry_run(questionnaire, "777 123 456", {"answer": "9"})
    assert {seen.method for seen in microsoft.requests[before:] if seen.side == "dataverse"} == {"GET"}
    assert (run.table, run.refused, run.warnings) == ("phonecall", False, ())
    assert (run.body["description"], run.body["phonenumber"]) == ("9", "+420777123456")
    assert run.body["ownerid@odata.bind"] == f"/systemusers({directory.JANA.systemuser_id})"
    assert "regardingobjectid_contact_phonecall@odata.bind" in run.body


def test_a_dry_run_warns(questionnaire: IvrFunction, account: SystemAccount) -> None:
    questionnaire.columns = {"answer": "actualstart", "bad": "nothere"}
    run = writing.dry_run(questionnaire, "224 551 111", {"answer": "x", "more": 1})
    assert run.refused
    assert len(run.warnings) == 5  # two values, an unknown one, several records, the owner


def test_a_dry_run_without_a_system_account_says_so(questionnaire: IvrFunction) -> None:
    run = writing.dry_run(questionnaire, "777123456", {})
    assert (run.refused, run.body, len(run.warnings)) == (True, {}, 1)
