"""Trying a function out: the same engine and the real CRM, but nothing is counted, kept or shown to an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crmwindow.ivr import functions, looking_up, verifying
from crmwindow.ivr.asking import Desk, Reader, Unanswered, desk_of
from crmwindow.ivr.callers import Caller, read
from crmwindow.ivr.watching import Asked, TrialStep, Watch
from crmwindow.models import IvrFunction
from crmwindow.writing.trying import dry_run
from tenants.models import audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["Asked", "Trial", "TrialStep", "try_out"]
Kind = IvrFunction.Kind


@dataclass(frozen=True, slots=True)
class Trial:
    """`answer` is what the voice menu would get; `milliseconds` of the function's budget went by."""

    answer: dict[str, Any]
    milliseconds: int
    steps: tuple[TrialStep, ...]
    asked: tuple[Asked, ...]


def try_out(
    function: IvrFunction,
    *,
    number: str,
    value: str = "",
    second: str = "",
    values: Mapping[str, Any] | None = None,
    by: User,
) -> Trial:
    """`function` may be unsaved, with the form's present values and its tenant. Attempts and the path stay untouched."""
    watch, started = Watch(), perf_counter()
    answer = _answer(function, number, verifying.Said(value, second), values or {}, watch)
    milliseconds = round(1000 * (perf_counter() - started))
    trace = {"name": function.name, "kind": function.kind, "result": str(answer.get("result", ""))}
    with transaction.atomic():
        audit(tenant=function.tenant, by=by, act="ivr.tried", target=function.name, after=trace)
    return Trial(answer, milliseconds, tuple(watch.steps), tuple(watch.requests))


def _answer(
    function: IvrFunction, number: str, said: verifying.Said, values: Mapping[str, Any], watch: Watch
) -> dict[str, Any]:
    reader = Reader()
    wait = functions.wait(function)
    caller = read(number, function.tenant)
    _note_caller(caller, watch)
    try:
        desk = desk_of(function.tenant, watch=watch, reader=reader)
        if function.kind == Kind.WRITE:
            return _not_written(desk, function, number, values)
        if function.kind == Kind.LOOKUP:
            if caller.number is None:
                return looking_up.Answer("not_found", caller.kind).flat()
            extras = looking_up.extras_of(desk, function)
            return looking_up.look_up(desk, caller.number, function=function, extras=extras, wait=wait).flat()
        return verifying.judge(desk, function, caller.number, said, attempt=None, wait=wait).flat()
    except Unanswered as error:
        watch.note(_("There is no answer in time"))
        return {"result": "unavailable", "reason": error.reason}
    finally:
        reader.close()


def _not_written(desk: Desk, function: IvrFunction, number: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What would be sent; with `refused` it would not be written as it is. A write has no answer to wait for."""
    run = dry_run(function, number, values, client=desk.client)
    desk.watch.note(_("The row was made up, nothing was sent"))
    return {"table": run.table, "body": dict(run.body), "warnings": list(run.warnings), "refused": run.refused}


def _note_caller(caller: Caller, watch: Watch) -> None:
    if caller.number:
        watch.note(_("The number was read as %(number)s"), number=caller.number.display)
    else:
        watch.note(_("This is no number by which somebody can be found"))
