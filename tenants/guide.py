"""The guide for customers' admins: docs/guide.LANGUAGE.md, shown in the portal as it stands in the repository.

Of Markdown only what these files use: headings, paragraphs, fenced text, *emphasis* and `code`. A comment before a heading
names the chapter, so that it is called the same in every language; the steps of the check-list are among the names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

LANGUAGES = ("cs", "sk", "en")
_CHAPTER = re.compile(r"^<!-- (\w+) -->\n## (.+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Chapter:
    key: str
    title: str
    body: SafeString


@dataclass(frozen=True, slots=True)
class Guide:
    title: str
    lead: SafeString
    chapters: tuple[Chapter, ...]


@cache
def guide(language: str) -> Guide:
    """In that language, else in Czech."""
    chosen = language[:2] if language[:2] in LANGUAGES else LANGUAGES[0]
    text = (settings.BASE_DIR / "docs" / f"guide.{chosen}.md").read_text()
    head, *rest = _CHAPTER.split(text)
    title, _newline, lead = head.partition("\n")
    chapters = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    return Guide(
        title.lstrip("# "), _body(lead), tuple(Chapter(key, name, _body(body)) for key, name, body in chapters)
    )


def _body(text: str) -> SafeString:
    parts = (_block(part) for part in re.split(r"(```\n.*?```)", text, flags=re.DOTALL))
    return mark_safe("".join(parts))  # noqa: S308  (everything was escaped)


def _block(text: str) -> str:
    if text.startswith("```"):
        return f"<pre>{escape(text[4:-3])}</pre>"
    return "".join(f"<p>{_inline(line)}</p>" for line in text.split("\n") if line.strip())


def _inline(text: str) -> str:
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
