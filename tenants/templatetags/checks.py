"""Where in the portal somebody puts right what a check found."""

from django import template
from django.urls import reverse

from tenants.models import CheckResult, Tenant
from tenants.verification import Row

register = template.Library()
STANDARD_TABLES = frozenset({"account", "contact", "lead"})
STEPS = {
    "address": "instance", "directory": "instance", "proof": "instance", "organization": "instance", "app": "instance",
    "from_to": "from_to",
}  # fmt: skip
PAGES = {
    "token": "ivr", "secret": "ivr", "org_read": "ivr", "system_rights": "ivr", "agents": "people", "fields": "card",
    "columns": "card",
}  # fmt: skip
OWN_TABLES = frozenset({"table", "columns", "creating", "activities"})


@register.filter
def mended_at(row: Row, tenant: Tenant) -> str:
    """The address of that page, "" when it is mended elsewhere."""
    result = row.result
    if result.state == CheckResult.State.PASSED:
        return ""
    if result.state == CheckResult.State.NOT_VERIFIED or result.why == "connection_ended":
        return _step(tenant, "instance") if result.why in {"nobody_to_look", "sign_in", "connection_ended"} else ""
    if result.key in STEPS:
        return _step(tenant, STEPS[result.key])
    own = result.key in OWN_TABLES and result.subject not in {*STANDARD_TABLES, "phonecall"}
    page = "own_tables" if own else PAGES.get(result.key)
    return reverse(f"portal:{page}", args=[tenant.code]) if page else ""


def _step(tenant: Tenant, key: str) -> str:
    return f"{reverse('portal:checklist', args=[tenant.code])}?step={key}#{key}"


@register.filter
def clicks(path: object) -> list[str]:
    """A path of menus, click by click: "Settings › Security › Users"."""
    return str(path).split(" › ")
