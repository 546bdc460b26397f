"""Ivana at her desk: signed in with her second factor, in English."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def office(ivana: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(ivana)
    return client
