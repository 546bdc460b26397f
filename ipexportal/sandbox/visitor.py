"""A person at the stand-in's sign-in page, for scripts: chooses an account without a browser."""

from urllib.parse import parse_qsl, urlsplit

import requests


def pick(address: str, upn: str, **buttons: str) -> str:
    """Choose `upn` on the page at `address` (where the portal sent the browser), or press `cancel="1"`, `approve="1"`.

    Answers where Microsoft sends the browser then, "" when it shows a page of its own.
    """
    parts = urlsplit(address)
    form = {**dict(parse_qsl(parts.query)), "user": upn, **buttons}
    page = parts._replace(path=f"{parts.path}/pick", query="").geturl()
    return requests.post(page, data=form, allow_redirects=False, timeout=10).headers.get("Location", "")
