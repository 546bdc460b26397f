"""Everything kept about one agent. Erased, their calls say that one agent took them, and nobody knows who that was."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crmwindow import outbox, unwritten
from crmwindow.models import (
    CrmWrite,
    FollowUp,
    FollowUpDraft,
    LearnedMatch,
    Leg,
    Lookup,
    Note,
    NoteRevision,
    Opening,
    Outbox,
    WindowSession,
    WindowTicket,
)
from crmwindow.personal_data.trail import Part, Trail
from tenants.models import Agent, AuditEntry, CheckRun, Instance, OutgoingMail, SignInAttempt, Tenant, audit
from tenants.registration import SIGNED_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_FOUND = 20


def search(tenant: Tenant, text: str) -> list[Agent]:
    """Whose name, e-mail, login or line is like this."""
    text = text.strip()[:200]
    if not text:
        return []
    named = Q(name__icontains=text) | Q(email__icontains=text) | Q(upn__icontains=text) | Q(login__iexact=text)
    return list(tenant.agents.filter(named | Q(line=text)).order_by("name", "pk")[:MOST_FOUND])


def trail(agent: Agent) -> Trail:
    return Trail(agent.tenant, "agent", agent.name, tuple(_parts(agent)))


def _parts(agent: Agent) -> Iterator[Part]:
    yield Part("agent", Agent.objects.filter(pk=agent.pk), _AGENT)
    yield Part("legs", Leg.objects.filter(agent=agent).select_related("call"), _LEG)
    yield Part("notes", Note.objects.filter(author=agent).select_related("call"), _NOTE)
    yield Part("revisions", NoteRevision.objects.filter(note__author=agent), ("number", "text", "outcome"))
    yield Part("tasks", FollowUp.objects.filter(author=agent).select_related("call"), _TASK)
    yield Part("drafts", FollowUpDraft.objects.filter(author=agent), ("call.code", "values", "edited_at"))
    yield Part("lookups", Lookup.objects.filter(leg__agent=agent), ("finished_at", "problem"))
    yield Part("choices", LearnedMatch.objects.filter(agent=agent), ("table", "record_id", "chosen_at"))
    yield Part("openings", Opening.objects.filter(agent=agent), ("table", "record_id", "expires_at"))
    yield Part("sessions", WindowSession.objects.filter(agent=agent), ("created_at", "expires_at"))
    yield Part("tickets", WindowTicket.objects.filter(agent=agent), ("created_at", "used_at"))
    yield Part("sign_ins", _sign_ins(agent), ("created_at", "outcome", "reason", "account"))
    yield Part("mail", OutgoingMail.objects.filter(agent=agent), ("kind", "state", "created_at", "sent_at"))
    yield Part("changes", _changes(agent), ("at", "actor", "act", "target", "before", "after"))


_AGENT = (
    "code", "name", "email", "upn", "login", "line", "language", "quiet", "window", "directory_id", "object_id",
    "systemuser_id", "signed_in_at", "first_card_at", "first_note_at", "last_call_at", "refused_with", "refused_at",
)  # fmt: skip
_LEG = ("call.code", "call.direction", "call.started_at", "line", "rang_at", "answered_at", "ended_at", "transferred")
_NOTE = (
    "call.code",
    "state",
    "text",
    "aside",
    "outcome",
    "edited_at",
    "written_at",
    "written_about",
    "problem",
    "detail",
)
_TASK = (
    "call.code", "state", "subject", "description", "due_at", "written_at", "written_about", "problem", "detail",
)  # fmt: skip


def _names(agent: Agent) -> list[str]:
    return [name for name in {agent.email, agent.upn} if name]


def _any(column: str, names: Iterable[str]) -> Q:
    found = Q(pk=None)
    for name in names:
        found |= Q(**{f"{column}__iexact": name})
    return found


def _sign_ins(agent: Agent) -> QuerySet[SignInAttempt]:
    theirs = Q(agent=agent) | Q(signed_in=agent) | _any("account", _names(agent))
    return SignInAttempt.objects.filter(theirs, instance__tenant=agent.tenant)


def _changes(agent: Agent) -> QuerySet[AuditEntry]:
    """What was changed about them, and what they did. Second claims are kept without a customer."""
    rows = AuditEntry.objects.filter(Q(tenant=agent.tenant) | Q(tenant=None))
    return rows.filter(Q(target__contains=str(agent.code)) | _any("actor", _names(agent)))


# ── erasing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def erase(found: Trail, *, by: User | str, also_unwritten: bool = False) -> dict[str, int]:
    """Name, addresses, login, tokens and sessions go at once, also in open windows; calls keep "an agent". Raises Unwritten.

    What they wrote into the CRM stays there. The record of changes stays, without the name. Their account in the portal,
    if they have one as the customer's admin, is another identity and stays.
    """
    agent = Agent.objects.select_for_update(no_key=True, of=("self",)).select_related("tenant").get(
        pk__in=found.rows("agent").values("pk")
    )  # fmt: skip
    found.check_written(also_unwritten=also_unwritten)
    counts = found.counts
    with translation.override(agent.tenant.language):
        pseudonym = _("Agent %(letters)s") % {"letters": secrets.token_hex(2).upper()}
    for key in ("revisions", "drafts", "lookups", "choices", "openings", "sessions", "tickets", "sign_ins", "mail"):
        found.rows(key).order_by().delete()
    _erase_texts(agent)
    _erase_names(agent, pseudonym)
    _become_nobody(agent, pseudonym)
    audit(tenant=agent.tenant, by=by, act="personal_data.erased", target=f"agent {agent.code}", after={**counts})
    Outbox.objects.filter(agent=agent).delete()
    outbox.tell([agent.pk], outbox.REVOKED)
    return counts


def _erase_texts(agent: Agent) -> None:
    """What was written stays as a fact of the call; the rest was given up by who confirmed it."""
    unwritten.notes().filter(author=agent).delete()
    unwritten.tasks().filter(author=agent).delete()
    Note.objects.filter(author=agent).update(text=b"", aside=b"", detail=b"", written_by="")
    FollowUp.objects.filter(author=agent).update(subject=b"", description=b"", detail=b"")
    Leg.objects.filter(agent=agent).update(line="")
    if agent.systemuser_id:
        rows = CrmWrite.objects.filter(tenant=agent.tenant, owner_id=agent.systemuser_id)
        rows.update(owner_id=None, owner_kind="", owner_why="")


def _erase_names(agent: Agent, pseudonym: str) -> None:
    """Where who did something is told by name. An admin of that address keeps what they did as an admin."""
    names = _names(agent)
    if not User.objects.filter(_any("email", names) | _any("username", names)).exists():
        _changes(agent).filter(_any("actor", names)).update(actor=pseudonym)
        CheckRun.objects.filter(_any("by", names), instance__tenant=agent.tenant).update(by=pseudonym)
        Instance.objects.filter(_any("proven_by", names), tenant=agent.tenant).update(proven_by=pseudonym)
    of_agent = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Agent), object_id=str(agent.pk))
    of_agent.update(object_repr=pseudonym, change_message="")


def _become_nobody(agent: Agent, pseudonym: str) -> None:
    gone: dict[str, Any] = dict.fromkeys(("upn", "login", "line", "language", "refused_with"), "")
    gone |= dict.fromkeys(("directory_id", "object_id", "systemuser_id", "signed_in_at", "refused_at"))
    gone |= dict.fromkeys(("first_card_at", "first_note_at", "last_call_at"))
    Agent.objects.filter(pk=agent.pk).update(
        **{**SIGNED_OUT, **gone},
        name=pseudonym,
        email=f"{agent.code.hex}@erased.invalid",
        quiet=Agent.Quiet.ON_RING,
        window=False,
        session_epoch=F("session_epoch") + 1,
        erased_at=timezone.now(),
    )


def tidy() -> None:
    """Rows of erased agents, once no call refers to them any more."""
    gone = Agent.everybody.filter(erased_at__isnull=False)
    gone.filter(legs=None, notes=None, follow_ups=None, private_calls=None).delete()
