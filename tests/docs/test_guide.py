"""The guide says the same in three languages, inside the portal as well, and every step leads to its chapter."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tenants import progress
from tenants.guide import LANGUAGES, guide
from tenants.key_scheme import read
from tenants.models import Tenant
from tests.docs.commands import PAGES, ROOT, blocks

MORE = ["agents", "not_logged", "privacy"]


@pytest.mark.django_db
def test_every_step_of_the_check_list_has_its_chapter_in_every_language(acme: Tenant) -> None:
    steps = [step.key for step in progress.of_one(acme).steps]
    for language in LANGUAGES:
        assert sorted(chapter.key for chapter in guide(language).chapters) == sorted([*steps, *MORE])
    orders = {tuple(chapter.key for chapter in guide(language).chapters) for language in LANGUAGES}
    assert len(orders) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"), [("cs", "První den agentů"), ("sk", "Prvý deň agentov"), ("en", "first day")]
)
def test_the_portal_shows_it_in_the_readers_language(acme: Tenant, alice: User, language: str, words: str) -> None:
    client = Client(headers={"Accept-Language": language})
    client.force_login(alice)
    page = client.get(f"/portal/{acme.code}/guide/").content.decode()
    assert words in page
    assert page.count('<section id="') == len(guide(language).chapters)
    assert "<!-- " not in page.partition('class="card guide"')[2]


@pytest.mark.django_db
def test_an_open_step_leads_to_its_chapter(acme: Tenant, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    page = client.get(f"/portal/{acme.code}/?step=people").content.decode()
    assert f'href="/portal/{acme.code}/guide/#people"' in page


def test_an_unknown_language_is_czech() -> None:
    assert guide("de") == guide("cs")
    assert guide("en-gb").title == "Connecting your Microsoft CRM"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_key_scheme_in_the_guide_is_understood(language: str) -> None:
    page = next(page for page in PAGES if page.name == f"guide.{language}.md")
    [(_language, text)] = list(blocks(page))
    assert read(text).scheme.entities[0].table == "nnn_myLead"


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    broken = [
        (page.name, link)
        for page in PAGES
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


def test_the_front_page_stays_one_page_with_a_picture() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 60
    assert re.search(r"!\[[^\]]+\]\(docs/screenshots/[\w-]+\.png\)", text)
