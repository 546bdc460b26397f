"""All activities in one read-only table, `activitypointer`: every activity is one of its rows, with the columns they share.

Microsoft: "Activity tables", table reference "Activity (ActivityPointer)" (Retrieve and RetrieveMultiple only).
"""

from collections.abc import Mapping
from typing import Final

ALL: Final = "activitypointer"
KINDS: Final = ("phonecall", "task", "appointment")


def view(columns: Mapping[str, Mapping[str, str]]) -> str:
    """SQL for it, over the tables of the kinds. `columns`: physical columns by table. Names come from the model only."""
    parts = [", ".join(_column(name, kind, columns[kind]) for name in columns[ALL]) for kind in KINDS]
    rows = " UNION ALL ".join(
        f'SELECT {part} FROM "{kind}"'  # noqa: S608
        for part, kind in zip(parts, KINDS, strict=True)
    )
    return f'CREATE VIEW "{ALL}" AS {rows}'


def _column(name: str, kind: str, has: Mapping[str, str]) -> str:
    value = f"'{kind}'" if name == "activitytypecode" else f'"{name}"' if name in has else "NULL"
    return f'{value} AS "{name}"'
