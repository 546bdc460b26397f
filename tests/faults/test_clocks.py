"""Machines whose clocks are wrong: leases and pauses are times, so they may come too early or too late. Nothing doubles."""

from pathlib import Path

import pytest

from ipexportal.sandbox import Sandbox
from tenants.models import Agent
from tests.machines.conftest import Exchange, Machines, OpenWindow, settle

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = Path(__file__).parent / "clock"
HOUR = 3600


def test_job_processes_an_hour_behind_and_a_day_ahead_write_each_note_once(
    machines: Machines, exchange: Exchange, open_window: OpenWindow, jana: Agent, microsoft: Sandbox
) -> None:
    right = machines.units["jobs"][0]
    before = dict(right.environment)
    right.stop()
    wrong = []
    for number, shift in enumerate((-HOUR, 24 * HOUR)):
        unit = machines.running.start("jobs", f"wrong{number}")
        unit.kill()
        unit.environment |= {"PYTHONPATH": str(CLOCK), "CLOCK_SHIFT": str(shift)}
        wrong.append(unit.start())
    window = open_window(jana)
    typed = {}
    try:
        for number in range(5):
            mark = f"[54.{number}]"
            call = exchange.says("Ringing", "777123456", jana, mark[1:-1])
            exchange.says("Answered", "777123456", jana, mark[1:-1])
            window.type(call, f"{mark} zájem o čerpadlo", send=True)
            typed[mark] = f"{mark} zájem o čerpadlo"
        settle(microsoft, typed)
    finally:
        for unit in wrong:
            unit.end()
        assert right.environment == before
        right.start()
    settle(microsoft, typed)
