"""`python3 bootstrap.py`, on machines where uv and Python are found, are missing, or are too old."""

import ast
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What uv would do, as far as bootstrap can tell: it makes a virtual environment and installs into it
UV = """#!/bin/sh
echo "uv $*" >> "{log}"
case "$1" in
  venv) {venv} mkdir -p .venv/bin && cp "{python}" .venv/bin/python ;;
  pip) exit {pip} ;;
esac
"""
PYTHON = """#!/bin/sh
case "$2" in
  import*) exit {too_old} ;;
esac
echo "python $*" >> "{log}"
echo "$PYTHONDONTWRITEBYTECODE $PYTHONPYCACHEPREFIX" >> "{log}.bytecode"
exit {exit}
"""


class Machine:
    """A clone of the project on a machine whose PATH holds only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.path, self.home = folder / "clone", folder / "bin", folder / "home"
        for made in (self.clone, self.path, self.home):
            made.mkdir()
        shutil.copy(ROOT / "bootstrap.py", self.clone)
        (self.clone / "requirements.lock").write_text("example==1.0 --hash=sha256:00\n")
        self.log = folder / "log"
        for tool in ("sh", "mkdir", "cp"):
            (self.path / tool).symlink_to(shutil.which(tool) or tool)

    def script(self, place: Path, text: str) -> Path:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755)
        return place

    def python(self, place: Path, *, too_old: int = 0, exit_code: int = 0) -> Path:
        return self.script(place, PYTHON.format(log=self.log, too_old=too_old, exit=exit_code))

    def uv(self, *, venv: str = "", pip: int = 0, tests_exit: int = 0) -> None:
        inside = self.python(self.home / "inside", exit_code=tests_exit)
        self.script(self.path / "uv", UV.format(log=self.log, python=inside, venv=venv, pip=pip))

    def bootstrap(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Runs with this Python, made to believe that it and its account's own Pythons are too old."""
        belief = "import sys, pwd, bootstrap; sys.executable = ''; pwd.getpwuid = lambda uid: pwd.struct_passwd"
        belief += f"(('x', 'x', uid, uid, '', {str(self.home)!r}, '')); sys.exit(bootstrap.main(sys.argv[1:]))"
        surroundings = {"PATH": str(self.path), "HOME": "/nowhere", "LANG": "C.UTF-8", **more}
        command = [sys.executable, "-c", belief, *arguments]
        return subprocess.run(command, cwd=self.clone, env=surroundings, capture_output=True, text=True, timeout=30)

    @property
    def done(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_run_installs_the_lock_with_hashes_and_runs_the_suite(machine: Machine) -> None:
    machine.uv()
    machine.python(machine.path / "python3.13")
    assert machine.bootstrap("test", "-k", "phone").returncode == 0
    assert machine.done[-3:] == [
        f"uv venv --quiet --clear --python {machine.path}/python3.13 {machine.clone}/.venv",
        f"uv pip sync --quiet --require-hashes --python {machine.clone}/.venv/bin/python requirements.lock",
        "python -m pytest -n auto -k phone",
    ]


def test_the_second_run_installs_nothing(machine: Machine) -> None:
    machine.uv()
    machine.python(machine.path / "python3.13")
    machine.bootstrap("test")
    machine.log.unlink()
    assert machine.bootstrap("demo", "--check").returncode == 0
    assert machine.done == ["python manage.py demo --check"]


def test_a_changed_lock_is_installed_into_the_environment_that_is_there(machine: Machine) -> None:
    machine.uv()
    machine.python(machine.path / "python3.13")
    machine.bootstrap("test")
    machine.log.unlink()
    (machine.clone / "requirements.lock").write_text("example==1.1 --hash=sha256:11\n")
    assert machine.bootstrap("test").returncode == 0
    assert [line.split(" --")[0] for line in machine.done] == [
        "uv",
        "uv pip sync",
        "python -m pytest -n auto",
    ]
    stamp = (machine.clone / ".venv" / "requirements.stamp").read_text()
    assert stamp == hashlib.sha256(b"example==1.1 --hash=sha256:11\n").hexdigest()


def test_the_suite_s_exit_code_is_handed_on(machine: Machine) -> None:
    machine.uv(tests_exit=3)
    machine.python(machine.path / "python3.13")
    assert machine.bootstrap("test").returncode == 3


def test_what_python_compiles_is_kept_in_the_environment_where_nothing_may_be_written_beside_it(
    machine: Machine,
) -> None:
    machine.uv()
    machine.python(machine.path / "python3.13")
    machine.bootstrap("test")
    machine.bootstrap("test", PYTHONDONTWRITEBYTECODE="1")
    machine.bootstrap("test", PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX="/elsewhere")
    said = Path(f"{machine.log}.bytecode").read_text().splitlines()
    assert [line.strip() for line in said] == ["", f"{machine.clone}/.venv/pycache", "/elsewhere"]


def test_a_python_of_pyenv_is_found_by_the_account_and_not_by_home(machine: Machine) -> None:
    machine.uv()
    ours = machine.python(machine.home / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3")
    machine.python(machine.home / ".pyenv" / "versions" / "3.11.7" / "bin" / "python3", too_old=1)
    machine.python(machine.path / "python3.13", too_old=1)  # pyenv's shim for a version that is not installed
    assert machine.bootstrap("test").returncode == 0
    assert f"uv venv --quiet --clear --python {ours} {machine.clone}/.venv" in machine.done


def test_without_any_python_uv_fetches_one(machine: Machine) -> None:
    machine.uv()
    answer = machine.bootstrap("test")
    assert answer.returncode == 0
    assert f"uv venv --quiet --clear --python 3.13 {machine.clone}/.venv" in machine.done


def test_without_any_python_and_offline_one_sentence_says_what_to_do(machine: Machine) -> None:
    machine.uv(venv="exit 2;")
    answer = machine.bootstrap("test")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == (
        "bootstrap: This project needs Python 3.12 or newer. None was found here and fetching one was refused. "
        "Install Python 3.13 and run this again."
    )


def test_without_uv_and_without_pip_one_sentence_says_what_to_do(machine: Machine) -> None:
    machine.python(machine.path / "python3.13", exit_code=1)
    answer = machine.bootstrap("test")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith("bootstrap: uv ")
    assert "Install uv yourself" in answer.stderr
    assert any(line.startswith("python -m pip install") and "--target" in line for line in machine.done)


def test_packages_that_cannot_be_installed_leave_no_stamp(machine: Machine) -> None:
    machine.uv(pip=1)
    machine.python(machine.path / "python3.13")
    answer = machine.bootstrap("demo")
    assert answer.returncode == 1
    assert "requirements.lock could not be installed" in answer.stderr
    assert not (machine.clone / ".venv" / "requirements.stamp").exists()


@pytest.mark.parametrize("arguments", [(), ("tests",)])
def test_a_word_it_does_not_know_shows_what_it_knows(machine: Machine, arguments: tuple[str, ...]) -> None:
    answer = machine.bootstrap(*arguments)
    assert answer.returncode == 2
    assert "bootstrap.py demo" in answer.stdout
    assert "bootstrap.py test" in answer.stdout


def test_it_is_written_for_python_3_8_and_imports_only_the_standard_library() -> None:
    tree = ast.parse((ROOT / "bootstrap.py").read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_the_lock_pins_every_package_with_hashes_and_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.findall(r"^[a-z0-9].*?(?:\\\n.*?)*$", lock, re.MULTILINE)
    assert len(packages) > 40
    assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []
    assert re.findall(r"https?:|--(?:extra-)?index-url|--find-links| @ ", lock) == []
