"""`manage.py sandbox` in the foreground."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from ipexportal.sandbox import Sandbox

MANAGE = Path(__file__).parents[2] / "manage.py"


def test_it_says_where_it_is_and_ends_with_ctrl_c() -> None:
    process = subprocess.Popen(
        [sys.executable, MANAGE, "sandbox", "--port", "0", "--tls-port", "0", "--records", "5", "--latency-ms", "1"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        assert process.stdout
        lines = []
        while not lines or lines[-1] != "Stop with Ctrl+C.\n":
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        said = "".join(lines)
        origin = re.search(r"Switches +(http://127\.0\.0\.1:\d+)/", said)
        ca_file = re.search(r"CA file +(\S+)", said)
        assert origin
        assert ca_file
        assert requests.get(f"{origin[1]}/_sandbox/state").json()["latency_ms"] == 1.0
        assert Path(ca_file[1]).is_file()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "Stopped.\n"
        assert process.wait(timeout=10) == 0
    assert "jana@acme.example" in said
    assert not Path(ca_file[1]).exists()


def test_a_taken_port_is_one_sentence(microsoft: Sandbox) -> None:
    port = microsoft.origin.rpartition(":")[2]

    with pytest.raises(CommandError, match=r"^The sandbox cannot listen on its port: Address already in use\.$"):
        call_command("sandbox", "--port", port)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "70000"], "argument --port: a port is a number from 0 to 65535, not “70000”"),
        (["--port", "http"], "argument --port: a port is a number from 0 to 65535, not “http”"),
        (["--records", "-1"], "argument --records: this is a whole number that is not negative, not “-1”"),
    ],
)
def test_a_number_that_makes_no_sense(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=re.escape(sentence)):
        call_command("sandbox", *arguments)
