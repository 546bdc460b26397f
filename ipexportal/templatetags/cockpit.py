"""How the cockpit says times and shares."""

from datetime import datetime

from django import template
from django.utils import formats, timezone

from ipexportal import today
from tenants.templatetags.looks import clock, day

register = template.Library()


@register.filter
def ago(at: datetime | None) -> str:
    """Like "47 min", "5 h", "2 days"."""
    return today.ago(at)


@register.filter
def lastly(at: datetime) -> str:
    """The time when it was today, else the day."""
    return clock(at) if timezone.localtime(at).date() == timezone.localdate() else day(at)


@register.filter
def percent(share: float, decimals: int = 0) -> str:
    """Like "91 %" or "90,4 %", never broken."""
    return f"{formats.number_format(share, decimals)}\u00a0%"
