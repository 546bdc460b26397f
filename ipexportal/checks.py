"""What a deployment must have right; `manage.py check --deploy` says the rest."""

from typing import Any
from urllib.parse import urlsplit

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


@register(Tags.security, deploy=True)
def demo_is_elsewhere(**_: Any) -> list[Error]:
    if not settings.DEMO:
        return []
    return [Error("DEMO is on.", hint="Its pages let anybody ring any phone.", id="ipex.E004")]


@register(Tags.security, deploy=True)
def keys_are_not_one(**_: Any) -> list[Error]:
    """Whoever gets the key of one thing gets that thing only."""
    if set(settings.FIELD_KEYS.values()).isdisjoint(settings.INDEX_KEYS.values()):
        return []
    return [Error("FIELD_KEYS and INDEX_KEYS share a key.", hint="Make one of its own for each.", id="ipex.E005")]


@register(Tags.security, deploy=True)
def hosts_are_named(**_: Any) -> list[Error]:
    if "*" not in settings.ALLOWED_HOSTS and urlsplit(settings.PORTAL_URL).hostname in settings.ALLOWED_HOSTS:
        return []
    hint = "Name the host of PORTAL_URL, and nothing with an asterisk."
    return [Error("ALLOWED_HOSTS does not name the portal's own host alone.", hint=hint, id="ipex.E006")]


@register(Tags.security, deploy=True)
def metrics_are_guarded(**_: Any) -> list[Warning]:
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= 24:
        return []
    return [Warning("METRICS_TOKEN can be guessed.", hint="One is made by: openssl rand -hex 24", id="ipex.W002")]


@register(deploy=True)
def mail_leaves_the_house(**_: Any) -> list[Warning]:
    if settings.MAIL_BACKEND.rpartition(".")[0].endswith("smtp"):
        return []
    return [Warning("E-mails are not sent by SMTP.", hint="Unset EMAIL_BACKEND.", id="ipex.W003")]


@register(deploy=True)
def jobs_have_workers(**_: Any) -> list[Error]:
    if not settings.HUEY["immediate"]:
        return []
    return [Error("HUEY_IMMEDIATE is on.", hint="Requests would wait for jobs. Run run_huey instead.", id="ipex.E007")]


@register(Tags.security, deploy=True)
def logs_are_quiet(**_: Any) -> list[Warning]:
    if settings.LOGGING["root"]["level"] != "DEBUG":
        return []
    return [Warning("LOG_LEVEL is DEBUG.", hint="Libraries say much there. INFO is enough.", id="ipex.W004")]
