"""What every benchmark needs around it. Imported by manage.py before settings are read, so: no Django here."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from tempfile import TemporaryDirectory

from ipexportal import standalone
from ipexportal.throwaway import postgresql

DURABLE = {"load"}  # how fast the disk is belongs to what these measure


def prepare() -> None:
    """Fill in what the environment lacks; without a PostgreSQL, start one and run the same command again under it."""
    standalone.fill_in()
    os.environ |= {
        "DEBUG": "off",
        "ALLOW_LOOPBACK_MICROSOFT": "on",
        "PORTAL_URL": "http://127.0.0.1:8000",
        "ENTRA_CLIENT_ID": "11111111-aaaa-4bbb-8ccc-000000000001",
        "ENTRA_CLIENT_SECRET": "sandbox-ipex-secret",
        "SERVE_STATIC_FROM_SOURCE": "on",
        "LOG_LEVEL": "ERROR",
        "LIMITS": "api_call=1000000/10,ticket=1000000/10,window_sign_in=1000000/10,sign_in=1000000/10",
    }
    if "sqlite" in sys.argv:
        folder = TemporaryDirectory(prefix="benchmark-")
        atexit.register(folder.cleanup)
        os.environ["DATABASE_URL"] = f"sqlite:///{folder.name}/portal.sqlite3"
    elif not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        with postgresql(durable=bool(DURABLE.intersection(sys.argv))) as url:
            os.environ["DATABASE_URL"] = url
            sys.exit(subprocess.run([sys.executable, *sys.argv], check=False).returncode)
