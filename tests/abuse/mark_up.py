"""What a browser would make of an answer: its elements and attributes, and what of them nobody of us wrote."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "srcdoc", "data", "hx-get", "hx-post"}
OURS = ("/", "https:", "http:", "tel:", "#", "?", "mailto:", "data:image/")
COMPUTED = "15555554"  # what {{ 7777777|add:7777777 }} would leave


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.alien: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.texts += values.values()
        if tag in {"img", "object", "embed", "base"} or (tag == "script" and "src" not in values):
            self.alien.append(f"<{tag}>")
        for name, value in values.items():
            if name.startswith("on") or not name.replace("-", "").replace(":", "").isalnum():
                self.alien.append(f"<{tag} {name}>")
            if name in ADDRESSES and value and not value.startswith(OURS):
                self.alien.append(f"<{tag} {name}={value}>")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.alien.append(f"<!--{data}-->")


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


def page_of(answer: Any) -> str:
    return answer if isinstance(answer, str) else str(answer.content.decode())


def aliens(answer: Any) -> list[str]:
    """Elements, attributes and addresses that only a stranger's text can have brought, and computed templates."""
    page = page_of(answer)
    return _read(page).alien + ([COMPUTED] if COMPUTED in page else [])


def shows(answer: Any, text: str) -> bool:
    """Whether a person reads it, letter by letter, in a text or in an attribute that is read out."""
    wanted = " ".join(text.split())
    return any(wanted in " ".join(each.split()) for each in _read(page_of(answer)).texts)
