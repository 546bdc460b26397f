"""Two web, two stream and two job processes against one PostgreSQL, as on several machines."""

import random
import threading
from collections.abc import Callable
from time import sleep

import pytest
import requests

from crmwindow.models import Call
from ipexportal.sandbox import Sandbox
from tenants.models import Agent
from tests.machines.browser import until
from tests.machines.conftest import Exchange, Machines, OpenWindow, once_in_the_crm, settle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _all_run(machines: Machines) -> None:
    machines.start_again()


def test_a_call_posted_to_one_web_process_appears_in_a_window_on_the_other_stream(
    machines: Machines, exchange: Exchange, open_window: OpenWindow, jana: Agent, microsoft: Sandbox
) -> None:
    (first, second), (_, other_stream) = machines.addresses["web"], machines.addresses["stream"]
    window = open_window(jana, webs=[second], streams=[other_stream])
    call = exchange.says("Ringing", "777123456", jana, "21.1", webs=[first])
    window.shows("777 123 456")
    window.type(call, "[21.1] zájem o čerpadlo", send=True)
    once_in_the_crm(microsoft, "[21.1]", "[21.1] zájem o čerpadlo")
    window.shows("Jana Horáková")


def test_sessions_tickets_and_limits_are_the_same_everywhere(
    machines: Machines, exchange: Exchange, open_window: OpenWindow, jana: Agent
) -> None:
    first, second = machines.addresses["web"]
    ticket = exchange.ticket(jana).removeprefix(machines.portal)
    came = [requests.get(web + ticket, allow_redirects=False, timeout=15) for web in (first, second)]
    assert came[0].status_code == 303
    assert came[1].cookies == {}, "a ticket is good once, wherever it was used"

    window = open_window(jana, webs=[first])
    window.webs = [second]
    assert "data-state" in window.state() or "<" in window.state()

    wrong = {"Authorization": "Bearer ipx_events_" + "x" * 40}
    answers = []
    for turn in range(300):
        web = (first, second)[turn % 2]
        answers.append(requests.post(f"{web}/api/v1/events", json={}, headers=wrong, timeout=15).status_code)
        if answers[-1] == 429:
            break
    assert answers[-1] == 429
    other = (first, second)[len(answers) % 2]
    assert requests.post(f"{other}/api/v1/events", json={}, headers=wrong, timeout=15).status_code == 429


def test_one_of_each_is_killed_while_calls_go_on_and_nothing_is_lost_or_doubled(
    machines: Machines, exchange: Exchange, open_window: OpenWindow, jana: Agent, bob: Agent, microsoft: Sandbox
) -> None:
    windows = {agent.login: open_window(agent) for agent in (jana, bob)}
    chance = random.Random(6)
    typed: dict[str, str] = {}

    def day(agent: Agent) -> None:
        for number in range(6):
            mark = f"[22.{agent.line}.{number}]"
            call = exchange.says("Ringing", "777123456", agent, f"22.{agent.line}.{number}")
            exchange.says("Answered", "777123456", agent, f"22.{agent.line}.{number}")
            windows[agent.login].type(call, f"{mark} volá")
            windows[agent.login].type(call, f"{mark} volá kvůli servisu", send=True)
            exchange.says("Hangup", "777123456", agent, f"22.{agent.line}.{number}", Reason="Normal Clearing")
            typed[mark] = f"{mark} volá kvůli servisu"

    agents_at_work = _at_once(lambda: day(jana), lambda: day(bob))
    gone = windows["jana"].stream.at  # type: ignore[union-attr]  # it listens
    for kind in ("web", "stream", "jobs"):
        sleep(chance.random())
        place = machines.addresses["stream"].index(gone) if kind == "stream" else chance.randrange(2)
        machines.units[kind][place].kill()
    agents_at_work()

    until(lambda: windows["jana"].stream.at not in ("", gone))  # type: ignore[union-attr]
    exchange.says("Ringing", "604218330", jana, "22.last")
    windows["jana"].shows("604 218 330")
    assert Call.objects.count() == len(typed) + 1
    settle(microsoft, typed)
    assert len(typed) == 12


def test_a_rolling_restart_cuts_nobody_off_and_loses_nothing(
    machines: Machines, exchange: Exchange, open_window: OpenWindow, jana: Agent, microsoft: Sandbox
) -> None:
    windows = [open_window(jana) for _ in range(6)]
    typed = {}
    for turn, kind in enumerate(("stream", "web", "jobs")):
        for place in (0, 1):
            mark = f"[23.{turn}.{place}]"
            call = exchange.says("Ringing", "777123456", jana, mark[1:-1])
            machines.units[kind][place].stop()
            windows[0].type(call, f"{mark} text", send=True)
            typed[mark] = f"{mark} text"
            machines.start_again()
    for window in windows:
        until(lambda window=window: window.stream.at)
    exchange.says("Ringing", "604218330", jana, "23.last")
    for window in windows:
        window.shows("604 218 330")
    settle(microsoft, typed)


def _at_once(*acts: Callable[[], None]) -> Callable[[], None]:
    """Begin them all; what is given back waits for them, and fails if one did."""
    mistakes: list[BaseException] = []

    def carry_out(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as mistake:
            mistakes.append(mistake)

    threads = [threading.Thread(target=carry_out, args=[act], daemon=True) for act in acts]
    for thread in threads:
        thread.start()

    def finish() -> None:
        for thread in threads:
            thread.join(timeout=150)
        assert mistakes == []
        assert not any(thread.is_alive() for thread in threads)

    return finish
