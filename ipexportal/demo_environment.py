"""What the demo's process needs around it. Imported by manage.py before settings are read, so: no Django here.

Everything is set, nothing taken over: a demo never touches a database or a key that the environment names.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from ipexportal.sandbox.directory import CLIENT_ID, CLIENT_SECRET

ROOT = Path(__file__).resolve().parent.parent
PORT, SANDBOX_PORT = 8000, 8010
TRIES = 100


def prepare(arguments: list[str]) -> None:
    """Choose ports and lay the environment. The command itself reads its options again."""
    options = parser().parse_known_args(arguments)[0]
    port = _free(options.port)
    sandbox_port = _free(SANDBOX_PORT, taken=port)
    folder = Path(tempfile.mkdtemp(prefix="ipex-demo-")) if options.check else _own_folder(port)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "ipexportal.settings",
        "DEMO": "on",
        "DEMO_FOLDER": str(folder),
        "DEBUG": "off",
        "PORTAL_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,.localhost",
        "ALLOW_LOOPBACK_MICROSOFT": "on",
        "ENTRA_AUTHORITY": f"http://127.0.0.1:{sandbox_port}",
        "ENTRA_CLIENT_ID": CLIENT_ID,
        "ENTRA_CLIENT_SECRET": CLIENT_SECRET,
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "HUEY_IMMEDIATE": "off",
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(folder / "e-mails"),
        "SERVE_STATIC_FROM_SOURCE": "on",
        "LOG_LEVEL": "ERROR",
        **_keys(folder / "keys.json"),
    }


def parser() -> argparse.ArgumentParser:
    known = argparse.ArgumentParser(add_help=False)
    known.add_argument("--port", type=port_number, default=PORT, help=f"port of the portal ({PORT})")
    known.add_argument("--check", action="store_true", help="prove that every part answers, stop, and exit 0")
    return known


def port_number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not “{text}”")
    return int(text)


def _free(wanted: int, *, taken: int = 0) -> int:
    """The wanted port, or the next one that nobody listens on, and a sentence that says so."""
    for port in range(wanted, min(wanted + TRIES, 65_536)):
        if port != taken and _is_free(port):
            if port != wanted:
                print(f"Port {wanted} is taken, so {port} is used.", file=sys.stderr)
            return port
    sys.exit(f"No port from {wanted} on is free. Name another one with --port.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _own_folder(port: int) -> Path:
    """Its keys stay; its data begins anew each time, for the stand-in forgets everything, too."""
    folder = ROOT / "var" / "demo" / str(port)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("portal.sqlite3*"):
        left.unlink()
    return folder


def forget(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _keys(place: Path) -> dict[str, str]:
    if not place.exists():
        keys = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "FIELD_KEYS": f"demo1:{base64.b64encode(os.urandom(32)).decode()}",
            "INDEX_KEYS": f"demo1:{base64.b64encode(os.urandom(32)).decode()}",
        }
        place.touch(mode=0o600)
        place.write_text(json.dumps(keys))
    kept: dict[str, str] = json.loads(place.read_text())
    return kept
