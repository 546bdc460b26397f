"""What an admin of Azure does with an application: the page "Certificates & secrets" of the system account's registration.

Source: Microsoft, "Add and manage application credentials in Microsoft Entra ID" (.cer, .pem, .crt; thumbprint listed).
"""

from email import policy
from email.parser import BytesParser
from html import escape
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ipexportal.sandbox import pages
from ipexportal.sandbox.directory import ACME_TENANT
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.jwt import Certificate
from ipexportal.sandbox.registrations import Registration

PATH: Final = "/app-registrations"
_LARGEST: Final = 50_000


def answer(request: Request, registration: Registration, *, is_ours: bool) -> Response:
    """Show the application, or add the certificate that a form brought. `is_ours`: the form came from this page."""
    if request.method == "POST":
        if not is_ours:
            return _page(registration, 403, "The form came from another page.")
        try:
            registration.certificates.append(_uploaded(request))
        except ValueError as error:
            return _page(registration, 400, str(error))
        return Response(303, [("Location", PATH), ("Cache-Control", "no-store")])
    return _page(registration, 200, "")


def _uploaded(request: Request) -> Certificate:
    """Raises ValueError with one sentence."""
    kind = request.headers.get("content-type", "")
    message = BytesParser(policy=policy.HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
    parts = message.iter_parts() if message.is_multipart() else iter(())
    data = next((part.get_payload(decode=True) for part in parts if part.get_filename()), b"")
    if not isinstance(data, bytes) or not 0 < len(data) <= _LARGEST:
        raise ValueError("Choose a file with a certificate.")
    if b"PRIVATE KEY" in data:
        raise ValueError("The file holds a private key. Upload the public part only.")
    try:
        load = x509.load_pem_x509_certificate if b"-----BEGIN" in data else x509.load_der_x509_certificate
        return Certificate(load(data).public_bytes(Encoding.PEM).decode())
    except ValueError:
        raise ValueError(
            "Failed to add certificate: the file is no certificate (.cer, .pem, .crt) with an RSA key."
        ) from None


def _page(registration: Registration, status: int, trouble: str) -> Response:
    rows = "".join(
        f"<tr><td><code>{each.thumbprint}</code></td><td>{each.validity[0]:%d %b %Y}</td>"
        f"<td>{each.validity[1]:%d %b %Y}</td></tr>"
        for each in registration.certificates
    )
    none = '<tr><td colspan="3">No certificates have been added for this application.</td></tr>'
    body = (
        f"<h1>{escape(registration.name)} · Certificates &amp; secrets</h1>"
        f"<table><tr><th>Application (client) ID</th><td><code>{registration.client_id}</code></td></tr>"
        f"<tr><th>Directory (tenant) ID</th><td><code>{registration.tenant or ACME_TENANT}</code></td></tr></table>"
        "<h2>Certificates</h2><table><thead><tr><th>Thumbprint</th><th>Start date</th><th>Expires</th></tr></thead>"
        f"<tbody>{rows or none}</tbody></table>"
        f'<form method="post" enctype="multipart/form-data"><h2>Upload certificate</h2>'
        f"{f'<p class=bad>{escape(trouble)}</p>' if trouble else ''}"
        '<p><input type="file" name="certificate" aria-label="Certificate" accept=".cer,.pem,.crt" required></p>'
        '<button class="primary">Add</button></form>'
        f"<h2>Client secrets</h2><p>{len(registration.secrets)} valid, {len(registration.expired_secrets)} expired. "
        "Values are shown when the sandbox starts.</p>"
    )
    return pages.answer(status, "Certificates & secrets", body, language="en")
