"""The window is light: everything its first paint needs, as the server sends it to a browser that takes gzip."""

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import django_htmx
import pytest
from django.core.management import call_command
from django.test import Client

from tests.window.conftest import Window

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db
MOST = 50_000


@pytest.fixture
def as_in_production(settings, tmp_path):
    """Static files collected, hashed and compressed; only what the window could need, for the test's own speed."""
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = False
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [ROOT / "static", Path(django_htmx.__file__).parent / "static"]
    storage = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": storage}
    call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=["admin.css"])


def sent(client: Client, address: str) -> tuple[int, str, str]:
    """(bytes on the wire without headers, encoding, text)."""
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, address
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    encoding = answer.headers.get("Content-Encoding", "")
    plain = client.get(address, headers={"Accept-Encoding": "identity"}) if encoding else None
    text = b"".join(plain.streaming_content) if plain else body
    return len(body), encoding, text.decode()


def test_the_first_paint_of_a_ringing_window_is_under_50_kb(as_in_production, jana_window: Window, jana, ring) -> None:
    ring(jana, "777123456")
    page = f"/window/{jana_window.code}/"
    size, _encoding, html = sent(jana_window, page)
    weights = {page: size}
    wanted = {urljoin(page, each) for each in re.findall(r'<(?:link|script|use)[^>]*?(?:href|src)="([^"#]+)', html)}
    while wanted:
        address = wanted.pop()
        if urlsplit(address).path in weights or not address.startswith("/static/"):
            continue
        weights[urlsplit(address).path], encoding, text = sent(jana_window, address)
        assert encoding == "gzip" or len(text) < 500, address
        if address.endswith(".css"):
            wanted |= {
                urljoin(address, each)
                for each in re.findall(r'url\(["\']?([^"\')]+)', text)
                if not each.startswith("data:")
            }
    assert {"htmx-2", "embedded", "window"} <= {Path(each).name.split(".")[0] for each in weights}
    assert sum(weights.values()) < MOST, weights


def test_the_script_for_the_page_around_it_is_under_5_kb_and_says_its_version() -> None:
    script = (ROOT / "static" / "js" / "host.js").read_text(encoding="utf-8")
    assert len(script.encode()) < 5000
    assert "const VERSION = 1;" in script
    assert "import " not in script
    described = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    ours = (ROOT / "static" / "js" / "embedded.js").read_text(encoding="utf-8")
    messages = set(re.findall(r'"(ipex\.\w+)"', script))
    assert messages == set(re.findall(r'"(ipex\.\w+)"', ours))
    assert [each for each in messages if f"`{each}`" not in described] == []
