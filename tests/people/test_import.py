"""Alice pastes or sends a list, sees what it would do, puts it right, applies it; ivana does so in the admin."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tenants import configuration, roster
from tenants.models import Agent, AuditEntry, Instance, OutgoingMail, Tenant
from tests.people.conftest import browser_of

pytestmark = pytest.mark.django_db
LIST = "Jana Nováková <jana@acme.example>\nTomáš Beneš <tomas@acme.example>"


def read(client: Client, tenant: Tenant, text: str = "", **more: Any) -> Any:
    return client.post(reverse("portal:people_import", args=[tenant.code]), {"text": text, **more})


def apply(client: Client, tenant: Tenant, preview: Any, *, enable: bool = True) -> Any:
    sent = {"list": preview.context["list"], "seen": preview.context["seen"], **({"enable": "on"} if enable else {})}
    return client.post(reverse("portal:people_apply", args=[tenant.code]), sent, follow=True)


def csv(text: str, encoding: str = "utf-8") -> SimpleUploadedFile:
    return SimpleUploadedFile("lidé.csv", text.encode(encoding), content_type="text/csv")


def wrongs(page: Any) -> list[tuple[int, str]]:
    return [(row.entry.line, sentence) for row in page.context["wrong"] for sentence in row.mistakes]


def told(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_a_preview_counts_and_stores_nothing(alices: Client, acme: Tenant, tereza: Agent) -> None:
    page = read(alices, acme, LIST + "\nTEREZA@acme.example\ntereza.nova@acme.example")
    assert (page.status_code, page.context["counts"]) == (200, {"new": 3, "changed": 0, "unchanged": 1})
    assert page.context["new"][-1].name == "Tereza Nova"
    assert Agent.objects.count() == 1


def test_applying_adds_switches_on_and_queues_one_e_mail_each(alices: Client, acme: Tenant) -> None:
    done = apply(alices, acme, read(alices, acme, LIST))
    assert told(done) == [
        "2 people were added. 2 windows were switched on. Whoever is not signed in gets the activation e-mail."
    ]
    assert sorted(Agent.objects.values_list("name", "email", "window")) == [
        ("Jana Nováková", "jana@acme.example", True),
        ("Tomáš Beneš", "tomas@acme.example", True),
    ]
    assert OutgoingMail.objects.filter(kind="activation").count() == 2
    acts = list(AuditEntry.objects.values_list("act", "actor"))
    assert sorted(acts) == [("agent.window_enabled", "alice")] * 2 + [("configuration.changed", "alice")]
    assert "Nováková" not in str(list(AuditEntry.objects.values()))


def test_without_switching_on_the_people_wait_and_get_nothing(alices: Client, acme: Tenant) -> None:
    apply(alices, acme, read(alices, acme, LIST), enable=False)
    assert list(Agent.objects.values_list("window", flat=True)) == [False, False]
    assert not OutgoingMail.objects.exists()


def test_before_the_crm_is_confirmed_windows_go_on_and_no_e_mail_goes_out(alices: Client, acme: Tenant) -> None:
    Instance.objects.update(proven_at=None)
    apply(alices, acme, read(alices, acme, LIST))
    assert (Agent.objects.filter(window=True).count(), OutgoingMail.objects.count()) == (2, 0)


def test_applying_twice_is_applying_once(alices: Client, acme: Tenant) -> None:
    preview = read(alices, acme, LIST)
    apply(alices, acme, preview)
    assert told(apply(alices, acme, preview)) == ["The list holds nothing new. Everything is stored already."]
    assert (Agent.objects.count(), OutgoingMail.objects.count(), AuditEntry.objects.count()) == (2, 2, 3)


def test_every_mistake_stands_at_its_line_and_nothing_can_be_applied(
    alices: Client, acme: Tenant, tereza: Agent, jana: Agent
) -> None:
    rows = [
        "E-mail;Jméno;Login;Linka;UPN;Jazyk",
        "no-address;A;;;;",
        "a@acme.example;A;jana;;;",
        "b@acme.example;B;;448;;",
        "c@acme.example;C;c;901;;",
        "C@ACME.example;C;;;;",
        "d@acme.example;D;c;901;;",
        f"e@acme.example;{'E' * 201};;;;",
        "f@acme.example;F;;;jana@acme.example;de",
        ";G;;;;",
        "tereza@acme.example;Tereza Malá;tereza;448;;",
    ]
    page = read(alices, acme, "\n".join(rows))
    assert page.status_code == 422
    assert wrongs(page) == [
        (2, "“no-address” is not an e-mail."),
        (3, "The login “jana” belongs to somebody else: Jana Nováková."),
        (4, "Line: “448” stands in line 11 already."),
        (6, "“C@ACME.example” stands in line 5 already."),
        (7, "Login name: “c” stands in line 5 already."),
        (7, "Line: “901” stands in line 5 already."),
        (8, "Name: at most 200 characters, not 201."),
        (9, "The language “de” is not known. Possible are cs, sk and en."),
        (9, "The Microsoft account “jana@acme.example” belongs to somebody else: Jana Nováková."),
        (10, "This row has no e-mail."),
    ]
    assert (page.context["list"], page.context["counts"]["unchanged"]) == ("", 1)
    assert page.context["text"] == "\n".join(rows)


def test_two_people_may_swap_their_logins(alices: Client, acme: Tenant, tereza: Agent, jana: Agent) -> None:
    text = "E-mail;Login\njana@acme.example;tereza\ntereza@acme.example;jana"
    apply(alices, acme, read(alices, acme, text), enable=False)
    assert dict(Agent.objects.values_list("email", "login")) == {
        "jana@acme.example": "tereza", "tereza@acme.example": "jana"
    }  # fmt: skip


def test_of_a_file_the_wrong_rows_are_put_right_in_place_and_the_others_wait(alices: Client, acme: Tenant) -> None:
    text = "Jméno;E-mail\nŠárka Žďárská;sarka@acme.example\nBob;bob-acme.example\n=1+1;x@acme.example"
    page = read(alices, acme, file=csv(text, "cp1250"))
    assert page.status_code == 422
    assert (page.context["preview"].listing.encoding, wrongs(page)) == (
        "Windows-1250", [(3, "“bob-acme.example” is not an e-mail.")]
    )  # fmt: skip
    assert page.context["text"] == "Name;E-mail\nBob;bob-acme.example\n"
    again = read(alices, acme, "Name;E-mail\nBob;bob@acme.example\n", held=page.context["held"])
    assert again.context["counts"] == {"new": 3, "changed": 0, "unchanged": 0}
    apply(alices, acme, again)
    assert sorted(Agent.objects.values_list("name", flat=True)) == ["=1+1", "Bob", "Šárka Žďárská"]


def test_what_stands_in_the_file_already_is_found_in_the_corrected_rows(alices: Client, acme: Tenant) -> None:
    page = read(alices, acme, file=csv("E-mail\njana@acme.example\nbob"))
    again = read(alices, acme, "jana@acme.example", held=page.context["held"])
    assert wrongs(again) == [(1, "“jana@acme.example” stands in line 2 of the file already.")]


def test_somebody_changed_meanwhile_is_told_and_sees_the_list_anew(
    alices: Client, ivana: User, acme: Tenant, tereza: Agent
) -> None:
    preview = read(alices, acme, LIST + "\nTereza Nová <tereza@acme.example>")
    roster.change(tereza, {"name": "Tereza Velká"}, by=ivana)
    refused = apply(alices, acme, preview)
    assert refused.status_code == 409
    assert "ivana changed something here" in refused.content.decode()
    assert Agent.objects.count() == 1
    assert told(apply(alices, acme, refused))[0].startswith("2 people were added. 1 person was changed.")


def test_a_login_taken_meanwhile_stops_the_whole_list(alices: Client, acme: Tenant) -> None:
    preview = read(alices, acme, "E-mail;Login\na@acme.example;a\nb@acme.example;b")
    Agent.objects.create(tenant=acme, name="C", email="c@acme.example", login="b")
    refused = apply(alices, acme, preview)
    assert (refused.status_code, Agent.objects.count()) == (409, 1)
    assert wrongs(refused) == [(3, "The login “b” belongs to somebody else: C.")]
    assert "Nothing was applied." in refused.content.decode()


@pytest.mark.parametrize("spoil", [lambda text: text[:-2], lambda text: "", lambda text: "[[1,{}]]"])
def test_a_preview_changed_on_its_way_is_refused(alices: Client, acme: Tenant, spoil: Callable[[str], str]) -> None:
    text = spoil(read(alices, acme, LIST).context["list"])
    page = alices.post(reverse("portal:people_apply", args=[acme.code]), {"list": text})
    assert page.status_code == 422
    assert "Nothing was applied." in page.content.decode()
    assert not Agent.objects.exists()


def test_a_preview_of_another_customer_is_refused(alices: Client, ottos: Client, acme: Tenant, beta: Tenant) -> None:
    preview = read(alices, acme, LIST)
    page = ottos.post(reverse("portal:people_apply", args=[beta.code]), {"list": preview.context["list"]})
    assert (page.status_code, Agent.objects.count()) == (422, 0)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"text": ""}, "There is nobody in the list."),
        ({"text": "\n\n ; ;\n"}, "There is nobody in the list."),
        ({"file": csv("Name;E-mail\n")}, "There is nobody in the list."),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04rest")}, "This is an Excel workbook."),
        ({"text": "x", "held": "forged"}, "The rows of the file that were right are too old by now."),
    ],
)
def test_what_is_no_list_is_said(alices: Client, acme: Tenant, sent: dict[str, Any], sentence: str) -> None:
    page = read(alices, acme, **sent)
    assert page.status_code == 422
    assert sentence in page.content.decode()


def test_two_and_a_half_megabytes_are_refused_with_a_sentence(alices: Client, acme: Tenant) -> None:
    page = read(alices, acme, "x" * 2_600_000)
    assert page.status_code == 413
    assert "The list is larger than 2 MB." in page.content.decode()


def test_a_forged_form_of_another_site_changes_nothing(alice: User, acme: Tenant) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    for name in ("portal:people_import", "portal:people_apply"):
        assert client.post(reverse(name, args=[acme.code]), {"text": LIST, "list": "x"}).status_code == 403


def test_the_export_read_again_changes_nothing_and_calculates_nothing(
    alices: Client, acme: Tenant, jana: Agent
) -> None:
    hostile = ["=HYPERLINK(1)", "+420", "-1", "@SUM(A1)", "'=1", 'Bob "B"; Král', "Šárka, Ž."]
    for at, name in enumerate(hostile):
        Agent.objects.create(tenant=acme, name=name, email=f"h{at}@acme.example", line=f"+{at}", language="sk")
    answer = alices.get(reverse("portal:people_export", args=[acme.code]))
    text = answer.content.decode()
    assert text.startswith("\ufeffName,E-mail,Login name,Line,Microsoft sign-in name,Language,Window,State\r\n")
    assert not re.search(r"(?m)(?:^|,)\"?[=+\-@]", text)
    page = read(alices, acme, file=SimpleUploadedFile("a.csv", answer.content))
    assert page.context["counts"] == {"new": 0, "changed": 0, "unchanged": 8}


def test_five_thousand_people_are_applied_in_few_queries(
    acme: Tenant, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    text = "Jméno;E-mail;Login;Linka\n" + "\n".join(f"Člověk {n};c{n}@acme.example;l{n};{n}" for n in range(5000))
    listing = roster.read(text)
    with django_assert_max_num_queries(160):
        applied = roster.apply(acme, listing, by="alice", enable=True, seen=configuration.stamp(acme, "agents"))
    assert (applied.new, applied.switched_on, OutgoingMail.objects.count()) == (5000, 5000, 5000)
    with django_assert_max_num_queries(40):
        assert roster.apply(acme, roster.read(text.replace("Člověk", "Osoba")), by="alice").changed == 5000
    assert Agent.objects.filter(name__startswith="Osoba").count() == 5000


# -- in the admin


@pytest.fixture
def office(ivana: User) -> Client:
    return browser_of(ivana)


def test_ivana_chooses_the_customer_then_reads_and_applies_a_list(office: Client, acme: Tenant, beta: Tenant) -> None:
    assert (
        reverse("admin:tenants_agent_import") in office.get(reverse("admin:tenants_agent_changelist")).content.decode()
    )
    assert "Beta a.s." in office.get(reverse("admin:tenants_agent_import")).content.decode()
    there = office.get(reverse("admin:tenants_agent_import"), {"customer": str(beta.code)}, follow=True)
    assert there.redirect_chain == [(reverse("admin:tenants_agent_import_into", args=[beta.code]), 302)]
    page = office.post(reverse("admin:tenants_agent_import_into", args=[beta.code]), {"text": LIST})
    assert page.context["counts"]["new"] == 2
    sent = {"list": page.context["list"], "seen": page.context["seen"], "enable": "on"}
    done = office.post(reverse("admin:tenants_agent_import_apply", args=[beta.code]), sent, follow=True)
    assert told(done)[0].startswith("2 people were added.")
    assert list(Agent.objects.values_list("tenant__slug", "window")) == [("beta", True)] * 2


def test_the_admins_lists_are_closed_to_customers(alices: Client, acme: Tenant) -> None:
    for name in ("import_into", "import_apply"):
        address = reverse(f"admin:tenants_agent_{name}", args=[acme.code])
        assert alices.post(address, {"text": LIST}).status_code == 302
    assert not Agent.objects.exists()


def test_in_the_admin_many_are_switched_and_counted(office: Client, acme: Tenant, tereza: Agent, eve: Agent) -> None:
    Agent.objects.update(window=False)

    def act(action: str) -> list[str]:
        data = {"action": action, "_selected_action": [tereza.pk, eve.pk]}
        return told(office.post(reverse("admin:tenants_agent_changelist"), data, follow=True))

    assert act("enable") == ["2 windows were switched on. Whoever is not signed in gets the activation e-mail."]
    assert act("enable") == ["Nothing changed: these windows are on already."]
    OutgoingMail.objects.filter(agent=eve).update(state="sent", sent_at="2026-01-01T00:00Z")
    assert act("send_again") == ["2 e-mails are on their way."]
    assert act("disable") == ["2 windows were switched off. Those that are open close within seconds."]
    assert act("send_again") == ["2 people have the window switched off."]


def test_a_login_of_somebody_else_is_said_in_the_admin_too(office: Client, tereza: Agent, jana: Agent) -> None:
    sent = {"name": "Tereza", "email": "tereza@acme.example", "login": "JANA", "line": "444", "upn": "", "language": ""}
    page = office.post(reverse("admin:tenants_agent_change", args=[tereza.pk]), sent)
    errors = page.context["adminform"].form.errors
    assert errors["login"][-1] == "The login “JANA” belongs to somebody else: Jana Nováková."
    assert errors["line"] == ["The line “444” belongs to somebody else: Jana Nováková."]
