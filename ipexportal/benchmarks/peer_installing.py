"""The peers' packages, as their lock files say, in a folder of their own beside the project's environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

SOURCES = Path(settings.BASE_DIR) / "tests" / "foreign"
HOME = Path(settings.BASE_DIR) / ".tools" / "peers"
WAIT = 600


def installed() -> dict[str, list[str]]:
    """Names with the commands that start them. Raises CommandError, in one sentence, when one cannot be installed."""
    return {"dynamics_web_api": _by_npm(), "powerplatform_dataverse_client": _by_pip()}


def _by_npm() -> list[str]:
    folder = _folder("package-lock.json")
    for name in ("package.json", "package-lock.json", "peer.mjs"):
        shutil.copy(SOURCES / name, folder)
    npm = ["npm", "ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
    _once(folder, "dynamics-web-api", "Node with npm, and npm's registry", npm)
    return ["node", str(folder / "peer.mjs")]


def _by_pip() -> list[str]:
    folder = _folder("peer.lock")
    python = folder / "bin" / "python"
    lock, uv = str(SOURCES / "peer.lock"), _uv()
    if uv:
        make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)]
        fill = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), lock]
    else:
        make = [sys.executable, "-m", "venv", "--clear", str(folder)]
        fill = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
    _once(folder, "PowerPlatform-Dataverse-Client", "a package index", make, fill)
    return [str(python), str(SOURCES / "peer.py")]


def _folder(lock: str) -> Path:
    """Another lock file has another folder."""
    folder = HOME / hashlib.sha256((SOURCES / lock).read_bytes()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _once(folder: Path, name: str, needs: str, *commands: list[str]) -> None:
    done = folder / "installed"
    if done.exists():
        return
    for command in commands:
        try:
            subprocess.run(command, check=True, timeout=WAIT, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            raise CommandError(f"{name} could not be installed: that needs {needs}.") from None
    done.touch()


def _uv() -> str | None:
    """The one on the PATH, else the one bootstrap.py made."""
    tools = Path(settings.BASE_DIR) / ".tools"
    return shutil.which("uv", path=os.pathsep.join([os.environ.get("PATH", ""), f"{tools}/bin", str(tools)]))
