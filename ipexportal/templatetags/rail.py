"""The admin's rail, for its frame."""

from typing import Any

from django import template

from ipexportal import rail

register = template.Library()


@register.simple_tag(takes_context=True)
def rail_groups(context: template.Context) -> Any:
    return rail.groups(context["request"])
