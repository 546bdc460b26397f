"""Settings of the suite. pytest-django sets Django up before conftest runs, so the environment is laid here."""

import base64
import os
import tempfile

KEY = base64.b64encode(b"k" * 32).decode()
os.environ.update(
    {
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "FIELD_KEYS": f"t1:{KEY}",
        "INDEX_KEYS": f"i1:{base64.b64encode(b'i' * 32).decode()}",
        "PORTAL_URL": "http://127.0.0.1:8000",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
        "ALLOW_LOOPBACK_MICROSOFT": "on",
        "ENTRA_CLIENT_ID": "11111111-aaaa-4bbb-8ccc-000000000001",
        "ENTRA_CLIENT_SECRET": "sandbox-ipex-secret",
        "HUEY_IMMEDIATE": "on",
        "SERVE_STATIC_FROM_SOURCE": "on",
        "LOG_LEVEL": "CRITICAL",
    }
)
from ipexportal.settings import *  # noqa: E402, F403

KNOWN_FOR_SECONDS = 0  # what a test changes holds at once
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if not ON_POSTGRESQL:  # noqa: F405  (a file, as in the demo: threads meet its real locks)
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(tempfile.gettempdir(), f"ipex-test-{os.getpid()}.sqlite3")}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"  # noqa: F405

WHITENOISE_AUTOREFRESH = True  # look at static files when asked for one, not whenever a test makes a client
