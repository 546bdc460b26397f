"""What a check finds. Only codes, counts and names of tables, columns, rights and roles: texts are made when shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tenants.dataverse import errors
from tenants.dataverse.errors import DataverseError
from tenants.entra import EntraMisconfigured
from tenants.models import CheckResult

State = CheckResult.State
Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """`why` is a short word under which wording.py has the sentence."""

    state: State
    why: str
    evidence: Evidence = field(default_factory=dict)


def passed(**evidence: Any) -> Found:
    return Found(State.PASSED, "passed", evidence)


def warning(why: str, **evidence: Any) -> Found:
    return Found(State.WARNING, why, evidence)


def failed(why: str, **evidence: Any) -> Found:
    return Found(State.FAILED, why, evidence)


def not_verified(why: str, **evidence: Any) -> Found:
    return Found(State.NOT_VERIFIED, why, evidence)


def from_error(error: Exception) -> Found:
    """A check that could not look: that says nothing about what it looks at."""
    for kind, why in _WHY.items():
        if isinstance(error, kind):
            return Found(State.NOT_VERIFIED, why, evidence_of(error))
    return not_verified("broken")


_WHY: dict[type[Exception], str] = {
    errors.Throttled: "busy",
    errors.Unavailable: "unreachable",
    EntraMisconfigured: "sign_in",
    errors.SignInRequired: "sign_in",
    errors.NotAMember: "not_a_member",
    errors.MissingPrivilege: "may_not_look",
    DataverseError: "unexpected",
}


def evidence_of(error: Exception) -> dict[str, Any]:
    if not isinstance(error, DataverseError):
        return {}
    said: dict[str, Any] = {"status": error.status, "code": error.code}
    if isinstance(error, errors.MissingPrivilege):
        said["right"] = error.privilege
    return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Result:
    """One check's result. `subject` is the logical name of a table where the check is about one, else ""."""

    key: str
    subject: str
    required: bool
    state: State
    why: str
    evidence: Evidence = field(default_factory=dict)
