"""The demo lays its own environment: free ports, own keys, own database, whatever the shell holds."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipexportal import demo_environment
from tenants.keys import parse_keys


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(demo_environment, "ROOT", tmp_path)
    before = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_production_database_and_keys_in_the_shell_are_not_touched(environment: Path) -> None:
    os.environ |= {"DATABASE_URL": "postgres://production/portal", "FIELD_KEYS": "p:x", "PORTAL_URL": "https://portal"}
    port = free_port()
    demo_environment.prepare(["--port", str(port)])
    assert os.environ["DATABASE_URL"] == f"sqlite:///{environment}/var/demo/{port}/portal.sqlite3"
    assert os.environ["PORTAL_URL"] == f"http://127.0.0.1:{port}"
    assert parse_keys(os.environ["FIELD_KEYS"], name="FIELD_KEYS").keys() == {"demo1"}
    assert os.environ["FIELD_KEYS"] != os.environ["INDEX_KEYS"]


def test_the_keys_stay_readable_for_their_owner_only_and_the_data_begins_anew(environment: Path) -> None:
    port = free_port()
    demo_environment.prepare(["--port", str(port)])
    folder = environment / "var" / "demo" / str(port)
    (folder / "portal.sqlite3").touch()
    (folder / "portal.sqlite3-wal").touch()
    kept = os.environ["SECRET_KEY"]
    demo_environment.prepare(["--port", str(port)])
    assert os.environ["SECRET_KEY"] == kept == json.loads((folder / "keys.json").read_text())["SECRET_KEY"]
    assert [path.name for path in folder.iterdir()] == ["keys.json"]
    assert (folder / "keys.json").stat().st_mode & 0o077 == 0


def test_a_taken_port_gives_the_next_one_and_says_so(
    environment: Path, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_environment.prepare(["--port", str(taken)])
    used = int(os.environ["PORTAL_URL"].rpartition(":")[2])
    assert used > taken
    assert capsys.readouterr().err.splitlines()[0] == f"Port {taken} is taken, so {used} is used."


def test_portal_and_stand_in_never_share_a_port(environment: Path) -> None:
    demo_environment.prepare(["--port", "8010"])
    assert os.environ["PORTAL_URL"].rpartition(":")[2] != os.environ["ENTRA_AUTHORITY"].rpartition(":")[2]


def test_a_check_leaves_nothing_behind_in_the_clone(environment: Path) -> None:
    demo_environment.prepare(["--check", "--port", str(free_port())])
    folder = Path(os.environ["DEMO_FOLDER"])
    assert not (environment / "var").exists()
    demo_environment.forget(folder)
    assert not folder.exists()


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        demo_environment.parser().parse_args([f"--port={text}"])
    assert f"a port is a number from 1 to 65535, not “{text}”" in capsys.readouterr().err
