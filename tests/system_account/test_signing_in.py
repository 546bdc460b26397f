"""The system account signs in with certificates: over HTTP, at an Entra that checks signature, name, audience and time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from ipexportal.sandbox import Sandbox, directory
from tenants import connections, credentials, entra, key_pairs
from tenants.dataverse.budget import Budget
from tenants.entra import EntraMisconfigured
from tenants.key_pairs import KeyPair
from tenants.models import AuditEntry, SystemAccount, SystemCertificate
from tests.system_account.conftest import certificate_of, pem_of

pytestmark = pytest.mark.django_db
InAzure = Callable[[str], None]


def signed_in(account: SystemAccount) -> str:
    """Who Dataverse says it is, with a token asked for just now."""
    fresh = SystemAccount.objects.select_related("instance__tenant").get(pk=account.pk)
    entra.token_for(fresh, budget=Budget(5), force=True)
    return str(connections.client_for(fresh).whoami(budget=Budget(5)).user_id)


def tried(account: SystemAccount) -> list[tuple[str, bool, str]]:
    """Kind, whether it ever worked, and the last refusal; the newest first."""
    fresh = SystemAccount.objects.get(pk=account.pk)
    return [
        ("certificate" if each.certificate else each.name, each.worked_at is not None, each.refused_with)
        for each in credentials.of(fresh)
    ]


def test_a_certificate_made_here_signs_in_once_azure_knows_it(
    bare: SystemAccount, pair: KeyPair, in_azure: InAzure
) -> None:
    row = credentials.add_certificate(bare, pair, by="alice", made_here=True)
    with pytest.raises(EntraMisconfigured) as refused:
        signed_in(bare)
    assert refused.value.code == "AADSTS700027"
    in_azure(row.public_part)
    assert signed_in(bare) == directory.SYSTEM.systemuser_id
    assert tried(bare) == [("certificate", True, "")]


def test_a_certificate_of_ones_own(bare: SystemAccount, key: rsa.RSAPrivateKey, in_azure: InAzure) -> None:
    pair = key_pairs.read(pem_of(key, certificate_of(key)))
    in_azure(credentials.add_certificate(bare, pair, by="alice").public_part)
    assert signed_in(bare) == directory.SYSTEM.systemuser_id


def test_a_new_one_beside_the_old_one_leaves_no_gap(system: SystemAccount, pair: KeyPair, in_azure: InAzure) -> None:
    """The secret works on until Azure knows the certificate; from then on that is used."""
    row = credentials.add_certificate(system, pair, by="alice", made_here=True)
    assert signed_in(system) == directory.SYSTEM.systemuser_id
    assert tried(system) == [("certificate", False, "AADSTS700027"), ("client_secret", True, "")]
    in_azure(row.public_part)
    assert signed_in(system) == directory.SYSTEM.systemuser_id
    assert tried(system) == [("certificate", True, ""), ("client_secret", True, "")]
    found = credentials.of(SystemAccount.objects.get())
    used = credentials.last_used(found)
    assert used is not None
    assert used.certificate == row
    credentials.remove_secret(system, "client_secret", by="alice")
    assert signed_in(system) == directory.SYSTEM.systemuser_id


def test_a_second_secret_takes_over_and_the_old_one_is_removed(system: SystemAccount) -> None:
    system.client_secret, system.second_client_secret = directory.EXPIRED_CLIENT_SECRET, directory.SYSTEM_CLIENT_SECRET
    system.second_secret_expires_on = timezone.localdate() + timedelta(days=700)
    system.save()
    assert signed_in(system) == directory.SYSTEM.systemuser_id
    assert tried(system) == [("second_client_secret", True, ""), ("client_secret", False, "")]
    credentials.remove_secret(system, "client_secret", by="alice")
    moved = SystemAccount.objects.get()
    assert (moved.client_secret, moved.second_client_secret) == (directory.SYSTEM_CLIENT_SECRET, "")
    assert (moved.secret_expires_on, moved.second_secret_expires_on) == (system.second_secret_expires_on, None)
    assert signed_in(system) == directory.SYSTEM.systemuser_id


def test_of_several_refused_the_newest_is_told(system: SystemAccount, pair: KeyPair) -> None:
    system.client_secret = directory.EXPIRED_CLIENT_SECRET
    system.save()
    credentials.add_certificate(system, pair, by="alice")
    with pytest.raises(EntraMisconfigured) as refused:
        signed_in(system)
    assert refused.value.code == "AADSTS700027"
    assert tried(system) == [("certificate", False, "AADSTS700027"), ("client_secret", False, "AADSTS7000222")]


def test_an_outage_says_nothing_about_a_credential(
    bare: SystemAccount, pair: KeyPair, microsoft: Sandbox, in_azure: InAzure
) -> None:
    in_azure(credentials.add_certificate(bare, pair, by="alice").public_part)
    microsoft.control.microsoft("down")
    with pytest.raises(entra.Unavailable):
        signed_in(bare)
    assert tried(bare) == [("certificate", False, "")]


def test_an_expired_certificate_is_refused_by_azure(
    bare: SystemAccount, key: rsa.RSAPrivateKey, in_azure: InAzure
) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        pair = key_pairs.read(pem_of(key, certificate_of(key, until=10)))
        in_azure(credentials.add_certificate(bare, pair, by="alice").public_part)
    with pytest.raises(EntraMisconfigured) as refused:
        signed_in(bare)
    assert refused.value.code == "AADSTS700027"


def test_the_key_is_sealed_and_in_no_trace(bare: SystemAccount, pair: KeyPair) -> None:
    row = credentials.add_certificate(bare, pair, by="alice")
    body = "".join(pair.private_key.splitlines()[1:3])
    assert body not in str(SystemCertificate.objects.values().get())
    assert SystemCertificate.objects.get().private_key == pair.private_key
    credentials.remove_certificate(row, by="alice")
    traces = AuditEntry.objects.order_by("pk")
    assert [entry.act for entry in traces] == ["system_account.certificate_added", "system_account.certificate_removed"]
    assert traces[0].after == {
        "thumbprint": pair.thumbprint, "subject": "IPEX IVR acme", "expires_on": pair.expires_on.isoformat(),
    }  # fmt: skip
    assert body not in str(list(traces.values()))


def test_the_same_certificate_twice_is_one_and_there_are_at_most_four(bare: SystemAccount) -> None:
    pairs = [key_pairs.make("IVR") for _ in range(4)]
    for pair in [*pairs, pairs[0]]:
        credentials.add_certificate(bare, pair, by="alice")
    with pytest.raises(credentials.TooMany):
        credentials.add_certificate(bare, key_pairs.make("IVR"), by="alice")
    assert SystemCertificate.objects.count() == 4
