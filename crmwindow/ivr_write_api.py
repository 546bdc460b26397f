"""`POST ivr/write` of the machine API: taken in durably at once, written to the CRM when that answers."""

from __future__ import annotations

import math
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status
from pydantic import ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr, field_validator

from crmwindow import writing
from crmwindow.exchange import MalformedEvent
from crmwindow.ivr import functions
from crmwindow.machine_keys import REFUSALS, Key, Problem
from crmwindow.models import IvrFunction
from tenants.models import ApiKey

MAX_BYTES = 64 * 1024
MAX_VALUES = 200
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_NAME = re.compile(r"[-a-zA-Z0-9_]{1,60}")


class WriteRequest(Schema):
    """What the voice menu asked and heard."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "function": "complaint",
                "unique_id": "1412256225.1941",
                "number": "777123456",
                "values": {"topic": "delivery", "urgent": True, "order": "2026-1187"},
            }
        },
    )

    function: str = Field(description="Name of a function of the kind “write”.")
    unique_id: str = Field(min_length=1, max_length=128, description="UniqueId of the call.")
    number: str = Field(
        "", max_length=200, description="The caller's number as the exchange has it; empty if withheld."
    )
    values: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat | None] = Field(
        default_factory=dict,
        max_length=MAX_VALUES,
        description="Variables of the menu by the names the function knows.",
    )

    @field_validator("values")
    @classmethod
    def are_numbers(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name[:60]} is not a number JSON knows.")
            if isinstance(value, int) and abs(value) >= 2**63:
                raise ValueError(f"{name[:60]} is too large a number. Send it as a text.")
        return values


class Taken(Schema):
    """It will be in the CRM under this GUID."""

    id: str


router = Router(tags=["ivr"])


@router.post(
    "write",
    response={202: Taken, 404: Problem, 409: Problem, 413: Problem, 429: Problem, **REFUSALS},
    auth=Key(ApiKey.Scope.IVR),
    summary="Write what the caller told the voice menu into the CRM",
    openapi_extra={
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Of one write, unique per customer. Sent again with the same body it gives the same id; with "
                "another body it is refused (409). Without it, an equal body within a minute counts as the same write.",
                "schema": {"type": "string", "maxLength": 255},
            }
        ]
    },
)
def write(request: HttpRequest, response: HttpResponse, body: WriteRequest) -> Status[Any]:
    """Answers at once, whatever the CRM does. What it later refuses waits in the list of what was not logged."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # Ninja sets it
    repeat = request.headers.get("Idempotency-Key", "").strip()
    if len(request.body) > MAX_BYTES:
        return Status(413, {"error": _("A request has at most 64 kB.")})
    if repeat and not _KEY.fullmatch(repeat):
        return Status(422, {"error": _("Idempotency-Key has at most 255 visible ASCII characters.")})
    try:
        name = body.function if _NAME.fullmatch(body.function) else ""
        function = functions.named(key.tenant, name, IvrFunction.Kind.WRITE)
        return _accepted(function, body, repeat, response)
    except functions.NoSuchFunction as error:
        return Status(404, {"error": str(error)})
    except functions.WrongKind as error:
        return Status(422, {"error": str(error)})


def _accepted(function: IvrFunction, body: WriteRequest, repeat: str, response: HttpResponse) -> Status[Any]:
    try:
        row = writing.accept(
            function=function, number=body.number, unique_id=body.unique_id, values=body.values, key=repeat
        )
    except MalformedEvent as error:
        return Status(422, {"error": str(error)})
    except writing.UnknownValues as error:
        return Status(422, {"error": writing.unknown_values(error.names)})
    except writing.OtherBody:
        return Status(409, {"error": _("This Idempotency-Key was used for another write.")})
    except writing.OverCap as error:
        response["Retry-After"] = str(error.seconds)
        return Status(429, {"error": _("The function has taken all it may take today.")})
    return Status(202, {"id": str(row.code)})
