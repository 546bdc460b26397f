"""docs/faults.md stays true: its sentences are ours, its tests exist, and every problem we know has a sentence."""

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from django.utils import translation

from crmwindow import problems
from crmwindow.models import Note
from crmwindow.notes import state
from tenants import refusals
from tenants.models import Agent
from tests.window.conftest import Window

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| what fails")
]


@cache
def sentences() -> frozenset[str]:
    """All that our sources can say, with "…" for what is filled in."""
    found: set[str] = set()
    for app in ("crmwindow", "tenants"):
        for path in (ROOT / app).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {
                node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
        for path in (ROOT / app).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            found |= {
                double or single for double, single in re.findall(r"""{% translate (?:"([^"]+)"|'([^']+)')""", text)
            }
            found |= set(re.findall(r"{% blocktranslate[^%]*%}(.*?){%", text))
    return frozenset(re.sub(r"%\(\w+\)[sd]|{{ *\w+ *}}", "…", each) for each in found)


@cache
def all_tests() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_quotes_our_sentences_and_names_a_test(row: list[str]) -> None:
    assert [quoted for quoted in re.findall("“([^”]+)”", row[1]) if quoted not in sentences()] == []
    named = re.findall(r"`(test_\w+)`", row[4])
    assert named
    assert [name for name in named if f"def {name}(" not in all_tests()] == []


def test_the_table_is_no_stub() -> None:
    assert len(ROWS) > 30
    assert {len(row) for row in ROWS} == {5}


READING = ("unavailable", "slow", "throttled", "sign_in", "not_a_member", "refused", "drift", "heavy", "something new")


@pytest.mark.parametrize("word", READING)
def test_every_word_for_a_reading_that_failed_has_a_sentence(word: str) -> None:
    with translation.override("en"):
        problem = problems.reading(word)
    assert problem.title
    assert problem.text.endswith(".")
    assert problem.code == ("something new" if word == "something new" else "")


@pytest.mark.parametrize(
    "problem",
    [
        "sign_in",
        "throttled",
        "unavailable",
        "drift",
        "error",
        "not_a_member",
        "gone",
        "refused",
        "conflict",
        "missing_privilege",
    ],
)
def test_every_problem_of_a_note_has_a_sentence(problem: str) -> None:
    with translation.override("en"):
        sentence = state.reason(Note(problem=problem, detail="prvCreateActivity"))
    assert sentence.endswith(".")
    assert ("prvCreateActivity" in sentence) == (problem == "missing_privilege")


@pytest.mark.parametrize(
    "reason", ["window_disabled", "not_proven", "not_an_agent", "AADSTS65001", "AADSTS53003", "AADSTS9"]
)
def test_every_word_for_a_sign_in_that_failed_has_a_sentence(reason: str) -> None:
    with translation.override("en"):
        refusal = refusals.refusal_of(reason)
    assert refusal.title
    assert refusal.text.endswith(".")
    assert refusal.code == (reason if reason.startswith("AADSTS") else "")


@pytest.mark.django_db
def test_the_sign_in_link_works_without_a_pop_up(jana: Agent, open_window: Callable[..., Window]) -> None:
    """A plain link to a top-level page; the script only tries to make a small window of it."""
    page = open_window(jana, signed_in=False).act("sign_in").content.decode()
    assert re.search(r'<a [^>]*href="/window/sign-in/[0-9a-f-]{36}/" target="ipexsignin"', page)
