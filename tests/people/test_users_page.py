"""Alice sees who uses the window and who is stuck, switches windows on and off, adds people and puts them right."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tenants import post, registration, roster
from tenants.models import Agent, AuditEntry, Instance, OutgoingMail, Tenant
from tests.people.conftest import browser_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def address(name: str, tenant: Tenant, *agents: Agent) -> str:
    return reverse(f"portal:{name}", args=[tenant.code, *(agent.code for agent in agents)])


def told(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def labels(page: Any) -> dict[str, str]:
    return {agent.name: standing.label for agent, standing in page.context["rows"]}


def names(page: Any) -> list[str]:
    return [agent.name for agent, _standing in page.context["rows"]]


def signed_in(agent: Agent, **more: Any) -> None:
    values = {"object_id": uuid.uuid4(), "signed_in_at": timezone.now(), **more}
    row = Agent.objects.get(pk=agent.pk)
    for name, value in {"token_cache": "tokens", **values}.items():
        setattr(row, name, value)
    row.save()


@pytest.fixture
def team(acme: Tenant, tereza: Agent, jana: Agent, bob: Agent, klara: Agent, lena: Agent) -> Tenant:
    """Jana works with it, bob's e-mail came back, klara is refused, lena has not signed in, tereza's window is off."""
    signed_in(jana, first_card_at=timezone.now(), first_note_at=timezone.now())
    OutgoingMail.objects.create(
        tenant=acme, kind="activation", language="cs", agent=bob, state="failed", last_error="smtp_550"
    )
    Agent.objects.filter(pk=klara.pk).update(refused_with="AADSTS50105", refused_at=timezone.now())
    OutgoingMail.objects.create(
        tenant=acme, kind="activation", language="cs", agent=lena, state="sent", sent_at=timezone.now()
    )
    return acme


def test_everybody_stands_there_with_how_far_they_are(alices: Client, team: Tenant, jana: Agent) -> None:
    page = alices.get(address("people", team))
    assert sorted(labels(page).values()) == ["E-mail not delivered", "E-mail sent", "In use", "Not assigned", "Off"]
    assert page.context["numbers"] == {"": 5, "using": 1, "waiting": 1, "help": 2, "off": 1}
    text = page.content.decode()
    assert "1 of 5 people use the window." in text
    assert "AADSTS50105" in text
    assert "assign this person to the application of IPEX" in text
    assert "smtp_550" in text


@pytest.mark.parametrize(
    ("query", "who"),
    [
        ({"show": "help"}, ["Bob", "Klára"]),
        ({"show": "off"}, ["Tereza"]),
        ({"show": "using"}, ["Jana"]),
        ({"show": "waiting"}, ["Lena"]),
        ({"show": "nonsense"}, ["Bob", "Jana", "Klára", "Lena", "Tereza"]),
        ({"q": "jana@ACME"}, ["Jana"]),
        ({"q": "klára"}, ["Klára"]),
        ({"q": "448"}, ["Tereza"]),
        ({"q": "tereza malá"}, ["Tereza"]),
        ({"q": "nobody"}, []),
        ({"q": "%"}, []),
        ({"q": "\0", "page": "x"}, ["Bob", "Jana", "Klára", "Lena", "Tereza"]),
        ({"show": "off", "q": "jana"}, []),
    ],
)
def test_filters_and_words_find_people(alices: Client, team: Tenant, query: dict[str, str], who: list[str]) -> None:
    page = alices.get(address("people", team), query)
    assert [name.split()[0] for name in names(page)] == who


def test_the_list_asks_the_database_as_often_for_one_as_for_three(
    alices: Client, acme: Tenant, tereza: Agent, django_assert_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_num_queries(5):  # session, user, customer, counts, people
        alices.get(address("people", acme))
    for number in range(2):
        Agent.objects.create(tenant=acme, name=f"N{number}", email=f"n{number}@acme.example", window=True)
    with django_assert_num_queries(5):
        alices.get(address("people", acme))


def test_many_people_come_in_pages_and_all_of_a_filter_can_be_meant(alices: Client, acme: Tenant) -> None:
    Agent.objects.bulk_create(Agent(tenant=acme, name=f"Agent {n:03}", email=f"a{n}@acme.example") for n in range(120))
    page = alices.get(address("people", acme), {"page": "3"})
    assert (len(names(page)), names(page)[0], page.context["page"].paginator.num_pages) == (20, "Agent 100", 3)
    done = alices.post(address("people_enable", acme), {"everyone": "1", "q": "Agent 01"}, follow=True)
    assert told(done)[0].startswith("12 windows were switched on.")
    assert done.redirect_chain == [(address("people", acme) + "?q=Agent+01", 302)]
    assert Agent.objects.filter(window=True).count() == 12


def test_nobody_yet_offers_the_first_act(alices: Client, acme: Tenant) -> None:
    page = alices.get(address("people", acme)).content.decode()
    assert "The people who answer your phones will stand here." in page


# -- the switch


def test_the_switch_queues_the_e_mail_and_the_row_comes_back_alone(alices: Client, acme: Tenant, tereza: Agent) -> None:
    answer = alices.post(address("person_window", acme, tereza), {"on": "1"}, headers=HTMX)
    text = answer.content.decode()
    assert text.lstrip().startswith(f'<tr id="person-{tereza.code}">')
    assert 'aria-checked="true"' in text
    assert "Tereza Malá: the window is on, the activation e-mail is on its way." in text
    assert (text.count("<html"), text.count('hx-swap-oob="true"')) == (0, 3)
    assert OutgoingMail.objects.get().agent == tereza


def test_without_a_script_the_switch_leads_back_to_the_same_filter(alices: Client, acme: Tenant, tereza: Agent) -> None:
    sent = {"on": "1", "show": "off", "q": "tereza", "page": "1"}
    answer = alices.post(address("person_window", acme, tereza), sent)
    assert (answer.status_code, answer.headers["Location"]) == (
        302, address("people", acme) + "?show=off&q=tereza&page=1"
    )  # fmt: skip
    assert Agent.objects.get().window


def test_switching_off_says_that_windows_close_and_signs_out(alices: Client, acme: Tenant, jana: Agent) -> None:
    signed_in(jana)
    page = alices.post(address("person_window", acme, jana), {"on": "0"}, follow=True)
    assert told(page) == ["Jana Nováková: the window is off. Open windows close within seconds."]
    jana.refresh_from_db()
    assert (jana.window, jana.session_epoch, jana.is_signed_in) == (False, 1, False)


def test_a_double_click_on_the_switch_sends_one_e_mail(alices: Client, acme: Tenant, tereza: Agent) -> None:
    for _click in range(2):
        alices.post(address("person_window", acme, tereza), {"on": "1"})
    assert OutgoingMail.objects.count() == 1
    assert AuditEntry.objects.filter(act="agent.window_enabled").count() == 1


def test_while_the_crm_is_only_claimed_the_e_mail_waits_and_it_is_said(
    alices: Client, acme: Tenant, tereza: Agent
) -> None:
    Instance.objects.update(proven_at=None)
    page = alices.post(address("person_window", acme, tereza), {"on": "1"}, follow=True)
    assert told(page) == ["Tereza Malá: the window is on. The e-mail goes out once the CRM is confirmed."]
    assert labels(page) == {"Tereza Malá": "Waits for the CRM"}
    assert not OutgoingMail.objects.exists()


# -- many


def test_the_chosen_are_switched_and_told_once(
    alices: Client, acme: Tenant, tereza: Agent, jana: Agent, eve: Agent
) -> None:
    Agent.objects.update(window=False)
    chosen = {"agent": [str(tereza.code), str(eve.code), "nonsense"]}
    page = alices.post(address("people_enable", acme), chosen, follow=True)
    assert told(page) == ["1 window was switched on. Whoever is not signed in gets the activation e-mail."]
    assert list(Agent.objects.filter(window=True)) == [tereza]
    assert told(alices.post(address("people_disable", acme), chosen, follow=True)) == [
        "1 window was switched off. If it is open, it closes within seconds."
    ]


def test_choosing_nobody_is_said(alices: Client, acme: Tenant, tereza: Agent) -> None:
    page = alices.post(address("people_send", acme), follow=True)
    assert told(page) == ["Nobody is chosen. Tick the people in the list first."]


def test_sending_to_many_tells_why_somebody_got_none(alices: Client, team: Tenant) -> None:
    page = alices.post(address("people_send", team), {"everyone": "1"}, follow=True)
    assert told(page) == [
        "2 e-mails are on their way. 1 person got one minutes ago. 1 person is signed in and needs none. "
        "1 person has the window switched off."
    ]
    assert OutgoingMail.objects.filter(state="queued").count() == 2


def test_a_bulk_act_answers_the_list_alone(alices: Client, team: Tenant, tereza: Agent) -> None:
    answer = alices.post(address("people_enable", team), {"agent": [str(tereza.code)], "show": "off"}, headers=HTMX)
    text = answer.content.decode()
    assert (text.count("<html"), text.count('id="people-listed"'), text.count('hx-swap-oob="true"')) == (0, 1, 3)
    assert "Nobody fits this filter." in text


def test_sending_again_cools_down_with_a_sentence(alices: Client, team: Tenant, lena: Agent) -> None:
    page = alices.post(address("person_send", team, lena), follow=True)
    assert "This e-mail was sent a moment ago. It can be sent again at" in told(page)[0]
    with time_machine.travel(timezone.now() + post.COOL_DOWN + timedelta(seconds=1)):
        alices.force_login(User.objects.get(username="alice"))
        page = alices.post(address("person_send", team, lena), follow=True)
    assert told(page) == [f"{lena.name}: the e-mail is on its way."]


# -- one person by hand


NEW = {"name": "Nela Nová", "email": "nela@acme.example", "login": "nela", "line": "501", "upn": "", "language": "sk"}


def test_a_person_is_proposed_and_waits(alices: Client, acme: Tenant) -> None:
    page = alices.post(address("person_add", acme), NEW, follow=True)
    assert told(page) == ["Nela Nová is on the list. Nothing is sent until the window is switched on."]
    assert Agent.objects.values_list("name", "login", "line", "language", "window").get() == (
        "Nela Nová", "nela", "501", "sk", False
    )  # fmt: skip
    assert not OutgoingMail.objects.exists()


def test_a_person_added_with_the_window_gets_the_e_mail_and_once(alices: Client, acme: Tenant) -> None:
    for _click in range(2):
        page = alices.post(address("person_add", acme), {**NEW, "window": "on"})
    assert page.status_code == 422
    assert page.context["form"].errors["email"] == [
        "The e-mail “nela@acme.example” belongs to somebody on the list already: Nela Nová."
    ]
    assert (Agent.objects.filter(window=True).count(), OutgoingMail.objects.count()) == (1, 1)


def test_each_mistake_stands_under_its_field_and_nothing_typed_is_lost(
    alices: Client, acme: Tenant, jana: Agent
) -> None:
    sent = {
        "name": "", "email": "nobody", "login": "JANA", "line": "444", "upn": "jana@acme.example", "language": "sk"
    }  # fmt: skip
    page = alices.post(address("person_add", acme), sent)
    form = page.context["form"]
    with translation.override("en"):
        said = {name: str(errors[-1]) for name, errors in form.errors.items()}
    assert said == {
        "name": "This field is required.",
        "email": "Enter a valid email address.",
        "login": "The login “JANA” belongs to somebody else: Jana Nováková.",
        "line": "The line “444” belongs to somebody else: Jana Nováková.",
        "upn": "The Microsoft account “jana@acme.example” belongs to somebody else: Jana Nováková.",
    }
    assert page.status_code == 422
    text = page.content.decode()
    assert [text.count(f'value="{value}"') for value in ("nobody", "JANA", "444", "jana@acme.example")] == [1, 1, 1, 1]
    assert "Not saved: 5 things have to be put right." in text


@pytest.mark.parametrize("field", ["name", "login", "line", "upn"])
@pytest.mark.parametrize("value", ["x" * 5000, "a\nb", "a\u202eb", "a\0b"])
def test_odd_values_are_mistakes_and_no_crash(alices: Client, acme: Tenant, field: str, value: str) -> None:
    page = alices.post(address("person_add", acme), {**NEW, field: value})
    assert (page.status_code, field in page.context["form"].errors) == (422, True)
    assert not Agent.objects.exists()


def test_a_corrected_address_gets_the_e_mail_at_once(alices: Client, team: Tenant, bob: Agent) -> None:
    page = alices.get(address("person", team, bob))
    sent = {**page.context["form"].initial, "email": "bob.king@acme.example", "seen": page.context["seen"]}
    page = alices.post(address("person", team, bob), sent, follow=True)
    assert told(page) == ["Saved. The activation e-mail goes to the new address."]
    bob.refresh_from_db()
    assert (bob.email, bob.mail.filter(state="queued").count()) == ("bob.king@acme.example", 1)
    entry = AuditEntry.objects.get(act="agent.changed")
    assert (entry.actor, entry.before, entry.after) == ("alice", {"email": "•••"}, {"email": "•••"})


def test_saving_the_same_again_is_no_change(alices: Client, acme: Tenant, jana: Agent) -> None:
    sent = {**alices.get(address("person", acme, jana)).context["form"].initial, "line": "600"}
    seen = alices.get(address("person", acme, jana)).context["seen"]
    for expected in ("Saved.", "Nothing changed."):
        page = alices.post(address("person", acme, jana), {**sent, "seen": seen}, follow=True)
        assert told(page) == [expected]
    assert AuditEntry.objects.filter(act="agent.changed").count() == 1


def test_the_later_of_two_admins_is_told_and_keeps_what_they_typed(
    alices: Client, ivana: User, acme: Tenant, jana: Agent
) -> None:
    opened = alices.get(address("person", acme, jana))
    roster.change(jana, {"line": "600"}, by=ivana)
    sent = {**opened.context["form"].initial, "line": "700", "seen": opened.context["seen"]}
    later = alices.post(address("person", acme, jana), sent)
    assert later.status_code == 409
    assert "ivana saved a change here" in later.content.decode()
    assert 'value="700"' in later.content.decode()
    alices.post(address("person", acme, jana), {**sent, "seen": later.context["seen"]})
    jana.refresh_from_db()
    assert jana.line == "700"


# -- strangers


def test_people_of_another_customer_are_not_there(alices: Client, acme: Tenant, beta: Tenant, eve: Agent) -> None:
    before = list(Agent.objects.values())
    for tenant in (acme, beta):
        for name in ("person", "person_window", "person_send"):
            assert alices.post(address(name, tenant, eve), {"on": "0", **NEW}).status_code == 404
    for name in ("people", "people_export", "person_add", "people_import"):
        assert alices.get(address(name, beta)).status_code == 404
    for name in ("people_enable", "people_disable", "people_send", "people_apply"):
        assert alices.post(address(name, beta), {"everyone": "1"}).status_code == 404
    assert list(Agent.objects.values()) == before


def test_staff_look_after_every_customers_people(ivana: User, acme: Tenant, tereza: Agent) -> None:
    office = browser_of(ivana)
    office.post(address("person_window", acme, tereza), {"on": "1"})
    assert AuditEntry.objects.get(act="agent.window_enabled").actor == "ivana"


# -- the bulk verbs do what the single ones do


def test_enabling_many_leaves_the_same_traces_as_enabling_each(acme: Tenant, tereza: Agent) -> None:
    twin = Agent.objects.create(tenant=acme, name="Twin", email="twin@acme.example")
    registration.enable_window(tereza, "alice")
    registration.enable_windows([twin], by="alice")
    one, other = (
        list(
            AuditEntry.objects.filter(target=f"agent {agent.code}").values("tenant", "actor", "act", "before", "after")
        )
        for agent in (tereza, twin)
    )
    assert one == other
    fields = ("tenant", "kind", "state", "language", "once")
    assert tereza.mail.values(*fields).get() == twin.mail.values(*fields).get()


def test_switching_off_and_on_within_minutes_waits_for_the_cool_down(acme: Tenant, tereza: Agent) -> None:
    registration.enable_windows([tereza], by="alice")
    tereza.mail.update(state="sent", sent_at=timezone.now())
    registration.disable_windows([tereza], by="alice")
    registration.enable_windows([tereza], by="alice")
    assert tereza.mail.get(state="queued").next_try_at > timezone.now() + post.COOL_DOWN - timedelta(minutes=1)
