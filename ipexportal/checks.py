"""What a deployment must have right; `manage.py check --deploy` says the rest."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def portal_is_reached_over_https(**_: Any) -> list[Error]:
    if settings.PORTAL_URL.startswith("https://"):
        return []
    return [Error("PORTAL_URL is not an https address.", hint="Sessions and sign-in need https.", id="ipex.E001")]


@register(Tags.security, deploy=True)
def microsoft_is_microsoft(**_: Any) -> list[Error]:
    if not settings.ALLOW_LOOPBACK_MICROSOFT:
        return []
    return [Error("ALLOW_LOOPBACK_MICROSOFT is on.", hint="It is for demo and tests only.", id="ipex.E002")]


@register(deploy=True)
def agents_can_sign_in(**_: Any) -> list[Error]:
    if settings.ENTRA_CLIENT_ID and settings.ENTRA_CLIENT_SECRET:
        return []
    return [Error("ENTRA_CLIENT_ID or ENTRA_CLIENT_SECRET is missing.", hint="Agents cannot sign in.", id="ipex.E003")]


@register(deploy=True)
def database_serves_many(**_: Any) -> list[Warning]:
    if settings.ON_POSTGRESQL:
        return []
    return [Warning("The database is SQLite.", hint="Set DATABASE_URL to PostgreSQL 15 or newer.", id="ipex.W001")]
