"""Everything the product says, it says in Czech and Slovak as well. Needs no gettext: the sources are read here."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polib
import pytest
from django.utils import formats, translation
from django.utils.translation import ngettext, pgettext, templatize

ROOT = Path(__file__).resolve().parent.parent
APPS = ("ipexportal", "crmwindow", "tenants")
SANDBOX = ROOT / "ipexportal" / "sandbox"  # Microsoft's stand-in has words of its own
LANGUAGES = ("cs", "sk")
Message = tuple[str, str, str]
"""Context, singular, plural; "" where there is none."""

# How many texts each function takes: context first, then singular, then plural
SHAPES = {"gettext": "s", "gettext_noop": "s", "ngettext": "sp", "pgettext": "cs", "npgettext": "csp"}
TEXT = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(_|n?p?gettext)\(\s*{TEXT}(?:\s*,\s*{TEXT})?(?:\s*,\s*{TEXT})?", re.DOTALL)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|</?\w+>")


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(ROOT / "ipexportal" / "locale" / language / "LC_MESSAGES" / "django.po"))


def key(entry: polib.POEntry) -> Message:
    return entry.msgctxt or "", entry.msgid, entry.msgid_plural or ""


def said(entry: polib.POEntry) -> list[str]:
    """Every translation of one message."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def message(function: str, texts: list[str]) -> Message:
    parts = dict(zip(SHAPES[function], texts, strict=False))
    return parts.get("c", ""), parts["s"], parts.get("p", "")


# What the sources say


def sources(pattern: str) -> list[Path]:
    return sorted(path for app in APPS for path in (ROOT / app).rglob(pattern) if SANDBOX not in path.parents)


def translators(tree: ast.AST) -> dict[str, str]:
    """What a module calls the functions of django.utils.translation: {"_": "gettext"}."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {
        name.asname or name.name: name.name.removesuffix("_lazy")
        for node in imports
        if node.module == "django.utils.translation"
        for name in node.names
        if name.name.removesuffix("_lazy") in SHAPES
    }


def function_of(call: ast.Call, names: dict[str, str]) -> str:
    """The translating function that is called, "" when it is another one."""
    if isinstance(call.func, ast.Name):
        return names.get(call.func.id, "")
    by_module = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    if by_module and call.func.value.id == "translation":
        name = call.func.attr.removesuffix("_lazy")
        return name if name in SHAPES else ""
    return ""


def in_python(text: str) -> Iterator[Message | int]:
    """Its messages; a line number where what is translated is no literal text."""
    tree = ast.parse(text)
    names = translators(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not (function := function_of(node, names)):
            continue
        arguments = node.args[: len(SHAPES[function])]
        texts = [each.value for each in arguments if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        yield message(function, texts) if len(texts) == len(SHAPES[function]) else node.lineno


def in_template(text: str) -> Iterator[Message]:
    """Django itself turns a template into something like Python, for xgettext."""
    for function, *literals in CALL.findall(templatize(text)):
        texts = [ast.literal_eval(literal) for literal in literals if literal]
        yield message("gettext" if function == "_" else function, texts)


def messages() -> dict[Message, str]:
    """All of them with the first file that says each."""
    found: dict[Message, str] = {}
    for path in sources("*.py"):
        for each in in_python(path.read_text()):
            if not isinstance(each, int):
                found.setdefault(each, str(path.relative_to(ROOT)))
    for path in sources("*.html") + sources("*.txt"):
        for each in in_template(path.read_text()):
            found.setdefault(each, str(path.relative_to(ROOT)))
    return found


def test_the_scan_reads_every_way_of_translating() -> None:
    module = (
        "from django.utils import translation\n"
        "from django.utils.translation import gettext_lazy as _, ngettext, pgettext\n"
        "_('one ' 'two'); ngettext('a', 'as', n); pgettext('state', 'on'); translation.gettext('far'); _(name); other('x')\n"
    )
    assert set(in_python(module)) == {
        ("", "one two", ""), ("", "a", "as"), ("state", "on", ""), ("", "far", ""), 3
    }  # fmt: skip
    template = (
        '{% load i18n %}<p title="{% translate \'It\\\'s\' %}">{% translate "on" context "state" %}{{ _(\'word\') }}'
        "{% blocktranslate trimmed count n=rows|length with who=name %}\n  {{ n }} row of {{ who }}\n"
        "{% plural %}{{ n }} rows of {{ who }}{% endblocktranslate %}"
    )
    assert set(in_template(template)) >= {
        ("state", "on", ""), ("", "word", ""), ("", "%(n)s row of %(who)s", "%(n)s rows of %(who)s")
    }  # fmt: skip


def test_only_literal_texts_are_translated() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{each}"
        for path in sources("*.py")
        for each in in_python(path.read_text())
        if isinstance(each, int)
    ]
    assert found == []


# What the catalogues say


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_sources_say_is_in_the_catalogue(language: str) -> None:
    known = {(context, singular) for context, singular, _plural in map(key, catalogue(language))}
    plurals = {key(entry) for entry in catalogue(language)}
    missing = {
        each: where for each, where in messages().items() if (each not in plurals if each[2] else each[:2] not in known)
    }
    assert missing == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_entry_is_empty_fuzzy_or_obsolete(language: str) -> None:
    entries = catalogue(language)
    assert [entry.msgid for entry in entries if not all(text.strip() for text in said(entry))] == []
    assert [entry.msgid for entry in entries if entry.fuzzy or entry.obsolete] == []
    assert [entry.msgid for entry in entries if entry.msgid_plural and sorted(entry.msgstr_plural) != [0, 1, 2]] == []


def held(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_hold_the_placeholders_and_tags_of_their_message(language: str) -> None:
    wrong = [
        text
        for entry in catalogue(language)
        for place, text in enumerate(said(entry))
        if held(text) != held(entry.msgid_plural or entry.msgid) and (place or held(text) != held(entry.msgid))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_readable_one_compiled(language: str) -> None:
    written = catalogue(language)
    compiled = polib.mofile(written.fpath.removesuffix("po") + "mo")
    assert compiled.metadata == written.metadata
    assert {key(entry): said(entry) for entry in compiled} == {key(entry): said(entry) for entry in written}


@pytest.mark.parametrize("language", LANGUAGES)
def test_headers_name_no_machine_and_no_moment_of_extraction(language: str) -> None:
    metadata = catalogue(language).metadata
    assert metadata["Language"] == language
    assert metadata["POT-Creation-Date"] == metadata["PO-Revision-Date"] == "2026-11-22 12:00+0100"
    assert [entry.msgid for entry in catalogue(language) if entry.occurrences] == []


# How they say it


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_calm(language: str) -> None:
    loud = re.compile(r"!|prosím|úspěšn|úspešn|^chyba\b", re.IGNORECASE)
    assert [text for entry in catalogue(language) for text in said(entry) if loud.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_stays_a_sentence(language: str) -> None:
    dates = {"j M", "j M Y"}
    odd = [
        text
        for entry in catalogue(language)
        for text in said(entry)
        if entry.msgid not in dates and text.endswith(".") != entry.msgid.endswith(".")
    ]
    assert odd == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_quotation_marks_are_the_language_s_own(language: str) -> None:
    texts = [text for entry in catalogue(language) for text in said(entry)]
    assert [text for text in texts if re.search("[”\"']", text) or text.count("„") != text.count("“")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_stays_on_the_line_of_what_it_counts(language: str) -> None:
    apart = re.compile(r"\d (?:s|min|h|kB|MB|%)\b")
    counted = re.compile(r"%\(\w+\)[sd]\.? ")
    entries = catalogue(language)
    assert [text for entry in entries for text in said(entry) if apart.search(text)] == []
    assert [text for entry in entries if entry.msgid_plural for text in said(entry) if counted.search(text)] == []


@pytest.mark.parametrize(
    ("language", "one", "few", "many"), [("cs", "agent", "agenti", "agentů"), ("sk", "agent", "agenti", "agentov")]
)
def test_one_two_and_five_are_counted_apart(language: str, one: str, few: str, many: str) -> None:
    with translation.override(language):
        sentences = {
            n: ngettext("%(n)d agent must sign in again.", "%(n)d agents must sign in again.", n) % {"n": n}
            for n in (0, 1, 2, 4, 5, 22)
        }
    words = {n: sentence.replace("\N{NO-BREAK SPACE}", " ").split()[1] for n, sentence in sentences.items()}
    assert words == {0: many, 1: one, 2: few, 4: few, 5: many, 22: many}


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_are_written_as_people_write_them_here(language: str) -> None:
    with translation.override(language):
        written = formats.date_format(date(2026, 11, 3), pgettext("format of day, month and year", "j M Y"))
    assert written == "3.\N{NO-BREAK SPACE}11.\N{NO-BREAK SPACE}2026"
