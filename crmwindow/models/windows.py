"""Sessions of windows, what opens them and what they should hear of."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from crmwindow.models.calls import Call
from tenants.models import Agent, Coded, Instance


class WindowSession(Coded):
    """One window's session: its cookie's digest and, once known, whose window it is. Dies when `epoch` is outdated."""

    digest = models.CharField(max_length=64, unique=True)
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.CASCADE, related_name="window_sessions")
    epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()


class WindowTicket(models.Model):
    """Asked for by the contact centre: opens one window, once, within a minute. Kept 24 h for what comes after."""

    digest = models.CharField(max_length=64, unique=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Opening(Coded):
    """The tab a click opened, waiting for the record that the same click creates. Single use."""

    digest = models.CharField(max_length=64, unique=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE)
    call = models.ForeignKey(Call, on_delete=models.CASCADE)
    table = models.CharField(max_length=128)
    record_id = models.UUIDField()  # ours, chosen before the request, so that a double click makes one record
    created = models.BooleanField(default=False)
    problem = models.CharField(max_length=60, blank=True)
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()


class Outbox(models.Model):
    """What a window should hear of. Only ids; the window asks for the state itself."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)  # "state", "note.<page>", "found.<call>", "revoked"
    at = models.DateTimeField(db_default=Now())  # the one clock that all processes share
