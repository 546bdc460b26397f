"""The commands that stand in the documentation, line by line."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OTHER = {"json", "js", "html", "text", "toml", "ini", "nginx"}
"""Languages of blocks that are shown, not typed."""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of the fenced blocks."""
    return ((found[1], found[2]) for found in FENCED.finditer(page.read_text()))


def commands() -> list[tuple[str, str]]:
    """(page, command) without comments; the guides have none."""
    return [
        (page.name, command)
        for page in PAGES
        if not page.name.startswith("guide.")
        for language, text in blocks(page)
        if language not in OTHER
        for line in text.splitlines()
        if (command := re.split(r"(?:^|\s+)# ", line)[0].strip())
    ]
