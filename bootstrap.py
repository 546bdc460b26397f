#!/usr/bin/env python3
"""Sets this project up and runs it. Needs nothing but a Python 3.8 or newer.

    python3 bootstrap.py demo [--port N] [--check]    the product with a stand-in for Microsoft and for the telephone
    python3 bootstrap.py test [pytest arguments]      the test suite

Everything it makes stays in .venv and .tools beside this file. It finds uv or installs a pinned one, finds a Python 3.12
or newer or lets uv fetch one, installs requirements.lock with its hashes, and runs the job.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
UV_VERSION = "0.13.9"
WANTED = (3, 12)
SUITS = "import ssl, sqlite3, sys; sys.exit(sys.version_info < {0})".format(WANTED)
JOBS = {"demo": ["manage.py", "demo"], "test": ["-m", "pytest", "-n", "auto"]}
NO_UV = (
    "uv {0} could not be installed. It needs pip and a package index that can be reached. "
    "Install uv yourself (it only has to be on the PATH) and run this again."
).format(UV_VERSION)
NO_PYTHON = (
    "This project needs Python 3.12 or newer. None was found here and fetching one was refused. "
    "Install Python 3.13 and run this again."
)
NO_PACKAGES = "The packages named in requirements.lock could not be installed; the lines above say why."


class Stop(Exception):
    """What the reader has to know or do, in one sentence or two."""


def main(arguments):
    if not arguments or arguments[0] not in JOBS:
        print(__doc__.strip())
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    try:
        python = environment()
    except Stop as stop:
        print("bootstrap: {0}".format(stop), file=sys.stderr)
        return 1
    return run(python, [*JOBS[arguments[0]], *arguments[1:]])


def environment():
    """The Python of an environment that holds exactly what requirements.lock names."""
    python = executable(ROOT / ".venv", "python")
    stamp = ROOT / ".venv" / "requirements.stamp"
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    if suits(python) and stamp.is_file() and stamp.read_text() == digest:
        return python
    uv = find_uv()
    if not suits(python):
        make_venv(uv)
    say("Installing packages")
    install = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), "requirements.lock"]
    if subprocess.call(install, cwd=str(ROOT), env=uv_environment()):
        raise Stop(NO_PACKAGES)
    stamp.write_text(digest)
    return python


def make_venv(uv):
    found = find_python()
    if found is None:
        say("No Python 3.12 or newer found here; letting uv fetch one")
    command = [uv, "venv", "--quiet", "--clear", "--python", found or "3.13", str(ROOT / ".venv")]
    if subprocess.call(command, cwd=str(ROOT), env=uv_environment()):
        raise Stop(NO_PACKAGES if found else NO_PYTHON)


def find_python():
    """The first Python that suits: this one, the PATH's, pyenv's. None when there is none."""
    return next((candidate for candidate in pythons() if suits(candidate)), None)


def pythons():
    yield sys.executable
    for minor in (13, 14, 12):
        yield shutil.which("python3.{0}".format(minor)) or ""
    for versions in pyenv_versions():
        for minor in (13, 14, 12):
            for home in sorted(versions.glob("3.{0}.*".format(minor)), reverse=True):
                yield str(home / "bin" / "python3")


def pyenv_versions():
    if os.environ.get("PYENV_ROOT"):
        yield Path(os.environ["PYENV_ROOT"]) / "versions"
    try:
        import pwd

        yield Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv" / "versions"
    except (ImportError, KeyError):  # Windows; an account without an entry
        yield Path.home() / ".pyenv" / "versions"


def suits(python):
    """Does this interpreter run, is it new enough, and was it built with TLS and SQLite?"""
    return bool(python) and works([str(python), "-c", SUITS])


def find_uv():
    for place in (shutil.which("uv"), executable(ROOT / ".tools", "uv"), ROOT / ".tools" / "bin" / "uv"):
        if place and works([str(place), "--version"]):
            return str(place)
    return install_uv()


def install_uv():
    """A pinned uv in .tools, by a virtual environment or, where Python came without one, by pip alone."""
    say("Installing uv {0} into .tools".format(UV_VERSION))
    tools, package = ROOT / ".tools", "uv=={0}".format(UV_VERSION)
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    for python in filter(None, (sys.executable, find_python())):
        if works([python, "-m", "venv", "--clear", str(tools)]):
            subprocess.call([str(executable(tools, "python")), *pip, package])
        else:
            subprocess.call([python, *pip, "--upgrade", "--target", str(tools), package])
        for place in (executable(tools, "uv"), tools / "bin" / "uv"):
            if works([str(place), "--version"]):
                return str(place)
    raise Stop(NO_UV)


def uv_environment():
    """uv trusts the machine's certificates where nothing else is set; packages come only for our own environment."""
    surroundings = dict(os.environ)
    surroundings.pop("VIRTUAL_ENV", None)
    if not surroundings.get("SSL_CERT_FILE"):
        surroundings["UV_SYSTEM_CERTS"] = "1"
    return surroundings


def executable(environment, name):
    return environment / "Scripts" / (name + ".exe") if os.name == "nt" else environment / "bin" / name


def works(command):
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def run(python, arguments):
    """Becomes the job, so that Ctrl+C and the exit code are the job's own."""
    os.chdir(str(ROOT))
    keep_bytecode()
    command = [str(python), *arguments]
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command)
    return os.execv(command[0], command)


def keep_bytecode():
    """In .venv where nothing may be written beside sources; without any, each process compiles for ten seconds."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".venv" / "pycache"))


def say(sentence):
    print("bootstrap: {0}".format(sentence), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
