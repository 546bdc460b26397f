"""Which call the window shows: what the agent looks at stays, and a new one comes up as this agent wishes it to.

When it rings, when they answer, or only when they open it; until then a call is a line in the strip.
"""

from __future__ import annotations

from django.db import transaction

from crmwindow import calls, outbox
from crmwindow.models import CallState, Leg
from tenants.models import Agent


def choose_shown(
    agent: Agent, wanted: Leg | None, *, busy: bool, strip: str | None = None, legs: list[Leg] | None = None
) -> tuple[Leg | None, list[Leg]]:
    """Which call is shown, and the others. What the agent looks at stays until it is elsewhere, or ended and another rings.

    `busy`: the agent is writing; then nothing is taken away from under their fingers, the ringing one waits in the strip.
    `strip`: they opened `wanted` themselves while the strip named these calls; only another one takes its place.
    `legs`: `calls.in_sight`, from whoever has it.
    """
    every = calls.in_sight(agent) if legs is None else legs
    cards = calls.shown(agent, every)
    live = [leg for leg in cards if leg.state < CallState.ENDED]
    coming = [leg for leg in cards if comes_up(agent, leg)]
    calling = [leg for leg in coming if leg in live and str(leg.call.code) not in (strip or "")]
    stays = wanted is not None and (strip is not None or not wanted.elsewhere)
    if stays and wanted and (wanted.state < CallState.ENDED or busy or not calling):
        return wanted, _others(wanted, live, every)
    first = coming[0] if coming else None
    return first, _others(first, live, every)


def _others(shown: Leg | None, live: list[Leg], every: list[Leg]) -> list[Leg]:
    """For the strip: calls, and below them those that a colleague answered a moment ago."""
    gone = [leg for leg in every if leg.elsewhere]
    return [leg for leg in live + gone if shown is None or leg.pk != shown.pk]


def comes_up(agent: Agent, leg: Leg) -> bool:
    """By itself. Of a call that the page around the window announced nobody may ever say that it was answered."""
    if agent.quiet == Agent.Quiet.ON_ANSWER:
        return leg.answered_at is not None or leg.call.private_to_id is not None
    return agent.quiet != Agent.Quiet.BY_HAND


def choose_quiet(*, agent: Agent, quiet: Agent.Quiet) -> None:
    """This agent's own wish, for all their windows."""
    with transaction.atomic():
        Agent.objects.filter(pk=agent.pk).update(quiet=quiet)
        outbox.tell([agent.pk])
    agent.quiet = quiet
