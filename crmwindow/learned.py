"""What agents chose for a number, as their admin may know it: how many numbers there are, and that all are forgotten."""

from crmwindow.models import LearnedMatch
from tenants.models import Tenant


def count(tenant: Tenant) -> int:
    return LearnedMatch.objects.filter(tenant=tenant).values("number_blind").distinct().count()


def forget(tenant: Tenant) -> int:
    """Of all agents; answers how many choices that were."""
    return LearnedMatch.objects.filter(tenant=tenant).delete()[0]
