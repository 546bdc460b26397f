"""alice answers those who ask: she finds, hands out and erases. Nothing of the number is in an address or a record."""

import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crmwindow.models import Call, IvrFunction, Note
from tenants.models import Agent, AuditEntry, Tenant
from tests.privacy.conftest import CALLER, everything, rang, tables_with, wrote

pytestmark = pytest.mark.django_db


def post(browser: Client, tenant: Tenant, act: str, **values: str) -> Any:
    return browser.post(f"/portal/{tenant.code}/personal-data/{act}/", values)


def test_the_page_says_what_it_is_for(browser: Client, acme: Tenant) -> None:
    answer = browser.get(f"/portal/{acme.code}/personal-data/")
    assert answer.status_code == 200
    assert "Osobní údaje" in answer.content.decode() or "Personal data" in answer.content.decode()
    assert f"/portal/{acme.code}/personal-data/" in browser.get(f"/portal/{acme.code}/operation/").content.decode()


def test_a_number_shows_what_is_kept_and_why(browser: Client, acme: Tenant, jana: Agent, pin: IvrFunction) -> None:
    everything(jana, CALLER, pin, written=False)
    answer = post(browser, acme, "find", q="777 123 456")
    assert [part.key for part in answer.context["trail"].found] == [
        "calls", "legs", "notes", "revisions", "tasks", "drafts", "lookups", "candidates", "choices", "menu", "attempts",
        "writes", "openings", "index",
    ]  # fmt: skip
    html = answer.content.decode().replace("\xa0", " ")
    assert "+420 777 123 456" in html
    assert "Volat na" not in html


def test_the_number_of_queries_does_not_grow_with_the_calls(browser: Client, acme: Tenant, jana: Agent) -> None:
    numbers = []
    for _more in range(2):
        rang(jana, CALLER)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            post(browser, acme, "find", q=CALLER)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


def test_a_user_is_found_by_name_and_chosen(browser: Client, acme: Tenant, jana: Agent, bob: Agent) -> None:
    answer = post(browser, acme, "find", q="nov")
    assert answer.context["agents"] == [jana]
    answer = post(browser, acme, "find", agent=str(jana.code))
    assert [part.key for part in answer.context["trail"].found] == ["agent"]


def test_a_short_number_may_be_a_users_line(browser: Client, acme: Tenant, jana: Agent) -> None:
    answer = post(browser, acme, "find", q=jana.line)
    assert (answer.context["trail"].found, answer.context["agents"]) == ([], [jana])


def test_nobody_is_found_by_nothing(browser: Client, acme: Tenant) -> None:
    for typed in ("", "Neznámá", "12"):
        answer = post(browser, acme, "find", q=typed)
        assert (answer.status_code, bool(answer.context["error"])) == (422, True)


def test_an_agent_of_another_customer_is_not_there(browser: Client, acme: Tenant, eve: Agent) -> None:
    assert "trail" not in post(browser, acme, "find", agent=str(eve.code)).context
    assert post(browser, acme, "erase", agent=str(eve.code), sure="1").status_code == 302
    assert post(browser, acme, "find", agent="x' or 1=1").status_code == 422
    assert Agent.objects.get().name == eve.name


def test_files_come_as_attachments(browser: Client, acme: Tenant, jana: Agent) -> None:
    rang(jana, CALLER)
    for kind, content_type in (("json", "application/json"), ("csv", "text/csv")):
        answer = post(browser, acme, "file", q=CALLER, kind=kind)
        assert answer["Content-Type"] == f"{content_type}; charset=utf-8"
        assert answer["Content-Disposition"] == f'attachment; filename="acme-personal-data.{kind}"'
        assert "no-store" in answer["Cache-Control"]
    assert post(browser, acme, "file", q=CALLER, kind="exe").status_code == 302


def test_erasing_is_confirmed_and_what_waits_is_confirmed_once_more(browser: Client, acme: Tenant, jana: Agent) -> None:
    wrote(rang(jana, CALLER), jana, Note.State.REFUSED)
    assert post(browser, acme, "erase", q=CALLER).status_code == 422
    refused = post(browser, acme, "erase", q=CALLER, sure="1")
    assert (refused.status_code, Call.objects.count()) == (409, 1)
    assert 'name="also_unwritten"' in refused.content.decode()
    done = post(browser, acme, "erase", q=CALLER, sure="1", also_unwritten="1")
    assert (done.status_code, done["Location"]) == (302, f"/portal/{acme.code}/personal-data/")
    assert tables_with(CALLER, acme) == set()
    assert AuditEntry.objects.get(act="personal_data.erased").actor == "alice"
    page = browser.get(done["Location"]).content.decode()
    assert not re.search("777.?123.?456", page)


def test_a_double_click_erases_once(browser: Client, acme: Tenant, jana: Agent) -> None:
    rang(jana, CALLER)
    for _click in range(2):
        assert post(browser, acme, "erase", q=CALLER, sure="1").status_code == 302
    assert AuditEntry.objects.filter(act="personal_data.erased").count() == 1


def test_staff_do_the_same_from_the_command_line(acme: Tenant, jana: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    wrote(rang(jana, CALLER), jana, Note.State.REFUSED)
    call_command("personal_data", "export", "acme", "--number", "777123456")
    assert CALLER in capsys.readouterr().out
    call_command("personal_data", "erase", "acme", "--number", "777123456")
    assert Call.objects.count() == 1
    with pytest.raises(CommandError):
        call_command("personal_data", "erase", "acme", "--number", "777123456", "--yes")
    call_command("personal_data", "erase", "acme", "--number", "777123456", "--yes", "--also-unwritten")
    call_command("personal_data", "erase", "acme", "--agent", "JANA@acme.example", "--yes")
    assert (Call.objects.count(), Agent.objects.count()) == (0, 0)
    for wrong in (["--number", "kdo"], ["--agent", "nobody@acme.example"]):
        with pytest.raises(CommandError):
            call_command("personal_data", "export", "acme", *wrong)
