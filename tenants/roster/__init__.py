"""The customer's people from a list and back: read a paste or a CSV, compare it with who there is, apply all of it or nothing.

`reading.read` and `decoding.decode` raise Unreadable when it is no list; a wrong row is found by `comparing.compare`, and
`applying.apply` writes a list that has none. `writing.export` is the way back.
"""

from tenants.roster.applying import NothingApplied, apply, change, remember, remembered
from tenants.roster.comparing import Preview, compare
from tenants.roster.decoding import Unreadable, decode
from tenants.roster.reading import Listing, read
from tenants.roster.writing import export

__all__ = [
    "Listing",
    "NothingApplied",
    "Preview",
    "Unreadable",
    "apply",
    "change",
    "compare",
    "decode",
    "export",
    "read",
    "remember",
    "remembered",
]
