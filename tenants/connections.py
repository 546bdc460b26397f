"""From one of our identities to its view of the customer's Dataverse. The only module that knows both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from threading import get_ident
from typing import Any

from django.utils import timezone

from tenants import entra, stopwatch
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client, OnRequest
from tenants.dataverse.gate import Gate
from tenants.dataverse.metadata import Metadata
from tenants.models import Agent, Instance, MicrosoftConnection

METADATA_FOR = timedelta(hours=1)
TOKEN_SECONDS = 5.0
USE_NOTED_EVERY = timedelta(minutes=1)
STANDARD_TABLES = ("account", "contact", "phonecall")

further_tables: list[Callable[[Instance], Iterable[str]]] = []
"""What else an instance works with; filled by who knows of it. A table that is missing stops nothing."""
watchers: list[OnRequest] = []
"""Told of every attempt of every client; filled by who counts them."""
_read: dict[int, tuple[Any, Metadata]] = {}  # instance → (when its row was stored, metadata)


def instance_of(holder: entra.Holder) -> Instance:
    return holder.tenant.instance if isinstance(holder, Agent) else holder.instance


def client_for(holder: entra.Holder, *, gate: Gate | None = None, on_request: OnRequest | None = None) -> Client:
    """Dataverse as this identity may see it; its token is asked for when the first request goes out.

    Several threads may use the client at once: when Dataverse refuses a token, one of them renews it for all.
    """
    given: dict[int, int] = {}  # thread → version of the token it was given
    if isinstance(holder, MicrosoftConnection):
        note_use(holder)

    def token(force: bool) -> str:
        is_renewed = given.get(get_ident(), holder.token_version) != holder.token_version
        text = entra.token_for(holder, budget=Budget(TOKEN_SECONDS), force=force and not is_renewed)
        given[get_ident()] = holder.token_version
        return text

    watch = stopwatch.current()
    return Client(
        origin=instance_of(holder).url,
        token=token,
        gate=gate,
        on_request=_told(on_request, watch),
        on_question=watch.asked if watch and watch.about is not None else None,
    )


def _told(further: OnRequest | None, watch: stopwatch.Watch | None) -> OnRequest:
    """To whoever counts, to the stopwatch of the work that made the client, and to `further`."""

    def told(method: str, path: str, status: int, seconds: float) -> None:
        for each in watchers:
            each(method, path, status, seconds)
        if watch:
            watch.spend("crm", seconds)
        if further:
            further(method, path, status, seconds)

    return told


def note_use(connection: MicrosoftConnection) -> None:
    """It ends a day after its last use; one that has ended stays so."""
    now = timezone.now()
    if connection.is_live and connection.last_used_at < now - USE_NOTED_EVERY:
        connection.last_used_at = now
        MicrosoftConnection.objects.live().filter(pk=connection.pk).update(last_used_at=now)


def tables(instance: Instance) -> tuple[list[str], set[str]]:
    """Names (as typed) of the tables this instance works with, and which of them may be missing."""
    own = [entity.table for entity in instance.custom_entities.all()]
    leads = ["lead"] if instance.leads else []
    further = [name for more in further_tables for name in more(instance)]
    return [*STANDARD_TABLES, *leads, *own, *further], {*leads, *own, *further} - {*STANDARD_TABLES}


def metadata(instance: Instance, client: Client, budget: Budget, *, refresh: bool = False) -> Metadata:
    """The customer's tables as Dataverse describes them; kept for an hour on the instance, per process as an object.

    `refresh` reads again (a "property" error says they changed). When Dataverse is away, an old copy still serves.
    """
    kept = _kept(instance)
    fresh = instance.metadata_read_at and instance.metadata_read_at > timezone.now() - METADATA_FOR
    if kept and fresh and not refresh:
        return kept
    names, optional = tables(instance)
    try:
        found = Metadata.load(client, names, budget=budget, optional=optional)
    except Exception:
        if kept and not refresh:
            return kept
        raise
    keep(instance, found)
    return found


def keep(instance: Instance, found: Metadata) -> None:
    instance.metadata, instance.metadata_read_at = found.to_dict(), timezone.now()
    Instance.objects.filter(pk=instance.pk).update(
        metadata=instance.metadata, metadata_read_at=instance.metadata_read_at
    )
    _read[instance.pk] = instance.metadata_read_at, found


def forget_metadata(instance: Instance) -> None:
    """After its address or its tables changed: read again at the next use."""
    instance.metadata, instance.metadata_read_at = {}, None
    Instance.objects.filter(pk=instance.pk).update(metadata={}, metadata_read_at=None)


def known_metadata(instance: Instance) -> Metadata | None:
    """What was read last, however old; None when nothing was. Asks nobody."""
    return _kept(instance)


def _kept(instance: Instance) -> Metadata | None:
    if instance.metadata_read_at is None:
        return None
    read_at, found = _read.get(instance.pk, (None, None))
    if found is None or read_at != instance.metadata_read_at:
        try:
            found = Metadata.from_dict(instance.metadata)
        except ValueError:  # stored by another version of this program
            return None
        _read[instance.pk] = instance.metadata_read_at, found
    return found
