"""What processes cost, read from /proc: memory (PSS: a shared page counts once in all), threads, seconds of CPU.

Linux only, as the figures are.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from ipexportal.benchmarks import Void

TICKS = os.sysconf("SC_CLK_TCK")
SPARE_FILES = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """Of some processes together; kilobytes, and seconds of CPU since they began."""

    pss_kb: int
    rss_kb: int
    threads: int
    cpu: float


def cost(pids: Iterable[int]) -> Cost:
    """One that ended meanwhile costs nothing."""
    found = [each for pid in pids if (each := _cost(pid))]
    return Cost(*(sum(getattr(each, name) for each in found) for name in Cost.__slots__))


def _cost(pid: int) -> Cost | None:
    with suppress(FileNotFoundError, ProcessLookupError):
        memory = _fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
        status = _fields(Path(f"/proc/{pid}/status").read_text())
        return Cost(_number(memory["Pss"]), _number(memory["Rss"]), _number(status["Threads"]), cpu_seconds([pid]))
    return None


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time; much cheaper to read than memory."""
    ticks = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])
    return ticks / TICKS


def busy_seconds() -> tuple[float, float]:
    """Of all cores since the machine started: (at work, in all)."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / TICKS, sum(ticks) / TICKS


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def database_server() -> int | None:
    """PostgreSQL's first process; None when it runs on another machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return _parents().get(cursor.fetchone()[0])


def family(pid: int | None) -> list[int]:
    """It and its children."""
    return [pid, *(child for child, parent in _parents().items() if parent == pid)] if pid else []


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def allow_files(count: int) -> None:
    """Raise the limit of open files of this process and those it starts. Raises Void when it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Void(f"{count} windows need {wanted} open files, but this account may open {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _fields(text: str) -> dict[str, str]:
    return {name: value for name, _colon, value in (line.partition(":") for line in text.splitlines())}


def _number(text: str) -> int:
    return int(text.split()[0])
