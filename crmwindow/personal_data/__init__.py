"""What is kept about one caller (a number) or one agent: found, handed out, erased.

`by_number` and `by_agent` know where it lies, `trail` is what was found, `files` writes it down, `wording` says why it is kept.
"""

from crmwindow.personal_data import by_agent, by_number
from crmwindow.personal_data.by_number import NoNumber
from crmwindow.personal_data.trail import Part, Trail, Unwritten

__all__ = ["NoNumber", "Part", "Trail", "Unwritten", "by_agent", "by_number"]
