"""The demo's authenticator app: a page with the code that its admin needs now. Only the demo has it."""

from __future__ import annotations

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from allauth.mfa.utils import decrypt
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

PERIOD = 30  # seconds that a code is valid for


def give_to(user: User) -> None:
    auth.TOTP.activate(user, auth.generate_totp_secret())


@require_GET
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """Reloads itself when the code changes."""
    apps = Authenticator.objects.filter(type=Authenticator.Type.TOTP).select_related("user").order_by("pk")
    now = int(time.time())
    codes = [(app.user.email, _code(app, now)) for app in apps]
    response = render(request, "simulator/authenticator.html", {"codes": codes})
    response.headers["Refresh"] = str(PERIOD - now % PERIOD)
    return response


def _code(app: Authenticator, now: int) -> str:
    code = auth.format_hotp_value(auth.hotp_value(decrypt(app.data["secret"]), now // PERIOD))
    return f"{code[:3]} {code[3:]}"
