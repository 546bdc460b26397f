"""What the window's templates say about time."""

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def duration(seconds: int) -> str:
    """Seconds as the call bar shows them: "0:07", "12:41", "1:02:03"."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def elapsed(since: datetime) -> int:
    """Whole seconds from then until now, never negative."""
    return max(0, int((timezone.now() - since).total_seconds()))
