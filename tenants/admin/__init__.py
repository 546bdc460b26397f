"""The implementers' tool. It shows no secret, deletes nothing, and acts through the same verbs as everybody else.

Lists that have rules of their own (origins, outcomes, tables, fields) are changed on the customer's pages or with the
configuration file; here they are shown.
"""

from tenants.admin import changes, customers, instances, keys, mail, people
from tenants.admin.rows import Kept, Shown, ShownInline

__all__ = ["Kept", "Shown", "ShownInline", "changes", "customers", "instances", "keys", "mail", "people"]
