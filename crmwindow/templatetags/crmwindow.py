"""What the window's templates say about time and pictures."""

from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """One stroke icon of static/icons.svg; it takes the colour of the text around it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>', css, static("icons.svg"), name
    )


@register.filter
def day(at: datetime) -> str:
    """Like "12. 11." in Czech and Slovak, "12 Nov" in English; with the year when it is another one."""
    local = timezone.localtime(at)
    if local.year == timezone.localtime().year:
        return formats.date_format(local, pgettext("format of day and month", "j M"))
    return formats.date_format(local, pgettext("format of day, month and year", "j M Y"))


@register.filter
def clock(at: datetime) -> str:
    """Like "14:36"."""
    return timezone.localtime(at).strftime("%H:%M").removeprefix("0")


@register.filter
def clock_seconds(at: datetime) -> str:
    """Like "14:33:08", the form in which a save is confirmed."""
    return timezone.localtime(at).strftime("%H:%M:%S").removeprefix("0")


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
