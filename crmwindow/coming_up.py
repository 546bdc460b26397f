"""Which call the window shows: what the agent looks at stays, and a new one comes up as this agent wishes it to.

When it rings, when they answer, or only when they open it; until then a call is a line in the strip.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from crmwindow import calls, outbox
from crmwindow.models import CallState, Leg, hers
from tenants.models import Agent

GONE_FOR = timedelta(seconds=4)


def choose_shown(
    agent: Agent, wanted: Leg | None, *, busy: bool, in_sight: str | None = None
) -> tuple[Leg | None, list[Leg]]:
    """Which call is shown, and the others. What the agent looks at stays until it is elsewhere, or ended and another rings.

    `busy`: the agent is writing; then nothing is taken away from under their fingers, the ringing one waits in the strip.
    `in_sight`: they opened `wanted` themselves while the strip named these calls; only another one takes its place.
    """
    legs = calls.shown(agent)
    live = [leg for leg in legs if leg.state < CallState.ENDED]
    coming = [leg for leg in legs if comes_up(agent, leg)]
    calling = [leg for leg in coming if leg in live and str(leg.call.code) not in (in_sight or "")]
    stays = wanted is not None and (in_sight is not None or not wanted.elsewhere)
    if stays and wanted and (wanted.state < CallState.ENDED or busy or not calling):
        return wanted, [leg for leg in live if leg.pk != wanted.pk] + _just_gone(agent, wanted)
    first = coming[0] if coming else None
    return first, [leg for leg in live if first is None or leg.pk != first.pk] + _just_gone(agent, first)


def comes_up(agent: Agent, leg: Leg) -> bool:
    """By itself. Of a call that the page around the window announced nobody may ever say that it was answered."""
    if agent.quiet == Agent.Quiet.ON_ANSWER:
        return leg.answered_at is not None or leg.call.private_to_id is not None
    return agent.quiet != Agent.Quiet.BY_HAND


def _just_gone(agent: Agent, shown: Leg | None) -> list[Leg]:
    """Calls a colleague answered a moment ago: the strip says so before they leave."""
    since = timezone.now() - GONE_FOR
    gone = Leg.objects.of(agent).filter(elsewhere=True, closed_at=None, call__answered_at__gt=since)
    return [leg for leg in hers(agent, gone) if shown is None or leg.pk != shown.pk]


def choose_quiet(*, agent: Agent, quiet: Agent.Quiet) -> None:
    """This agent's own wish, for all their windows."""
    with transaction.atomic():
        Agent.objects.filter(pk=agent.pk).update(quiet=quiet)
        outbox.tell([agent.pk])
    agent.quiet = quiet
