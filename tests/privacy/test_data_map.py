"""docs/privacy.md says of every table what is in it; what it says is encrypted is."""

import re
from pathlib import Path

from django.apps import apps
from django.conf import settings

from crmwindow.personal_data import wording
from tenants.rotation import encrypted_columns

PAGE = Path(settings.BASE_DIR, "docs", "privacy.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|\n ").split("|")] for line in PAGE.splitlines() if line.startswith("| `")
]


def test_every_table_stands_in_the_data_map_once() -> None:
    listed = [row[0].strip("`") for row in ROWS]
    assert sorted(listed) == sorted(model._meta.label for model in apps.get_models(include_auto_created=True))


def test_the_map_names_exactly_the_columns_that_are_encrypted() -> None:
    told = {(row[0].strip("`"), column) for row in ROWS for column in re.findall(r"`(\w+)`", row[2])}
    assert told == {(model._meta.label, column) for model, column in encrypted_columns()}


def test_every_row_says_how_long_and_who() -> None:
    assert [row[0] for row in ROWS if len(row) != 5 or not row[1] or not row[3] or not row[4]] == []


def test_every_part_that_is_shown_says_why_and_how_long() -> None:
    assert all(len([text for text in map(str, part) if text]) == 3 for part in wording.PARTS.values())
