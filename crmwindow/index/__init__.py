"""The blind number index: which records of a customer's CRM hold a number, known beforehand and without the numbers.

It is fed by change tracking through the system account: everything once, then every few minutes only what changed. Each table
has its own generation; a new one is built beside the one in use, which answers until the new one is complete. Whoever has the
database but not INDEX_KEYS learns no number from it.

| module | does |
|---|---|
| `reading` | a field of the CRM → the numbers in it, blind, and what is wrong with it |
| `numbers` | writes and removes them in bulk |
| `lease` | one worker per customer |
| `syncing` | full build, changes, when to begin anew |
| `finding` | a number → records |
| `standing` | how far, how old, what stands in the way, how often it was wrong |
"""

from crmwindow.index.finding import Known, known
from crmwindow.index.standing import Standing, standing
from crmwindow.index.syncing import due, remove, sync

__all__ = ["Known", "Standing", "due", "known", "remove", "standing", "sync"]
