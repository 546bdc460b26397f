"""The number index: how fast it is built and asked, and what a few changes cost.

The yardstick of a look-up is one SELECT by primary key on the same table and connection, interleaved, over random hits and
misses. Numbers are written by the product's own bulk writer from a generator; the rate of building is measured on records read
from the sandbox over HTTP. After PostgreSQL the same look-ups run on SQLite, in a process of their own (`--on sqlite` runs
only these).
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from itertools import batched, islice
from time import perf_counter, thread_time
from typing import Any

import requests
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from crmwindow import blind, index
from crmwindow.index import numbers
from crmwindow.index.reading import Entry
from crmwindow.models import IndexedNumber, IndexState, NumberIndex
from ipexportal.benchmarks import Void
from ipexportal.benchmarks.stage import Microsoft, customer, microsoft, signed_in_agent, with_index
from ipexportal.sandbox import directory
from tenants.models import Instance

AT_ONCE = 20_000
SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (10_000, 50_000)
NOBODY = Microsoft("http://127.0.0.1:9", 0)
PEOPLE = 720_000_000


def measure(*, quick: bool, latency_ms: float, say: Callable[[str], object], on: str | None) -> dict[str, Any]:
    if connection.vendor == "sqlite":
        instance = customer(NOBODY).instance
        return {"database": "sqlite", **_all_sizes(instance, QUICK_SIZES if quick else SIZES[:2], quick, say)}
    with microsoft(records=5_000 if quick else 100_000) as stand_in:
        instance = with_index(signed_in_agent(stand_in).tenant.instance)
        say("Building the index of all the sandbox's records…")
        built = _built(instance)
        say("Changing records…")
        changes = {count: _changed(instance, stand_in, count) for count in ((10,) if quick else (10, 10_000))}
    figures = {**built, **{f"delta_ms_{count}_changes": took for count, took in changes.items()}}
    figures |= _all_sizes(instance, QUICK_SIZES if quick else SIZES, quick, say)
    if not on:
        figures |= _on_sqlite(quick, say)
    return {"database": connection.vendor, **figures}


def _all_sizes(instance: Instance, sizes: tuple[int, ...], quick: bool, say: Callable[[str], object]) -> dict[str, Any]:
    figures: dict[str, Any] = {"largest": _short(max(sizes))}
    for size in sizes:
        say(f"Asking an index of {size} numbers in {connection.vendor}…")
        figures |= _asked(instance, size, 300 if quick else 2_000)
    return figures


def _on_sqlite(quick: bool, say: Callable[[str], object]) -> dict[str, Any]:
    """By the same command in a process with another database."""
    command = [sys.executable, "manage.py", "benchmark", "index", "--on", "sqlite", *(["--quick"] if quick else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Void(f"SQLite could not be measured: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {f"sqlite_{name}": value for name, value in found.items() if "_ms_" in name or "_per_s_" in name}


def _built(instance: Instance) -> dict[str, Any]:
    started = perf_counter()
    while index.sync(instance.pk):
        pass
    took = perf_counter() - started
    if (problem := NumberIndex.objects.get(instance=instance).problem) or not IndexState.objects.exists():
        raise Void(f"the index was not built: {problem}")
    read = sum(IndexState.objects.values_list("records", flat=True))
    rows = IndexedNumber.objects.count()
    return {
        "build_records": read,
        "build_numbers": rows,
        "build_s": round(took, 2),
        "build_rows_per_s": round(rows / took),
        "build_records_per_s": round(read / took),
    }


def _changed(instance: Instance, stand_in: Microsoft, count: int) -> float:
    """Milliseconds of a synchronization after that many records got another number; five times for few."""
    token = _token(stand_in)
    times = []
    for turn in range(5 if count <= 100 else 1):
        keys = list(_some_contacts(stand_in, token, count))
        for number, key in enumerate(keys):
            _change(stand_in, token, key, f"+420{PEOPLE + turn * 1_000_000 + number}")
        started = perf_counter()
        while index.sync(instance.pk):
            pass
        times.append(perf_counter() - started)
        if not index.known(instance, f"+420{PEOPLE + turn * 1_000_000}").records:
            raise Void("a changed number was not in the index")
    return round(1000 * statistics.median(times), 1)


def _token(stand_in: Microsoft) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": directory.SYSTEM_CLIENT_ID,
        "client_secret": directory.SYSTEM_CLIENT_SECRET,
        "scope": f"{stand_in.origin}/.default",
    }
    answer = requests.post(f"{stand_in.origin}/{directory.ACME_TENANT}/oauth2/v2.0/token", data=form, timeout=30)
    return str(answer.json()["access_token"])


_http = requests.Session()


def _some_contacts(stand_in: Microsoft, token: str, count: int) -> Iterator[str]:
    address: str | None = f"{stand_in.origin}/api/data/v9.2/contacts?$select=contactid"
    found = 0
    while address and found < count:
        page = _http.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=60).json()
        for row in islice(page["value"], count - found):
            found += 1
            yield row["contactid"]
        address = page.get("@odata.nextLink")


def _change(stand_in: Microsoft, token: str, key: str, number: str) -> None:
    address = f"{stand_in.origin}/api/data/v9.2/contacts({key})"
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    _http.patch(address, json={"mobilephone": number}, headers=headers, timeout=60).raise_for_status()


# -- asking ------------------------------------------------------------------------------------------------------------


def _asked(instance: Instance, size: int, times: int) -> dict[str, Any]:
    """Milliseconds of a look-up in an index of `size` numbers, and of the yardstick, hits and misses mixed."""
    key_id = next(iter(settings.INDEX_KEYS))
    index.remove(instance)
    state = IndexState.objects.create(
        instance=instance,
        table="contact",
        generation=1,
        stage=IndexState.Stage.SERVING,
        key_id=key_id,
        organization_id=directory.ORGANIZATION_ID,
        country=instance.tenant.country,
        columns=["mobilephone"],
        synced_at=timezone.now(),
    )
    makes_blind = blind.for_index(instance.tenant, key_id)
    started = perf_counter()
    for some in batched(range(size), AT_ONCE):
        with transaction.atomic():
            numbers.write(state, [Entry(_record(at), 0, makes_blind(_number(at)), 0) for at in some])
    written = perf_counter() - started
    _let_the_database_look(connection)
    chance = random.Random(1)  # noqa: S311 - the same numbers in every run
    drawn = [chance.randrange(size * 2) for _ in range(times)]
    for at in drawn[:50]:
        index.known(instance, _number(at))
    found, floor, cpu = [], [], []
    for at in drawn:
        burnt = thread_time()
        found.append(_timed(lambda at=at: _look(instance, at, size)))  # type: ignore[misc]  # a default for a lambda
        cpu.append(1000 * (thread_time() - burnt))
        floor.append(_timed(lambda at=at: _by_key(state, makes_blind, at)))  # type: ignore[misc]  # the same
    name = _short(size)
    return {
        f"write_rows_per_s_{name}": round(size / written),
        **_figures("p50_ms", "p99_ms", name, found),
        **_figures("floor_p50_ms", "floor_p99_ms", name, floor),
        f"cpu_ms_{name}": round(statistics.median(cpu), 3),
    }


def _look(instance: Instance, at: int, size: int) -> None:
    records = index.known(instance, _number(at)).records
    if records != ((("contact", str(_record(at))),) if at < size else ()):
        raise Void(f"the index answered wrongly: {records}")


def _by_key(state: IndexState, makes_blind: Callable[[str], bytes], at: int) -> None:
    """One SELECT by primary key, and nothing of the query builder."""
    quoted = connection.ops.quote_name
    table, column = quoted(IndexedNumber._meta.db_table), quoted("column")
    record = _record(at) if connection.features.has_native_uuid_field else _record(at).hex
    with connection.cursor() as cursor:
        where = f"state_id = %s AND record_id = %s AND {column} = 0 AND blind = %s"
        sql = f"SELECT record_id FROM {table} WHERE {where}"  # noqa: S608  (names of our own)
        cursor.execute(sql, (state.pk, record, makes_blind(_number(at))))
        cursor.fetchall()


def _timed(act: Callable[[], None]) -> float:
    started = perf_counter()
    act()
    return 1000 * (perf_counter() - started)


def _figures(median: str, tail: str, name: str, times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {f"{median}_{name}": round(statistics.median(times), 3), f"{tail}_{name}": round(cuts[98], 3)}


def _let_the_database_look(database: Any) -> None:
    """As autovacuum does within a minute of a load."""
    with database.cursor() as cursor:
        name = database.ops.quote_name(IndexedNumber._meta.db_table)
        cursor.execute(f"VACUUM ANALYZE {name}" if database.vendor == "postgresql" else f"ANALYZE {name}")


def _number(at: int) -> str:
    return f"+420{600_000_000 + at}"


def _record(at: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, str(at))


def _short(size: int) -> str:
    return f"{size // 1_000_000}m" if size >= 1_000_000 else f"{size // 1000}k"
