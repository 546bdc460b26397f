"""`/api/v1/ivr/…`: what voice menus ask. Flat JSON in and out, and an answer in time whatever Microsoft does.

What is expected to happen on a call, an unknown caller as much as an outage, is an answer with status 200 and a `result`;
only mistakes of whoever draws the menu are errors.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Literal

from django.http import HttpRequest, JsonResponse
from ninja import Field, Router, Schema, Status
from ninja.params.functions import Header
from pydantic import ConfigDict

from crmwindow import candidates
from crmwindow.ivr import functions, looking_up, path, verifying
from crmwindow.ivr.asking import Unanswered, desk_of
from crmwindow.ivr.attempts import Attempt
from crmwindow.ivr.callers import Caller, read
from crmwindow.machine_keys import REFUSALS, Key, Problem
from crmwindow.models import IvrFunction
from crmwindow.search import SearchResult
from tenants.dataverse.budget import Budget
from tenants.models import ApiKey, Tenant

Kind = IvrFunction.Kind
BUDGET: Any = Header(
    60_000,
    alias="X-Budget-Ms",
    ge=1,
    le=60_000,
    description="How long the menu waits, in milliseconds. It may only lower the time set for the function (1500 by default).",
)
NUMBER = Field(
    max_length=100,
    description="The caller's number as the exchange has it, in any spelling; empty or “anonymous” when it is withheld.",
)
UNIQUE_ID = "UniqueId of the call, as in its events: what is learned then shows on the agent's card."
REASON = (
    "Why there is no better answer; absent when there is nothing to say. The words are explained in the documentation."
)


class LookupRequest(Schema):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"number": "777123456", "unique_id": "1412256225.1941"}}
    )

    number: str = NUMBER
    unique_id: str = Field("", max_length=128, description=UNIQUE_ID)
    function: str = Field(
        "", max_length=60, description="Name of a look-up function; without one all tables are searched."
    )


class LookupAnswer(Schema):
    """Besides these, each configured field as `field_<identifier>`, as people read it, and where the stored value
    differs (numbers, dates, choices) also `field_<identifier>_raw`. Nothing is ever missing or null."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "result": "found",
                "entity": "contact",
                "id": "6f0e4f0a-51d1-4f0e-9d0e-1c2d3e4f5a6b",
                "name": "Petra Malá",
                "company": "Strojírny Vysočina s.r.o.",
                "owner_name": "Tomáš Říha",
                "owner_email": "tomas.riha@acme.example",
                "owner_login": "tomas.riha",
                "owner_line": "444",
                "matches": 1,
                "field_nnn_myorderscount": "1 204",
                "field_nnn_myorderscount_raw": "1204",
            }
        },
    )

    result: Literal["found", "ambiguous", "not_found", "unavailable"]
    entity: str = Field("", description="Logical name of the record's table.")
    id: str = Field("", description="The record's GUID.")
    name: str = ""
    company: str = ""
    owner_name: str = ""
    owner_email: str = ""
    owner_login: str = Field("", description="Login of the agent who owns the record, for “call the found agent”.")
    owner_line: str = Field("", description="Line of that agent.")
    matches: int = Field(0, description="How many active records hold the number.")
    reason: str = Field("", description=REASON)


class VerifyRequest(Schema):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "number": "777123456",
                "unique_id": "1412256225.1941",
                "function": "overeni-pin",
                "value": "4711",
            }
        },
    )

    number: str = NUMBER
    unique_id: str = Field(min_length=1, max_length=128, description=UNIQUE_ID)
    function: str = Field(min_length=1, max_length=60, description="Name of a function that verifies or identifies.")
    value: str = Field(max_length=500, description="What the caller entered. It is compared and kept nowhere.")
    second: str = Field("", max_length=500, description="The second value, where the function asks for two.")


class VerifyAnswer(Schema):
    """The same refusal, after the same time, for a wrong value, an empty column and a caller who is in no record."""

    model_config = ConfigDict(json_schema_extra={"example": {"result": "verified"}})

    result: Literal["verified", "identified", "refused", "locked", "unavailable"]
    reason: str = Field("", description=REASON)


class Answered(JsonResponse):
    """Sent first; then what is to be remembered of it is written."""

    works_on = True  # ipexportal.one_thread closes it after it was sent

    def __init__(self, data: dict[str, Any], afterwards: Callable[[], object]) -> None:
        super().__init__(data)
        self._afterwards: Callable[[], object] | None = afterwards

    def close(self) -> None:
        afterwards, self._afterwards = self._afterwards, None
        try:
            if afterwards:
                afterwards()
        finally:
            super().close()


def _readable(unique_id: str) -> str:
    """What a database keeps and a call can be found by."""
    return "".join(char for char in unique_id if char.isprintable())


def key_of(request: HttpRequest) -> ApiKey:
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # Ninja sets it
    return key


router = Router(tags=["ivr"], auth=Key(ApiKey.Scope.IVR))
ANSWERS = {404: Problem, **REFUSALS}


@router.post("lookup", response={200: LookupAnswer, **ANSWERS}, summary="Who calls, and who looks after them")
def lookup(request: HttpRequest, body: LookupRequest, budget_ms: int = BUDGET) -> Any:
    """`found`: exactly one active record holds the number. `ambiguous`: several do; then only the table and the owner are
    told, and only where they are the same for all. `not_found`: nobody, or no number that could be looked for.
    `unavailable`: nobody could be asked in time."""
    started = perf_counter()
    tenant = key_of(request).tenant
    try:
        function = functions.named(tenant, body.function, Kind.LOOKUP) if body.function else None
    except functions.NoSuchFunction as error:
        return Status(404, {"error": str(error)})
    except functions.WrongKind as error:
        return Status(422, {"error": str(error)})
    caller = read(body.number, tenant)
    wait = functions.wait(function, budget_ms)
    unique_id = _readable(body.unique_id)
    answer = _looked_up(tenant, caller, function, wait)
    return _answered(answer.flat(), started, tenant, Kind.LOOKUP, function, unique_id, caller, searched=answer.searched)


def _looked_up(tenant: Tenant, caller: Caller, function: IvrFunction | None, wait: Budget) -> looking_up.Answer:
    if caller.number is None:
        return looking_up.Answer("not_found", caller.kind)
    try:
        desk = desk_of(tenant)
        extras = looking_up.extras_of(desk, function)
        return looking_up.look_up(desk, caller.number, function=function, extras=extras, wait=wait)
    except Unanswered as error:
        return looking_up.Answer("unavailable", error.reason)


@router.post("verify", response={200: VerifyAnswer, **ANSWERS}, summary="Does the caller know what the CRM knows?")
def verify(request: HttpRequest, body: VerifyRequest, budget_ms: int = BUDGET) -> Any:
    """`verified`: a record of the caller's number holds the value. `identified`: exactly one record of all holds it, which
    says nothing about who calls. `refused`: no. `locked`: too many wrong values, for 15 minutes and then longer.
    `unavailable`: nobody could be asked in time; the attempt is not counted."""
    started = perf_counter()
    tenant = key_of(request).tenant
    try:
        function = functions.named(tenant, body.function, Kind.VERIFY, Kind.IDENTIFY)
    except functions.NoSuchFunction as error:
        return Status(404, {"error": str(error)})
    except functions.WrongKind as error:
        return Status(422, {"error": str(error)})
    caller = read(body.number, tenant)
    wait = functions.wait(function, budget_ms)
    said = verifying.Said(body.value, body.second)
    verdict = _verified(function, caller, said, _readable(body.unique_id), wait)
    return _answered(
        verdict.flat(),
        started,
        tenant,
        function.kind,
        function,
        _readable(body.unique_id),
        caller,
        record=verdict.record,
    )


def _verified(
    function: IvrFunction, caller: Caller, said: verifying.Said, unique_id: str, wait: Budget
) -> verifying.Verdict:
    attempt = Attempt(function, unique_id, caller.e164)
    try:
        desk = desk_of(function.tenant)
        return verifying.judge(desk, function, caller.number, said, attempt=attempt, wait=wait)
    except Unanswered as error:
        return verifying.Verdict("unavailable", error.reason)


def _answered(
    answer: dict[str, Any],
    started: float,
    tenant: Tenant,
    kind: str,
    function: IvrFunction | None,
    unique_id: str,
    caller: Caller,
    *,
    record: tuple[str, str] | None = None,
    searched: SearchResult | None = None,
) -> Answered:
    milliseconds = round(1000 * (perf_counter() - started))

    def note() -> None:
        path.note(
            tenant=tenant,
            kind=kind,
            result=answer["result"],
            function=function,
            unique_id=unique_id,
            number=caller.e164,
            reason=answer.get("reason", ""),
            record=record,
            milliseconds=milliseconds,
        )
        if searched and unique_id:
            candidates.note_outcome_of(tenant, unique_id, caller.e164, searched)

    return Answered(answer, note)
