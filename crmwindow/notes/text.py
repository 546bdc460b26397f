"""What a note's text may be. Pure: nothing is ever cut or replaced here, only judged."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

USUAL_LIMIT = 2000
"""Of phonecall.description, until metadata says otherwise (Microsoft: table reference "Phone Call")."""
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class TextProblem(Exception):
    """The text is stored but cannot be written to the CRM as it is.

    `kind`: "too_long" (`surplus` UTF-16 code units over the limit) or "characters"; `str()` is a sentence for the agent.
    """

    def __init__(self, kind: str, sentence: str, *, surplus: int = 0) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence
        self.surplus = surplus


@dataclass(frozen=True, slots=True)
class Content:
    """What one revision says."""

    text: str
    outcome: str = ""

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.outcome)

    def same_as(self, other: Content) -> bool:
        """Equal as Dataverse would keep it: line ends and white space around play no part."""
        return (normalised(self.text).strip(), self.outcome) == (normalised(other.text).strip(), other.outcome)


def normalised(text: str) -> str:
    """Line ends as LF. A half of a surrogate pair, which no encoding could store, becomes U+FFFD."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def units(text: str) -> int:
    """Length as Dataverse counts it: UTF-16 code units, so an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def problem_of(text: str, limit: int) -> TextProblem | None:
    if names := _unwritable(text):
        sentence = _("The CRM cannot store these characters: %(names)s. Delete them, the rest stays.")
        return TextProblem("characters", sentence % {"names": ", ".join(names)})
    surplus = units(text) - limit
    if surplus <= 0:
        return None
    sentence = ngettext(
        "The note is %(surplus)d character longer than the CRM allows. It stays saved here.",
        "The note is %(surplus)d characters longer than the CRM allows. It stays saved here.",
        surplus,
    )
    return TextProblem("too_long", sentence % {"surplus": surplus}, surplus=surplus)


def _unwritable(text: str) -> list[str]:
    """Characters that XML 1.0 does not know, by name: "U+0007"."""
    return [f"U+{ord(char):04X}" for char in dict.fromkeys(_NOT_XML.findall(text))]
