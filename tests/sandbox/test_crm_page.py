"""The page of a record in the stand-in for the CRM."""

import re
from collections.abc import Callable

import pytest
import requests

from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.demo_data import record_id
from ipexportal.sandbox.directory import APP_ID, JANA
from tests.sandbox.asking import note

Bearer = Callable[[str], dict[str, str]]


def page_of(box: Sandbox, language: str = "cs", **query: str) -> requests.Response:
    asked = {"appid": APP_ID, "pagetype": "entityrecord", **query}
    return requests.get(f"{box.origin}/main.aspx", params=asked, headers={"Accept-Language": language})


def test_the_note_is_found_on_the_customers_page(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    api = f"{microsoft.origin}/api/data/v9.2"
    contact = "e0e0e0e0-0000-4000-8000-000000000001"
    requests.post(f"{api}/contacts", json={"contactid": contact, "lastname": "Malá & <syn>"}, headers=headers)
    body = {
        **note("d0d0d0d0-0000-4000-8000-000000000003"),
        "description": "Chce <b>nabídku</b>.\nVolat zítra.",
        "regardingobjectid_contact_phonecall@odata.bind": f"/contacts({contact})",
    }
    assert requests.post(f"{api}/phonecalls", json=body, headers=headers).status_code == 204
    page = page_of(microsoft, etn="contact", id=f"{{{contact.upper()}}}")

    assert page.status_code == 200
    assert "<h1>Malá &amp; &lt;syn&gt;</h1>" in page.text
    assert "Chce &lt;b&gt;nabídku&lt;/b&gt;.\nVolat zítra." in page.text
    assert 'data-phonecall="d0d0d0d0-0000-4000-8000-000000000003"' in page.text
    assert "<td>Jana Nováková</td>" in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_crm_page_lists_the_tasks_of_a_record_the_late_one_first(microsoft: Sandbox) -> None:
    page = page_of(microsoft, etn="contact", id=record_id("contact", "Jana Horáková")).text
    late, undated = page.index("Poslat nabídku na prodloužení smlouvy"), page.index("Zjistit zájem o druhé čerpadlo")
    assert late < undated
    assert page.count("data-task=") >= 2


def test_the_notes_own_page_names_author_and_parties(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    api = f"{microsoft.origin}/api/data/v9.2"
    contact, call = "e0e0e0e0-0000-4000-8000-000000000002", "d0d0d0d0-0000-4000-8000-000000000004"
    requests.post(f"{api}/contacts", json={"contactid": contact, "lastname": "Nová"}, headers=headers)
    parties = [
        {"partyid_contact@odata.bind": f"/contacts({contact})", "participationtypemask": 1},
        {"partyid_systemuser@odata.bind": f"/systemusers({JANA.systemuser_id})", "participationtypemask": 2},
    ]
    requests.post(f"{api}/phonecalls", json={**note(call), "phonecall_activity_parties": parties}, headers=headers)
    page = page_of(microsoft, etn="phonecall", id=call).text

    assert re.findall(r'<tr data-party="(\w+)">.*?<a href="[^"]+">([^<]+)</a>', page) == [
        ("from", "Nová"),
        ("to", "Jana Nováková"),
    ]
    assert re.search(r'<tr data-column="createdby">.*?<a href="[^"]+">Jana Nováková</a>', page)


def test_without_an_id_it_is_a_new_record(microsoft: Sandbox) -> None:
    page = page_of(microsoft, etn="contact", language="en")

    assert page.status_code == 200
    assert "<h1>New record: Contact</h1>" in page.text


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ({"etn": "contact", "appid": "00000000-0000-4000-8000-000000000000"}, 404, "Aplikace nebyla nalezena"),
        ({"etn": "contact", "appid": "my app"}, 404, "Aplikace nebyla nalezena"),
        ({"etn": "contacts"}, 404, "Organizace nemá tabulku „contacts“."),
        ({}, 404, "Organizace nemá tabulku „“."),
        ({"etn": "contact", "id": "42"}, 400, "Identifikátor záznamu není GUID."),
        ({"etn": "contact", "id": "00000000-0000-4000-8000-000000000000"}, 404, "Záznam není k dispozici"),
        ({"etn": "contact", "pagetype": "dashboard"}, 400, "Sandbox zná jen pagetype=entityrecord."),
        ({"etn": "<script>"}, 404, "Organizace nemá tabulku „&lt;script&gt;“."),
    ],
)
def test_an_address_that_opens_nothing(microsoft: Sandbox, query: dict[str, str], status: int, sentence: str) -> None:
    page = page_of(microsoft, **query)

    assert page.status_code == status
    assert sentence in page.text
