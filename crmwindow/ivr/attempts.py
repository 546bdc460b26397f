"""Wrong values are counted, and whoever gives too many must wait.

An attempt counts as wrong from the moment it begins, so that many at once get no more tries than one after the other; a right
one wipes the slate, and one that Microsoft did not let us judge is taken back.

First the caller: after `function.attempts` wrong values of one number a lock of 15 minutes, then 30, and so on up to a day.
Only then the record: after `function.attempts_per_record` wrong values within a day, whoever was wrong at it must wait until
the day is over. A number that was not wrong today has its own tries whatever others did, so no stranger locks a customer out.
A number that finds no record is counted in the same way, so that nobody learns which numbers are in the CRM. Withheld callers
are counted per call, and all of them together per day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, F, IntegerField, Q, QuerySet, When
from django.utils import timezone

from crmwindow.blind import blind
from crmwindow.models import IvrAttempts, IvrFunction
from tenants.prepared import Prepared, PreparedInsert, PreparedUpdate

Of = IvrAttempts.Of
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
FORGOTTEN_AFTER = timedelta(hours=24)
KEPT = timedelta(days=2)
WITHHELD_CALLS = 20
"""All callers without a number together may be wrong that many times as often as one of them, a day."""


class Locked(Exception):
    """No attempt may be made now."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose wrong values are counted together, and how many they may give."""

    of: str
    key: str
    most: int = 0


@dataclass
class Attempt:
    """One try, counted as wrong until told otherwise. `number` is E.164, "" when withheld."""

    function: IvrFunction
    unique_id: str
    number: str
    _wrong_at: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    def begin(self) -> None:
        """Raises Locked."""
        if self.number:  # one statement needs no transaction around it
            self._take_all()
            return
        with transaction.atomic():
            self._take_all()

    def _take_all(self) -> None:
        if not all(self._take(subject) for subject in self._callers):
            raise Locked  # and nothing was counted

    def may_try(self, records: list[str]) -> bool:
        """Are these records (GUIDs) still open to this caller? [] stands for a record that is not there."""
        keys = self._records(records)
        self.look_at(records)
        return not any(all(self._wrong_at[each.key] >= each.most for each in self._at(key)) for key in keys)

    def look_at(self, records: list[str]) -> None:
        """Read what `may_try` will want to know of these, and perhaps of others: while there is nothing else to do."""
        names = [subject.key for key in self._records(records) for subject in self._at(key)]
        if new := [name for name in names if name not in self._wrong_at]:
            rows = _WRONG.rows(function=self.function, of=Of.RECORD, subjects=new, now=timezone.now())
            self._wrong_at |= dict.fromkeys(new, 0) | dict(rows)

    def wrong(self, records: list[str]) -> None:
        """It stays counted, also at the records."""
        for subject in self._callers:
            self._lock_if_full(subject)
        for key in self._records(records):
            for subject in self._at(key):
                self._count(subject)

    def right(self) -> None:
        """The caller knew it: their slate is clean. What others did at the record stays."""
        own, *everybody = self._callers
        _forget_all(**self._row_named(own))
        self._less(everybody)

    def take_back(self) -> None:
        """It could not be judged."""
        self._less(self._callers)

    # -- callers

    @cached_property
    def _callers(self) -> list[Subject]:
        most = max(1, self.function.attempts)
        if self.number:
            return [Subject(Of.CALLER, self._blind, most)]
        everybody = Subject(Of.WITHHELD, timezone.localdate().isoformat(), most * WITHHELD_CALLS)
        return [Subject(Of.CALL, self.unique_id, most), everybody]

    def _take(self, subject: Subject) -> bool:
        """Count one try, unless locked or full. One statement each, so that of two at once only one takes the last."""
        return self._counted(subject) or self._is_first(subject) or self._counted(subject)

    def _counted(self, subject: Subject) -> bool:
        """What was wrong more than a day ago is forgotten on the way."""
        now = timezone.now()
        return bool(_count_one(**self._row_named(subject), most=subject.most, now=now, old=now - FORGOTTEN_AFTER))

    def _is_first(self, subject: Subject) -> bool:
        """Begin the row of whoever has none yet; somebody else may do so at this very moment."""
        return _add_unless_there(self._new_row(subject, wrong=1))

    def _lock_if_full(self, subject: Subject) -> None:
        row = self._row(subject)
        if row.wrong >= subject.most:
            until = timezone.now() + min(FIRST_LOCK * 2 ** min(row.locks, 10), LONGEST_LOCK)
            rows = self._rows(subject).filter(wrong=row.wrong, locks=row.locks)
            rows.update(wrong=0, locks=row.locks + 1, locked_until=until, last_at=until)

    def _less(self, subjects: list[Subject]) -> None:
        for subject in subjects:
            _take_one_back(**self._row_named(subject))

    # -- records

    def _records(self, records: list[str]) -> list[str]:
        """For a withheld caller none is ever looked for."""
        return (records or [f"none:{self._blind}"]) if self.number else []

    def _at(self, record: str) -> tuple[Subject, Subject]:
        """Everybody's wrong values there, and this caller's."""
        most = max(1, self.function.attempts_per_record)
        return Subject(Of.RECORD, record, most), Subject(Of.RECORD, f"{record}/{self._blind}", 1)

    def _count(self, subject: Subject) -> None:
        """A record's day begins with the first wrong value there; `locked_until` is its end."""
        now = timezone.now()
        row = self._row(subject)
        if row.locked_until is None or row.locked_until <= now:
            self._rows(subject).update(wrong=0, locked_until=now + FORGOTTEN_AFTER)
        self._rows(subject).update(wrong=F("wrong") + 1, last_at=now)

    # -- rows

    @cached_property
    def _blind(self) -> str:
        return blind(self.function.tenant, self.number)

    def _row_named(self, subject: Subject) -> dict[str, Any]:
        return {"function": self.function, "of": subject.of, "subject": subject.key}

    def _rows(self, subject: Subject) -> QuerySet[IvrAttempts]:
        return IvrAttempts.objects.filter(**self._row_named(subject))

    def _row(self, subject: Subject) -> IvrAttempts:
        row = self._rows(subject).first()
        if row is None:
            _add_unless_there(self._new_row(subject, wrong=0))
            row = self._rows(subject).get()
        return row

    def _new_row(self, subject: Subject, *, wrong: int) -> IvrAttempts:
        row = IvrAttempts(**self._row_named(subject), wrong=wrong, last_at=timezone.now())
        if subject.of == Of.CALLER:
            row.number, row.number_blind = self.number, self._blind
        return row


_rows_of = IvrAttempts.objects.filter
_add_unless_there = PreparedInsert(IvrAttempts, unless_there=True)


def _counting(
    function: Any, of: Any, subject: Any, most: Any, now: Any, old: Any
) -> tuple[QuerySet[Any], dict[str, Any]]:
    is_old = Q(last_at__lt=old)
    is_free = Q(locked_until=None) | Q(locked_until__lte=now)
    rows = _rows_of(is_old | Q(is_free, wrong__lt=most), function=function, of=of, subject=subject)
    return rows, {
        "wrong": Case(When(is_old, then=1), default=F("wrong") + 1, output_field=IntegerField()),
        "locks": Case(When(is_old, then=0), default=F("locks"), output_field=IntegerField()),
        "locked_until": Case(When(is_old, then=None), default=F("locked_until"), output_field=DateTimeField()),
        "last_at": now,
    }


_count_one = PreparedUpdate(_counting)
_take_one_back = PreparedUpdate(
    lambda function, of, subject: (
        _rows_of(function=function, of=of, subject=subject, wrong__gt=0),
        {"wrong": F("wrong") - 1},
    )
)
_forget_all = PreparedUpdate(
    lambda function, of, subject: (
        _rows_of(function=function, of=of, subject=subject),
        {"wrong": 0, "locks": 0, "locked_until": None},
    )
)
_WRONG = Prepared(
    lambda function, of, subjects, now: _rows_of(
        function=function, of=of, subject__in=subjects, locked_until__gt=now
    ).values_list("subject", "wrong")
)


def tidy() -> None:
    """What has no bearing on anything any more."""
    IvrAttempts.objects.filter(last_at__lt=timezone.now() - KEPT).delete()
