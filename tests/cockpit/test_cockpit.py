"""The admin's first page: who is stuck and on whom, the most urgent first."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crmwindow.models import CrmWrite
from tenants.models import Agent, Invitation, Membership, OutgoingMail, Tenant, audit
from tests.cockpit.conftest import admin_invited, called, check_failed, note_waits, secret_ends
from tests.signed_in import came_by

pytestmark = pytest.mark.django_db
Customer = Callable[..., Tenant]
PAGE = "/admin/"


def page(client: Client, **query: str) -> Any:
    answer = client.get(PAGE, query)
    assert answer.status_code == 200
    return answer


def names(answer: Any) -> list[str]:
    return [standing.tenant.slug for standing in answer.context["standings"]]


def text(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\xa0", " ").split())


# Who sees it


def test_only_staff_get_in(customer: Customer) -> None:
    customer("acme")
    alice = User.objects.create_user("alice", "alice@acme.example", "alice-has-a-long-password")
    Membership.objects.create(user=alice, tenant=Tenant.objects.get())
    for client in (Client(), came_by(Client(), alice, "mfa")):
        answer = client.get(PAGE, headers={"HX-Request": "true"})
        assert answer.status_code == 302
        assert b"Acme" not in answer.content


def test_staff_without_a_second_factor_see_nothing_of_it(customer: Customer, ivana: User) -> None:
    customer("acme")
    answer = came_by(Client(), ivana, "password").get(PAGE)
    assert (answer.status_code, b"Acme" in answer.content) == (302, False)


def test_before_the_first_customer_it_says_what_will_be_here_and_offers_to_begin(cockpit: Client) -> None:
    said = text(page(cockpit))
    assert "There is no customer yet" in said
    assert page(cockpit).content.decode().count(f'href="{reverse("admin:tenants_tenant_add")}"') == 1


# Rows


def test_the_most_urgent_come_first(cockpit: Client, customer: Customer) -> None:
    customer("calm", live=True, agents=2, signed_in=2)
    secret_ends(customer("soon", live=True, agents=1, signed_in=1), days=55)
    customer("waiting", agents=2)
    customer("ours", address=False)
    note_waits(customer("held", live=True, agents=1, signed_in=1), minutes=47)
    secret_ends(customer("expiring", live=True, agents=1, signed_in=1), days=6)
    check_failed(customer("broken", live=True, agents=1, signed_in=1))

    assert names(page(cockpit)) == ["broken", "expiring", "held", "ours", "waiting", "soon", "calm"]


def test_a_row_says_the_cause_then_who_and_since_when(cockpit: Client, customer: Customer) -> None:
    invited = customer("hradil", address=False)
    admin_invited(invited)
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=9))
    customer("kolar", address=False)
    Tenant.objects.filter(slug="kolar").update(created_at=timezone.now() - timedelta(hours=5))
    said = text(page(cockpit))
    assert "The address of the CRM is missing Customer · 9 days" in said
    assert "Invite the customer's admin IPEX · 5 h" in said
    assert '<span class="small is-ours">IPEX' in page(cockpit).content.decode()


def test_notes_that_microsoft_holds_up_block_a_customer_who_else_waits_for_nobody(
    cockpit: Client, customer: Customer
) -> None:
    held = customer("belveder", live=True, agents=2, signed_in=2)
    note_waits(held, minutes=3)
    assert page(cockpit).context["standings"][0].blocker.who == "nobody"
    note_waits(held, minutes=47)
    said = text(page(cockpit))
    assert "Microsoft asks us to wait Microsoft · 47 min" in said
    assert "2 notes have been waiting for 47 min. They are written by themselves." in said


def test_a_note_that_was_refused_waits_for_its_agent(cockpit: Client, customer: Customer) -> None:
    note_waits(customer("acme", live=True, agents=1, signed_in=1), minutes=1, problem="gone", state="refused")
    blocker = page(cockpit).context["standings"][0].blocker
    assert (blocker.cause, blocker.who) == ("1 note was not written", "agents")


@pytest.mark.parametrize(
    ("made", "word", "segments"),
    [
        ({"proven": False}, "Registered", ["now", "", "", "", ""]),
        ({}, "Instance confirmed", ["done", "now", "", "", ""]),
        ({"agents": 2}, "Ready", ["done", "done", "now", "", ""]),
        ({"agents": 2, "signed_in": 1}, "Pilot", ["done", "done", "done", "now", ""]),
        ({"agents": 1, "signed_in": 1, "live": True}, "In operation", ["live"] * 5),
    ],
)
def test_five_segments_and_a_word_say_how_far(
    cockpit: Client, customer: Customer, made: dict[str, Any], word: str, segments: list[str]
) -> None:
    customer("acme", **made)
    standing = page(cockpit).context["standings"][0]
    assert (standing.word, standing.segments) == (word, segments)


def test_trouble_is_red_and_names_the_check(cockpit: Client, customer: Customer) -> None:
    check_failed(customer("acme", live=True, agents=1, signed_in=1))
    standing = page(cockpit).context["standings"][0]
    assert (standing.word, standing.segments[-1], standing.failed_checks) == ("Trouble", "bad", 1)
    assert standing.cause == f"Failed: {standing.progress.failed_check.said.title}"


def test_the_match_rate_counts_calls_of_seven_days_that_were_looked_up(cockpit: Client, customer: Customer) -> None:
    acme, beta = customer("acme"), customer("beta")
    for known in (True, True, True, False, None):
        called(acme, known=known)
    called(acme, known=False, started_at=timezone.now() - timedelta(days=8))
    called(beta, known=False)
    answer = page(cockpit)
    shares = {standing.tenant.slug: standing.calls.share for standing in answer.context["standings"]}
    assert shares == {"acme": 75.0, "beta": 0.0}
    assert answer.context["figures"].share == 60.0
    assert "60.0 %" in text(answer)


def test_the_strip_sums_all_customers(cockpit: Client, customer: Customer) -> None:
    acme = customer("acme", live=True, agents=3, signed_in=2)
    customer("beta", agents=1)
    note_waits(acme, minutes=1)
    note_waits(acme, minutes=1, state="refused")
    found = page(cockpit, who="nobody").context["figures"]
    assert (found.customers, found.live, found.agents, found.wanted) == (2, 1, 2, 4)
    assert (found.notes_waiting, found.notes_refused) == (1, 1)


# Filters and search


def test_each_chip_answers_who_is_stuck(cockpit: Client, customer: Customer) -> None:
    admin_invited(customer("theirs", address=False))
    customer("ours", address=False)
    customer("pilot", agents=2, signed_in=1)
    customer("nobody-in", agents=2)
    secret_ends(customer("ending", live=True, agents=1, signed_in=1), days=60)
    check_failed(customer("broken", live=True, agents=1, signed_in=1), "directory", "not_dataverse")
    found = {key: set(names(page(cockpit, who=key))) for key in ("customer", "ready", "trouble", "secret", "nobody")}
    assert found == {
        "customer": {"theirs"},
        "ready": {"pilot", "nobody-in"},
        "trouble": {"broken"},
        "secret": {"ending"},
        "nobody": {"nobody-in"},
    }
    assert "ours" in names(page(cockpit, who="ipex"))
    counts = {chip.filter.key: chip.count for chip in page(cockpit).context["chips"]}
    assert counts == {"": 6, "ipex": len(names(page(cockpit, who="ipex"))), **{k: len(v) for k, v in found.items()}}


@pytest.mark.parametrize(
    "asked",
    ["acme", "acme.crm4", "777 123 456", "+420777123456", "222333444", "a0@acme.example", "alice@acme.example",
     "office@acme.example", "1763.77"],
)  # fmt: skip
def test_it_finds_a_customer_by_what_a_caller_would_say(cockpit: Client, customer: Customer, asked: str) -> None:
    acme = customer("acme", agents=1)
    customer("beta", agents=1)
    Tenant.objects.filter(pk=acme.pk).update(own_numbers=["+420222333444"], contact_email="office@acme.example")
    alice = User.objects.create_user("alice", "alice@acme.example")
    Membership.objects.create(user=alice, tenant=acme)
    called(acme, unique_id="1763.77")
    assert names(page(cockpit, q=asked)) == ["acme"]


def test_a_search_and_a_filter_go_together_and_stay_in_the_address(cockpit: Client, customer: Customer) -> None:
    customer("acme", agents=1)
    customer("acme-plus", address=False)
    answer = page(cockpit, q="acme", who="nobody")
    assert names(answer) == ["acme"]
    assert 'hx-get="/admin/?who=nobody&amp;q=acme"' in answer.content.decode()
    assert 'href="?who=ipex&amp;q=acme"' in answer.content.decode()


@pytest.mark.parametrize("asked", ["<script>alert(1)</script>", "\x00", "%", "x" * 5000, "' OR 1=1 --"])
def test_nonsense_finds_nobody_and_does_no_harm(cockpit: Client, customer: Customer, asked: str) -> None:
    customer("acme")
    answer = page(cockpit, q=asked, who="no-such", show="maybe")
    assert b"<script>alert" not in answer.content
    assert names(answer) in ([], ["acme"])


def test_an_empty_answer_leads_back_to_all(cockpit: Client, customer: Customer) -> None:
    customer("acme")
    assert "No customer here answers to “nemo”." in text(page(cockpit, q="nemo"))
    assert "No customer is in this state just now." in text(page(cockpit, who="trouble"))


def test_a_customers_name_is_text_and_nothing_else(cockpit: Client, customer: Customer) -> None:
    customer("acme")
    Tenant.objects.update(name="<img src=x onerror=alert(1)>")
    assert b"<img src=x" not in page(cockpit).content


def test_more_than_fifty_are_shown_on_demand(cockpit: Client, customer: Customer) -> None:
    for number in range(52):
        customer(f"firm-{number}", address=False)
    answer = page(cockpit)
    assert (len(names(answer)), "Shown 50 of 52, by urgency" in text(answer)) == (50, True)
    assert 'href="?show=all"' in answer.content.decode()
    every = page(cockpit, show="all")
    assert (len(names(every)), "Show all 52" in text(every)) == (52, False)
    assert 'hx-get="/admin/?show=all"' in every.content.decode()


# What to do today


def test_at_most_five_acts_each_leading_to_a_page_that_answers(cockpit: Client, customer: Customer) -> None:
    check_failed(customer("broken", live=True, agents=1, signed_in=1))
    expiring = customer("expiring", live=True, agents=1, signed_in=1)
    account = secret_ends(expiring, days=6)
    for days in (30, 14):
        at = timezone.now() - timedelta(days=days)
        OutgoingMail.objects.create(
            tenant=expiring, kind="secret", state="sent", language="cs", system_account=account, sent_at=at
        )
    note_waits(customer("held", live=True, agents=1, signed_in=1), minutes=47)
    for number in range(4):
        customer(f"ours-{number}", address=False)
    tasks = page(cockpit).context["tasks"]
    assert [task.tenant.slug for task in tasks][:3] == ["broken", "expiring", "held"]
    assert len(tasks) == 5
    assert (tasks[1].aside, "expires in 6 days" in tasks[1].sentence) == ("admin told 2 times", True)
    assert [cockpit.get(task.address).status_code for task in tasks] == [200] * 5


def test_nothing_to_do_shows_no_empty_box(cockpit: Client, customer: Customer) -> None:
    customer("calm", live=True, agents=1, signed_in=1)
    assert "To solve today" not in text(page(cockpit))


@pytest.mark.parametrize(("days", "said"), [(-1, "has expired"), (0, "expires today"), (1, "in 1 day.")])
def test_the_end_of_a_secret_is_said_in_words(cockpit: Client, customer: Customer, days: int, said: str) -> None:
    secret_ends(customer("acme", live=True, agents=1, signed_in=1), days=days)
    assert said in page(cockpit).context["tasks"][0].sentence


# The portal as a whole


def test_it_tells_how_the_portal_itself_is_doing(cockpit: Client, customer: Customer) -> None:
    acme = customer("acme", proven=False)
    OutgoingMail.objects.create(tenant=acme, kind="alarm", state="failed", language="cs")
    late = timezone.now() - timedelta(minutes=30)
    OutgoingMail.objects.create(tenant=acme, kind="alarm", state="queued", language="cs", next_try_at=late)
    audit(tenant=acme, by="ivana", act="instance.second_claim", target="acme https://x.crm4.dynamics.com")
    signs = page(cockpit).context["signs"]
    assert [(str(sign.label), sign.number) for sign in signs] == [
        ("E-mails not sent, 7 days", 1),
        ("E-mails overdue", 1),
        ("Jobs waiting", 0),
        ("Instances to be confirmed", 1),
        ("Second claims, 30 days", 1),
    ]
    for sign in signs:
        if sign.address:
            assert cockpit.get(sign.address).context["cl"].result_count == 1


# How it is made


def test_it_renews_only_its_live_part(cockpit: Client, customer: Customer) -> None:
    customer("acme")
    answer = cockpit.get(PAGE, {"who": "customer"}, headers={"HX-Request": "true"})
    assert answer.content.decode().strip().startswith('<div id="live"')
    assert "HX-Request" in answer.headers["Vary"]
    ids = re.findall(r'id="([^"]+)"', answer.content.decode())
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("number", [1, 3, 60])
def test_any_number_of_customers_costs_the_same(
    cockpit: Client, customer: Customer, number: int, django_assert_num_queries: Any
) -> None:
    page(cockpit)
    for count in range(number):
        tenant = customer(f"firm-{count}", live=True, agents=2, signed_in=1)
        secret_ends(tenant, days=6)
        check_failed(tenant)
        note_waits(tenant, minutes=47)
    with django_assert_num_queries(19):
        assert len(names(page(cockpit, show="all"))) == number
    with django_assert_num_queries(21):  # whose calls have that UniqueId; whom it means
        assert len(names(page(cockpit, q="firm", show="all"))) == number


def test_what_is_heavy_or_secret_is_not_even_read(
    cockpit: Client, customer: Customer, django_assert_max_num_queries: Any
) -> None:
    secret_ends(customer("acme", live=True, agents=1, signed_in=1), days=6)
    with django_assert_max_num_queries(23) as asked:
        page(cockpit)
    sql = " ".join(query["sql"] for query in asked.captured_queries)
    assert '"metadata"' not in sql
    assert '"client_secret"' not in sql
    assert Agent.objects.count() == 1


def test_what_the_crm_refused_of_the_ivr_counts_as_not_written(cockpit: Client, customer: Customer) -> None:
    tenant = customer("Refused")
    CrmWrite.objects.create(
        tenant=tenant, kind=CrmWrite.Kind.IVR, table="lead", state=CrmWrite.State.REFUSED, queued_at=timezone.now()
    )
    said = text(cockpit.get(PAGE))
    assert "1 missed call or IVR write was refused by the CRM." in said
