"""Who may call the machine API, and how it says no."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Field, Schema
from ninja.security import HttpBearer

from tenants import access
from tenants.models import ApiKey


class Key(HttpBearer):
    """`Authorization: Bearer ipx_…` (a key or its token), or HTTP Basic with the key as password."""

    openapi_description = "A key `ipx_…` or its access token; HTTP Basic with the key as password is accepted, too."

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        return access.key_from(request, self.scope)

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        return access.open_with(token, self.scope)


class Problem(Schema):
    error: str = Field(description="One sentence: what is wrong and what to do.")


REFUSALS = {401: Problem, 403: Problem, 422: Problem, 429: Problem}
