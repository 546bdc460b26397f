"""The window is light: everything its first paint needs, as the server sends it to a browser that takes gzip."""

import gzip
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
MOST = 45_000
WITH_WHAT_COMES_LATER = 55_000
NEEDS = {
    "": r'<(?:link|script|use)[^>]*?(?:href|src)="([^"#]+)',
    ".css": r"""url\(["']?((?!data:)[^"')]+)""",
}


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
    body, encoding = answer.getvalue(), answer.headers.get("Content-Encoding", "")
    return len(body), encoding, (gzip.decompress(body) if encoding == "gzip" else body).decode()


@pytest.fixture
def page(as_in_production, jana_window: Window, jana, ring) -> str:
    ring(jana, "777123456")
    return f"/window/{jana_window.code}/"


def weights(client: Client, page: str, wanted: set[str]) -> dict[str, int]:
    """Bytes on the wire of `wanted` and of all that these need in turn."""
    found: dict[str, int] = {}
    while wanted:
        address = urljoin(page, wanted.pop())
        if urlsplit(address).path in found or not address.startswith("/"):
            continue
        found[urlsplit(address).path], encoding, text = sent(client, address)
        assert encoding == "gzip" or len(text) < 500, address
        wanted |= {urljoin(address, each) for each in re.findall(NEEDS.get(Path(address).suffix, "$^"), text)}
    return found


def test_the_first_paint_of_a_ringing_window_is_under_45_kb(page: str, jana_window: Window) -> None:
    found = weights(jana_window, page, {page})
    assert {"htmx-2", "embedded", "window"} <= {Path(each).name.split(".")[0] for each in found}
    assert sum(found.values()) < MOST, found


def test_with_all_that_comes_later_it_is_still_under_55_kb(page: str, jana_window: Window) -> None:
    later = re.findall(r' data-later(?:-style)?="([^"]+)"', sent(jana_window, page)[2])
    addresses = {each for addresses in later for each in addresses.split()}
    assert {Path(each).name.split(".")[0] for each in addresses} >= {"finding", "day", "follow_up"}
    found = weights(jana_window, page, {page, *addresses})
    assert sum(found.values()) < WITH_WHAT_COMES_LATER, found


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
