"""Acme with everything it can know about one caller, beside another caller of whom nothing may be lost."""

import itertools
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from crmwindow import blind, calls, learned
from crmwindow.ivr import attempts, path
from crmwindow.models import (
    Asked,
    Call,
    CallCandidates,
    CallState,
    CardTiming,
    CrmWrite,
    FollowUp,
    FollowUpDraft,
    IndexedNumber,
    IndexState,
    IvrFunction,
    Leg,
    Lookup,
    Note,
    NoteRevision,
    NumberIndex,
    Opening,
)
from tenants.fields import Sealed, unseal
from tenants.models import Agent, Tenant

CALLER, OTHER = "+420777123456", "+420605333444"
_numbers = itertools.count(1)


@pytest.fixture
def browser(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def pin(acme: Tenant) -> IvrFunction:
    return IvrFunction.objects.create(
        tenant=acme, name="pin", title="PIN", kind="verify", entity="contact", column="nnn_pin"
    )


def rang(agent: Agent, number: str, *, unique_id: str = "") -> Call:
    """It rang at the agent's, they took it and hung up."""
    unique_id = unique_id or f"p.{next(_numbers)}"
    for name in ("NewCall", "Ringing", "Answered", "Hangup"):
        body = {"EventName": name, "UniqueId": unique_id, "From": number, "Login": agent.login}
        calls.receive(calls.read_event(body, agent.tenant), tenant=agent.tenant)
    return Call.objects.get(tenant=agent.tenant, unique_id=unique_id, private_to=None)


def wrote(call: Call, author: Agent, state: str = Note.State.WRITTEN, text: str = "") -> Note:
    """A note; written ones have no text here any more."""
    revision = {"revision": 1, "written_revision": int(state == Note.State.WRITTEN), "edited_at": timezone.now()}
    waiting = (
        {}
        if state == Note.State.WRITTEN
        else {"text": text or f"Volat na {call.number[4:]}", "queued_at": timezone.now()}
    )
    return Note.objects.create(call=call, author=author, state=state, **revision, **waiting)


def everything(agent: Agent, number: str, function: IvrFunction, *, written: bool) -> Call:
    """What the product keeps of one caller, in every table that can hold any of it."""
    now, tenant = timezone.now(), agent.tenant
    call = rang(agent, number)
    leg = Leg.objects.get(call=call, agent=agent)
    found = {
        "matches": [{"name": "Jana Horáková", "phones": [f"{number[:4]} {number[4:7]} {number[7:10]} {number[10:]}"]}]
    }
    Lookup.objects.update_or_create(leg=leg, defaults={"result": json.dumps(found), "finished_at": now})
    CardTiming.objects.update_or_create(leg=leg, defaults={"tenant": tenant, "at": now})
    Asked.objects.create(leg=leg, at=now, method="GET", shape="contacts?$select=…", status=200, ms=1)
    state = Note.State.WRITTEN if written else Note.State.REFUSED
    note = wrote(call, agent, state)
    NoteRevision.objects.create(note=note, number=1, text="" if written else f"Volat na {number[4:]}")
    texts = {} if written else {"subject": f"Zavolat {number[4:]}", "description": number}
    dates = {"due_at": now, "queued_at": now, "state": FollowUp.State.WRITTEN if written else FollowUp.State.REFUSED}
    FollowUp.objects.create(call=call, author=agent, form=uuid4(), **texts, **dates)
    if not written:
        typed = json.dumps({"subject": f"Zavolat {number[4:]}"})
        FollowUpDraft.objects.create(call=call, author=agent, form=uuid4(), values=typed, edited_at=now)
    known = {"number_blind": blind.blind(tenant, number), "records": [["contact", str(uuid4())]]}
    CallCandidates.objects.update_or_create(call=call, defaults={"instance": tenant.instance, **known})
    learned.remember(leg, table="contact", record_id=uuid4())
    path.note(
        tenant=tenant, kind="verify", result="refused", function=function, unique_id=call.unique_id, number=number
    )
    path.note(tenant=tenant, kind="write", result="accepted", unique_id=call.unique_id, answers={"co": "Kotel"})
    for records in ([str(uuid4())], []):
        attempt = attempts.Attempt(function, call.unique_id, number)
        attempt.begin()
        attempt.wrong(records)
    content = "" if written else json.dumps({"values": {}, "number": number})
    CrmWrite.objects.create(
        tenant=tenant, kind="ivr", unique_id=call.unique_id, number=number, number_blind=blind.blind(tenant, number),
        table="lead", content=content, state="written" if written else "refused", queued_at=now,
    )  # fmt: skip
    Opening.objects.create(
        digest=uuid4().hex, agent=agent, call=call, table="contact", record_id=uuid4(), expires_at=now
    )
    calls.open_by_agent(agent=agent, number=number, unique_id=f"own.{number}")
    _indexed(tenant, number)
    return call


def _indexed(tenant: Tenant, number: str) -> None:
    NumberIndex.objects.get_or_create(instance=tenant.instance)
    key = next(iter(settings.INDEX_KEYS))
    about = {"instance": tenant.instance, "table": "contact", "generation": 1, "stage": "serving", "key_id": key}
    state, _made = IndexState.objects.get_or_create(**about, defaults={"organization_id": uuid4(), "country": "CZ"})
    IndexedNumber.objects.create(state=state, record_id=uuid4(), column=0, blind=blind.for_index(tenant, key)(number))


def unblinded(tenant: Tenant, number: str, caller: str = Call.Caller.UNREADABLE) -> Call:
    """A call whose number nobody could read when it came: it has no blind column."""
    about = {"unique_id": f"u.{next(_numbers)}", "started_at": timezone.now(), "state": CallState.ENDED}
    return Call.objects.create(tenant=tenant, number=number, caller=caller, **about)


# ── the whole database ───────────────────────────────────────────────────────────────────────────────────────────────


def tables_with(number: str, tenant: Tenant) -> set[str]:
    """Tables in which the number stands anywhere: as it is, decrypted, or blind."""
    needle = _Needle(number, tenant)
    found = {table for table in connection.introspection.table_names() if any(map(needle.is_in, _cells(table)))}
    for model in apps.get_models(include_auto_created=True):
        if any(map(needle.is_in, _decrypted(model))):
            found.add(model._meta.db_table)
    return found


class _Needle:
    def __init__(self, number: str, tenant: Tenant) -> None:
        between = r"(?:[\s./()\-\u00a0]|\\u00a0)*"
        self.digits = re.compile(between.join(number[4:]))
        self.blinds = blind.blinds(tenant, number)
        self.bytes = [blind.for_index(tenant, key)(number) for key in settings.INDEX_KEYS]
        self.blinds += [each.hex() for each in self.bytes] + [text.partition(":")[2] for text in self.blinds]

    def is_in(self, cell: Any) -> bool:
        if isinstance(cell, bytes | memoryview):
            raw = bytes(cell)
            return any(each in raw for each in self.bytes) or self.is_in(raw.decode("latin-1"))
        text = str(cell)
        return bool(self.digits.search(text)) or any(each in text for each in self.blinds)


def _cells(table: str) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
        for row in cursor.fetchall():
            yield from (cell for cell in row if cell not in (None, ""))


def _decrypted(model: Any) -> Iterator[str]:
    for row in model._base_manager.all():
        for name, value in list(row.__dict__.items()):
            if isinstance(value, Sealed) and value:
                yield unseal(row, name, value)


def later(days: int) -> Any:
    import time_machine

    return time_machine.travel(timezone.now() + timedelta(days=days), tick=True)
