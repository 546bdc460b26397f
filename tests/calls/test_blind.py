"""A number's blind column: findable, not readable, and nobody else's."""

from typing import Any

from crmwindow.blind import blind, blinds
from tenants.models import Tenant


def test_equal_numbers_are_equal_within_one_customer_only(acme: Tenant, beta: Tenant) -> None:
    assert blind(acme, "+420777123456") == blind(acme, "+420777123456")
    assert blind(acme, "+420777123456") != blind(beta, "+420777123456")
    assert blind(acme, "+420777123456") != blind(acme, "+420777123457")


def test_while_keys_are_exchanged_both_are_searched_and_the_first_writes(acme: Tenant, settings: Any) -> None:
    old = blind(acme, "+420777123456")
    settings.INDEX_KEYS = {"i2": b"n" * 32, **settings.INDEX_KEYS}

    assert blind(acme, "+420777123456").startswith("i2:")
    assert blinds(acme, "+420777123456") == [blind(acme, "+420777123456"), old]
    assert len(old) == len("i1:") + 32
