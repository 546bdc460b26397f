"""Trying a function out: the real CRM, and no trace in counters or on cards."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from crmwindow.ivr.trial import try_out
from crmwindow.models import IvrAttempts, IvrFunction, IvrStep
from tenants.models import AuditEntry, Tenant
from tests.ivr.conftest import PATIENCE_MS, Menu

pytestmark = pytest.mark.django_db
Person = Callable[..., str]


def test_a_form_that_is_not_saved_yet_can_be_tried(
    menu: Menu, acme: Tenant, alice: User, person: Person, asked: Callable[[], list[str]]
) -> None:
    person(mobilephone="601000501", nnn_pin="4711")
    function = IvrFunction(
        tenant=acme, name="novy", kind="verify", entity="contact", column="nnn_pin", budget_ms=PATIENCE_MS
    )
    asked()
    with translation.override("en"):
        trial = try_out(function, number="601 000 501", value="4711", by=alice)
    assert trial.answer == {"result": "verified"}
    assert [(one.method, one.path, one.status) for one in trial.asked] == [
        ("GET", "contacts", 200), ("GET", "contacts(…)", 200)
    ]  # fmt: skip
    assert asked() == ["GET contacts", "GET contacts(…)"]
    assert [step.sentence for step in trial.steps] == [
        "The number was read as +420 601 000 501",
        "Asking 1 table",
        "1 record holds the number",
        "The column was read through the system account",
        "The values agree",
    ]
    assert trial.milliseconds >= sum(one.milliseconds for one in trial.asked) - 5


def test_nothing_is_counted_kept_or_cached(
    menu: Menu, pin: IvrFunction, alice: User, person: Person, asked: Callable[[], list[str]]
) -> None:
    person(mobilephone="601000502", nnn_pin="4711")
    asked()
    told = [try_out(pin, number="601000502", value="1", by=alice).answer for _ in range(5)]
    assert told == [{"result": "refused"}] * 5
    assert len(asked()) == 10
    assert not IvrAttempts.objects.exists()
    assert not IvrStep.objects.exists()


def test_every_trial_leaves_its_trace_without_number_and_value(menu: Menu, pin: IvrFunction, alice: User) -> None:
    try_out(pin, number="604218330", value="80918091", by=alice)
    entry = AuditEntry.objects.get(act="ivr.tried")
    assert (entry.actor, entry.target, entry.after) == (
        "alice", "pin", {"name": "pin", "kind": "verify", "result": "refused"}
    )  # fmt: skip


@pytest.mark.parametrize("column", ["nnn_neexistuje", "fullname,nnn_pin", "x' or 1 eq 1", ""])
def test_a_column_that_is_not_there_is_said(
    menu: Menu, acme: Tenant, alice: User, column: str, wrong_names: None
) -> None:
    function = IvrFunction(
        tenant=acme, name="novy", kind="verify", entity="contact", column=column, budget_ms=PATIENCE_MS
    )
    trial = try_out(function, number="777123456", value="1", by=alice)
    assert trial.answer == {"result": "unavailable", "reason": "settings"}


@pytest.mark.parametrize("table", ["zadna", "contact'", "../contacts", "a" * 200])
def test_a_table_that_is_not_there_is_said(
    menu: Menu, acme: Tenant, alice: User, table: str, wrong_names: None
) -> None:
    for kind in ("verify", "identify", "lookup"):
        function = IvrFunction(
            tenant=acme, name="novy", kind=kind, entity=table, column="nnn_pin", budget_ms=PATIENCE_MS
        )
        trial = try_out(function, number="777123456", value="12345678", by=alice)
        assert (trial.answer["result"], trial.answer["reason"]) == ("unavailable", "settings")


def test_a_customer_without_a_system_account(acme: Tenant, alice: User) -> None:
    trial = try_out(IvrFunction(tenant=acme, name="kdo", kind="lookup"), number="777123456", by=alice)
    assert trial.answer == {"result": "unavailable", "reason": "no_system_account"}
