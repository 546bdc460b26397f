"""Why a follow-up task is not in the CRM yet, in words for its author."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crmwindow.models import FollowUp, LeftOut


def sentence_of(row: FollowUp) -> str:
    """What happened and who acts, in the active language; "" without a problem."""
    if not row.problem:
        return _left_out(row)
    if row.problem == "missing_privilege":
        right = row.detail or "?"
        return _("Your role in the CRM lacks a right for this (%(right)s). A CRM admin can add it.") % {"right": right}
    sentences = {
        "sign_in": _("The task is waiting for you to sign in to Microsoft."),
        "throttled": _("The CRM is busy. The task is saved and goes out by itself."),
        "unavailable": _("Microsoft is not responding. The task is saved and goes out by itself."),
        "drift": _("The CRM's tables were changed. The task is saved and goes out once that is settled."),
        "error": _("Something went wrong on our side. The task is saved and goes out by itself."),
        "not_a_member": _("Your account has no access to this CRM. Your admin can add it."),
        "too_long": _("The CRM takes shorter texts only. Shorten the task."),
        "gone": _("The record the task belongs to is no longer in the CRM. Choose another one for the call."),
        "refused": _("The CRM refused the task. Your admin can find out why."),
    }
    return sentences.get(row.problem, "")


def _left_out(row: FollowUp) -> str:
    """Why it was written without the record it is about."""
    sentences = {
        LeftOut.HIDDEN: _(
            "The task is in the CRM without a record, because you may not see or link the one that was chosen. "
            "Ask your CRM admin."
        ),
        LeftOut.GONE: _("The task is in the CRM without a record, because the one that was chosen is no longer there."),
    }
    return sentences.get(LeftOut(row.left_out), "") if row.left_out else ""
