"""Alice on the tab "IVR": certificates made here or brought, their public part for Azure, and the old one away."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from ipexportal.sandbox import directory
from tenants import configuration, credentials, key_pairs
from tenants.key_pairs import KeyPair
from tenants.models import CheckRun, Instance, SystemAccount, SystemCertificate, Tenant
from tests.system_account.conftest import PASSWORD, certificate_of, certificates, check, pem_of, pfx_of, text_of

pytestmark = pytest.mark.django_db
At = Callable[..., str]


def typed(acme: Tenant, **values: Any) -> dict[str, Any]:
    stamp = configuration.stamp(acme, "system_account")
    return {"client_id": directory.SYSTEM_CLIENT_ID, "proof": "make", "seen": stamp} | values


def test_alice_makes_a_certificate_and_takes_its_public_part_to_azure(
    portal: Client, at: At, acme: Tenant, in_azure: Callable[[str], None], django_capture_on_commit_callbacks: Any
) -> None:
    answer = portal.post(at("ivr_save"), typed(acme), follow=True)
    assert "The certificate is made. Download its public part and upload it in Azure" in text_of(answer)
    (row,) = certificates()
    assert row.made_here
    file = portal.get(at("ivr_certificate", row.code))
    assert file.headers["Content-Disposition"].endswith('.cer"')
    assert x509.load_der_x509_certificate(file.content) == x509.load_pem_x509_certificate(row.public_part.encode())
    in_azure(row.public_part)
    with django_capture_on_commit_callbacks(execute=True):
        portal.post(at("checks_run"), {"next": at("ivr")})
    assert CheckRun.objects.latest("pk").through == "system"
    page = portal.get(at("ivr"))
    days = (row.expires_on - timezone.localdate()).days  # two years of UTC; here it may be tomorrow already
    assert f"Certificate IPEX IVR acme Used now Valid for {days} more days" in text_of(page)
    assert "Worked last" in text_of(page)
    assert "PRIVATE KEY" not in page.content.decode()


def test_sending_the_form_twice_makes_one(portal: Client, at: At, acme: Tenant) -> None:
    form = typed(acme, certificate_code="0d9bc0de-0000-4000-8000-000000000001")
    for _click in range(2):
        assert portal.post(at("ivr_save"), form).status_code == 302
    assert [str(row.code) for row in certificates()] == ["0d9bc0de-0000-4000-8000-000000000001"]


def test_a_code_of_another_customers_certificate_makes_a_new_one(
    portal: Client, at: At, acme: Tenant, beta: Tenant, pair: KeyPair
) -> None:
    betas = SystemAccount.objects.create(instance=beta.instance, client_id=acme.code)
    theirs = credentials.add_certificate(betas, pair, by="otto")
    portal.post(at("ivr_save"), typed(acme, certificate_code=str(theirs.code)))
    mine = SystemCertificate.objects.get(account__instance__tenant=acme)
    assert mine.code != theirs.code


@pytest.mark.parametrize("how", ["pfx", "pem", "pasted"])
def test_alice_brings_her_own(portal: Client, at: At, acme: Tenant, key: rsa.RSAPrivateKey, how: str) -> None:
    pfx, pem = pfx_of(key, certificate_of(key)), pem_of(key, certificate_of(key))
    given: dict[str, Any] = {
        "pfx": {"certificate_file": SimpleUploadedFile("ivr.pfx", pfx), "certificate_password": PASSWORD},
        "pem": {"certificate_file": SimpleUploadedFile("ivr.pem", pem)},
        "pasted": {"certificate_text": pem.decode()},
    }[how]
    told = portal.post(at("ivr_save"), typed(acme, proof="own", **given), follow=True)
    assert "The certificate is stored." in text_of(told)
    (row,) = certificates()
    assert (row.subject, row.made_here) == ("IVR Acme", False)
    assert "BEGIN" not in told.content.decode().replace('placeholder="-----BEGIN CERTIFICATE-----"', "")


def test_a_refused_file_stores_nothing_and_keeps_what_was_typed(
    portal: Client, at: At, acme: Tenant, key: rsa.RSAPrivateKey
) -> None:
    file = SimpleUploadedFile("ivr.pfx", pfx_of(key, certificate_of(key)))
    answer = portal.post(at("ivr_save"), typed(acme, proof="own", certificate_file=file, certificate_password="hush"))
    assert answer.status_code == 422
    assert "The password does not open this file." in text_of(answer)
    assert 'name="proof" value="own" id="id_proof_own" checked' in answer.content.decode()
    assert directory.SYSTEM_CLIENT_ID in answer.content.decode()
    assert "hush" not in answer.content.decode()
    assert not SystemAccount.objects.exists()
    large = SimpleUploadedFile("ivr.pfx", b"x" * 60_000)
    assert "This is too large" in text_of(portal.post(at("ivr_save"), typed(acme, proof="own", certificate_file=large)))
    wrong = portal.post(at("ivr_save"), typed(acme, client_id="nonsense"))
    assert wrong.status_code == 422
    assert not SystemCertificate.objects.exists()


def test_the_old_secret_is_removed_once_the_certificate_works(
    portal: Client, at: At, system: SystemAccount, pair: KeyPair, in_azure: Callable[[str], None]
) -> None:
    row = credentials.add_certificate(system, pair, by="alice")
    assert "Remove the old one" not in text_of(portal.get(at("ivr")))
    in_azure(row.public_part)
    check(system.instance)
    assert "Remove the old one" in text_of(portal.get(at("ivr")))
    told = portal.post(at("ivr_secret_remove", "first"), follow=True)
    assert "The secret is removed here. Delete it in Azure as well." in text_of(told)
    assert SystemAccount.objects.get().client_secret == ""
    told = portal.post(at("ivr_certificate_remove", row.code), follow=True)
    assert "Remove it in Azure as well." in text_of(told)
    assert not SystemCertificate.objects.exists()
    assert portal.post(at("ivr_secret_remove", "third")).status_code == 404


def test_otto_finds_nothing_of_acmes(
    ottos_portal: Client, at: At, beta: Tenant, system: SystemAccount, pair: KeyPair
) -> None:
    row = credentials.add_certificate(system, pair, by="alice")
    assert ottos_portal.get(at("ivr_certificate", row.code)).status_code == 404
    betas = f"/portal/{beta.code}/ivr/certificates/{row.code}"
    assert ottos_portal.get(f"{betas}/public/").status_code == 404
    assert ottos_portal.post(f"{betas}/remove/").status_code == 404
    assert ottos_portal.post(at("ivr_secret_remove", "first")).status_code == 404
    assert SystemCertificate.objects.count() == 1


def test_a_subject_is_shown_as_text(portal: Client, at: At, acme: Tenant, key: rsa.RSAPrivateKey) -> None:
    pem = pem_of(key, certificate_of(key, name="<script>alert(1)</script>"))
    portal.post(at("ivr_save"), typed(acme, proof="own", certificate_text=pem.decode()))
    page = portal.get(at("ivr")).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_asks_the_database_as_often_for_three_certificates_as_for_one(
    portal: Client, at: At, bare: SystemAccount, pair: KeyPair, django_assert_num_queries: Any
) -> None:
    credentials.add_certificate(bare, pair, by="alice")
    portal.get(at("ivr"))
    with django_assert_num_queries(10):
        portal.get(at("ivr"))
    for _more in range(2):
        credentials.add_certificate(bare, key_pairs.make("IVR"), by="alice")
    with django_assert_num_queries(10):
        portal.get(at("ivr"))


def test_the_check_list_says_where_to_click(portal: Client, acme: Tenant, instance: Instance) -> None:
    step = portal.get(f"/portal/{acme.code}/?step=system_account")
    assert "Classic Advanced Settings" in text_of(step)
    assert "Power Platform admin centre" in text_of(step)
