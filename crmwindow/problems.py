"""What stands in the way, as sentences: what happened, what we did about it, who must act. Never a code alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow.card import Problem
from crmwindow.search import problem_of
from tenants.dataverse.errors import DataverseError, NotFound, Unavailable
from tenants.refusals import Refusal


def reading(word: str) -> Problem:
    """Why the CRM could not be read, for a word of `search.problem_of`."""
    return _reading().get(word) or Problem(
        title=_("The CRM did not answer the search"),
        text=_("You can write the note, it is kept. Try again; if it happens again, tell your CRM admin."),
        act="retry",
        code=word,
    )


def some_tables(failures: dict[str, str]) -> Problem:
    """The others answered that they do not know the number. `failures`: label of a table → sentence."""
    return Problem(
        title=_("Not everything could be searched: %(tables)s.") % {"tables": ", ".join(failures)},
        text=" ".join(dict.fromkeys(failures.values())),
        act="retry",
    )


def of(error: DataverseError) -> Problem:
    return reading(problem_of(error))


def of_a_part(error: DataverseError) -> Problem:
    """Of one part of a card whose caller is known; signing in is offered above it already."""
    problem = of(error)
    return replace(problem, text="", code="") if problem.act == "retry" else replace(problem, act="")


def _reading() -> dict[str, Problem]:
    later = _("We do not know the name yet and keep looking. Write the note, it goes to the CRM later by itself.")
    down = Problem(title=_("Microsoft is not responding"), text=later, act="retry")
    return {
        "unavailable": down,
        "slow": down,
        "throttled": Problem(title=_("Microsoft asks us to wait"), text=later, act="retry"),
        "sign_in": Problem(
            title=_("Your sign-in to Microsoft has expired"),
            text=_("The note is saved and will be written after you sign in, once only."),
            act="sign-in",
        ),
        "not_a_member": Problem(
            title=_("The CRM does not know your account"),
            text=_("Your account has no active user with a role there. Your CRM admin can add it. The note is kept."),
        ),
        "refused": Problem(
            title=_("Your role may not read these records"),
            text=_("Your CRM admin can add the right to read. The note is kept."),
        ),
        "drift": Problem(
            title=_("The CRM's tables have changed"),
            text=_("Your admin should check which columns are searched. The note is kept."),
            act="retry",
        ),
        "heavy": Problem(
            title=_("The search was too much for the CRM"),
            text=_("IPEX has to look at it. The note is kept."),
            act="retry",
        ),
    }


def sign_in(refusal: Refusal) -> Problem:
    return Problem(title=refusal.title, text=refusal.text, tone="bad", code=refusal.code)


def too_early(at: datetime) -> Problem:
    time = timezone.localtime(at).strftime("%H:%M:%S").removeprefix("0")
    return Problem(
        title=_("Microsoft asks us to wait"),
        text=_("The notes go out by themselves at %(time)s. Trying sooner would only make the wait longer.")
        % {"time": time},
    )


def no_such_call() -> Problem:
    return Problem(
        title=_("This call is no longer here"), text=_("It was erased after the time your company keeps calls.")
    )


def unknown_ticket() -> Problem:
    return Problem(
        title=_("This link does not open a window"),
        text=_("It was never issued, or it is older than a day. Open the CRM window again from Communicator."),
    )


def no_ticket() -> Problem:
    return Problem(
        title=_("This address is not complete"),
        text=_(
            "The address of the CRM window ends with the code of your company's CRM. Your admin can send it to you."
        ),
    )


def not_proven() -> Problem:
    return Problem(
        title=_("This CRM has not been confirmed yet"),
        text=_(
            "One of its System Administrators or Customizers can confirm it by signing in here, or IPEX does. "
            "Until then nothing is read."
        ),
    )


def code_expired() -> Problem:
    return Problem(title=_("The code is no longer good"), text=_("Sign in again and you get a new one."), tone="bad")


def cookie_refused() -> Problem:
    return Problem(
        title=_("The browser keeps no cookie for this window here"),
        text=_(
            "Without it the window cannot stay signed in. Open it in a tab of its own, "
            "or allow the cookies of other sites in the browser for the page around it."
        ),
        tone="bad",
        act="tab",
    )


def wrong_code(tries_left: int) -> Problem:
    return Problem(
        title=_("The code does not match"),
        text=ngettext(
            "Type the digits from the window where you signed in. %(tries)d try is left.",
            "Type the digits from the window where you signed in. %(tries)d tries are left.",
            tries_left,
        )
        % {"tries": tries_left},
        tone="bad",
    )


def opening_failed() -> Problem:
    return Problem(
        title=_("The record was not created"),
        text=_("The CRM window says why. You can close this tab."),
    )


def opening_used() -> Problem:
    return Problem(
        title=_("This address has served its purpose"),
        text=_("It opened a new record once. You find the record in the CRM, or by its number in the CRM window."),
    )


def opening_late() -> Problem:
    return Problem(
        title=_("The CRM has not answered yet"),
        text=_("The CRM window shows whether the record was created, and opens it. You can close this tab."),
    )


def not_created(refusal: Exception) -> Problem:
    return Problem(title=_("The record was not created"), text=str(refusal), tone="bad")


def finding(error: DataverseError) -> Problem:
    """Of a search by name, or of a record found so. Signing in is offered above the card already."""
    if isinstance(error, NotFound):
        return Problem(title=_("The record is no longer in the CRM"), text=_("Look for another one."))
    problem = replace(of(error), act="")
    return (
        replace(problem, text=_("Try again in a while. The note is kept."))
        if isinstance(error, Unavailable)
        else problem
    )


def not_added(refusal: Exception) -> Problem:
    return Problem(title=_("The number was not added"), text=str(refusal), tone="bad")
