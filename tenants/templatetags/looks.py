"""How every page shows pictures, days and times. A builtin of all templates (settings), so nobody has to load it."""

from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
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
def moment(at: datetime) -> str:
    """Like "today 14:32", "yesterday 16:20", else "3. 11. 14:32"."""
    days = (timezone.localdate() - timezone.localtime(at).date()).days
    if days == 0:
        return _("today %(time)s") % {"time": clock(at)}
    if days == 1:
        return _("yesterday %(time)s") % {"time": clock(at)}
    return f"{day(at)} {clock(at)}"


@register.filter
def initials(name: str) -> str:
    """Of the first and the last word: "JN"."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in dict.fromkeys((words[0], words[-1]))).upper() if words else "?"
