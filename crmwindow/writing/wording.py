"""Why something is not in the CRM, and who has to act, in words: of notes and of what the system account writes."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _

from crmwindow.models import CrmWrite
from crmwindow.writing import values
from tenants.dataverse import errors


def of_write(write: CrmWrite) -> str:
    """In the active language; never a value, a name or a number."""
    if write.state == CrmWrite.State.NO_ACCOUNT:
        return sentence("no_account")
    if not write.problem:
        return _("It is on its way.")
    detail = json.loads(write.detail) if write.detail else {}
    if write.problem == "values":
        return " ".join(values.sentence(each) for each in detail)
    return sentence(write.problem, detail if isinstance(detail, dict) else {})


def of_error(error: errors.DataverseError) -> str:
    """Of a trial, where nothing was to be written."""
    from crmwindow.writing.delivery import problem_and_detail

    return sentence(*problem_and_detail(error))


def sentence(problem: str, detail: dict[str, Any] | None = None) -> str:
    told = {"privilege": "?", "name": "?", "table": "?", "code": "", **(detail or {})}
    if problem == "refused" and told["code"]:
        text = _("The CRM refused the row (%(code)s). A rule or plug-in of yours may be the reason.")
    else:
        text = _sentences().get(problem, _("Something went wrong on our side. It will be tried again."))
    return text % told


def _sentences() -> dict[str, str]:
    return {
        "no_account": _("Not logged: no system account. Once one is set up, it is written by itself."),
        "not_proven": _("It waits until it is confirmed whose CRM this is."),
        "account": _("Microsoft does not accept the system account. Its secret may be wrong or out of date."),
        "sign_in": _("The CRM does not accept the system account's sign-in."),
        "throttled": _("The CRM is busy. It goes out by itself."),
        "unavailable": _("Microsoft is not responding. It goes out by itself."),
        "not_a_member": _("The system account has no active user with a role in the CRM."),
        "missing_privilege": _("The system account's role lacks a right (%(privilege)s). A CRM admin can add it."),
        "no_function": _("The IVR function was removed before this was written."),
        "no_call": _("The call is no longer kept."),
        "no_table": _("The CRM has no table of this name: %(table)s."),
        "drift": _("The CRM does not know a name that the function uses: %(name)s."),
        "duplicate": _("The CRM has a record with the same key already and refuses a second one."),
        "too_long": _("A text is longer than the CRM allows for this column: %(name)s."),
        "gone": _("A record that belongs to it was deleted in the CRM."),
        "refused": _("The CRM refused the row. A rule or plug-in of yours may be the reason."),
    }
