"""The customer's own tables, set up from the guide's plain text or by choosing: understood, verified, saved, told again.

`understanding` reads a text or a form and says what is wrong where; `looking` sees what an admin's own Microsoft
connection shows; `meaning` says part by part what was verified and what would fail; `saving` lays it over what is stored.
"""

from tenants.own_tables.looking import Holder, View, look, nobody
from tenants.own_tables.saving import Stored, effect, merged, moved, save, stamp, stored, without
from tenants.own_tables.understanding import Understanding, line_of, marked, of_entity, of_text, replaced

__all__ = [
    "Holder", "Stored", "Understanding", "View", "effect", "line_of", "look", "marked", "merged", "moved", "nobody",
    "of_entity", "of_text", "replaced", "save", "stamp", "stored", "without",
]  # fmt: skip
