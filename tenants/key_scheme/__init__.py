"""The key scheme as customers write it in an e-mail: plain text in, plain text out. Pure.

    tabulka s daty entity = nnn_myLead
    id = myLeadId
    phoneNumber = myPhone1, myPhone2
    firstname = contactName
    lastname = organizationName
    položka1 popisek = Počet objednávek
    položka1 entita = Account
    položka1 identifikátor = myOrdersCount

Case, diacritics, spacing, order, bullets, quotes and the sign between word and value (`=`, `:`, an arrow) do not matter;
words may be Czech, Slovak or English. What cannot be understood is named by its line, with the nearest known word.
Source of the words: the guide that IPEX's customers follow.
"""

from tenants.key_scheme.names import closest, nearest_column, unknown_names
from tenants.key_scheme.reading import read
from tenants.key_scheme.scheme import Entity, Field, Mistake, Reading, Scheme
from tenants.key_scheme.writing import write

__all__ = [
    "Entity", "Field", "Mistake", "Reading", "Scheme", "closest", "nearest_column", "read", "unknown_names", "write",
]  # fmt: skip
