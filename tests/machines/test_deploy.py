"""The files of `deploy/` as they are: units started, nginx in front of them, streams through it, everything over HTTP/2."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import requests

from ipexportal import settings as production
from ipexportal.sandbox import tls
from tenants import api_keys
from tenants.models import Agent, ApiKey
from tests.machines.browser import Stream, until
from tests.machines.conftest import SECRETS, database_url
from tests.machines.units import ROOT, UNITS, Site, answers, free_port, site

NGINX = ROOT / "deploy" / "nginx" / "ipex-portal.conf"
EXAMPLE = ROOT / "deploy" / "environment.example"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))


# -- what can be read off the files ------------------------------------------------------------------------------------


def test_systemd_reads_every_unit(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/ipex-portal", str(ROOT)))
    for name in SERVICES:
        unit = tmp_path / name.replace("@.", "@8001.")
        if unit.name != name:
            shutil.copy(tmp_path / name, unit)
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
        assert (said.returncode, [line for line in said.stderr.splitlines() if unit.name in line]) == (0, [])


@pytest.mark.parametrize("name", [name for name in SERVICES if "alarm" not in name])
def test_a_unit_gives_its_process_little_to_do_harm_with(name: str) -> None:
    text = (UNITS / name).read_text()
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "User=ipex-portal"} - set(text.splitlines()) == set()
    judge = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(UNITS / name)]
    said = subprocess.run(judge, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout.splitlines()[-1]


def test_the_environment_example_names_real_settings_and_holds_no_secret() -> None:
    known = set(re.findall(r'env\.\w+\("(\w+)"', Path(production.__file__).read_text()))
    given = re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    assert {name for name, _value in given} - known == set()
    secret = ("SECRET", "KEY", "PASSWORD", "TOKEN", "URL")
    assert [name for name, value in given if value and any(part in name for part in secret)] == ["PORTAL_URL"]


def test_the_proxy_does_not_say_headers_that_the_portal_says() -> None:
    assert re.findall(r"^\s*add_header\s+(\S+)", NGINX.read_text(), re.MULTILINE) == []


# -- started -----------------------------------------------------------------------------------------------------------


def from_example(**filled: str) -> dict[str, str]:
    """The example with its gaps filled, read as systemd reads it."""
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)) | filled
    assert [name for name in ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEYS", "DATABASE_URL") if not given[name]] == []
    return given


class Deployed:
    """nginx on a free port before two web and two stream processes."""

    def __init__(self, running: Site, folder: Path, certificates: Any, port: int) -> None:
        self.running, self.url, self.ca = running, f"https://localhost:{port}", str(certificates.ca_file)
        webs, streams = ([running.serve(kind) for _ in range(2)] for kind in ("web", "stream"))
        self.webs, self.streams = [unit for unit, _at in webs], [unit for unit, _at in streams]
        self.addresses = [address for _unit, address in (*webs, *streams)]
        self.config = _nginx(folder, certificates, port, [at.rpartition(":")[2] for at in self.addresses])
        for address in self.addresses:
            answers(address)


def _nginx(folder: Path, certificates: Any, port: int, ports: list[str]) -> Path:
    """The example with this machine's ports, names and files put in, inside the least of an nginx.conf."""
    text = NGINX.read_text()
    for installed, here in zip(("8001", "8002", "8011", "8012"), ports, strict=True):
        text = text.replace(f"127.0.0.1:{installed}", f"127.0.0.1:{here}")
    text = re.sub(r"listen \[::\]:.*\n", "", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};").replace(
        "listen 443", f"listen 127.0.0.1:{port}"
    )
    text = text.replace("portal.example.com$", f"localhost:{port}$").replace("portal.example.com", "localhost")
    text = re.sub(r"/etc/ssl/ipex-portal/fullchain.pem", str(certificates.certificate_file), text)
    text = re.sub(r"/etc/ssl/ipex-portal/privkey.pem", str(certificates.key_file), text)
    text = text.replace("/var/log/nginx", str(folder))
    assert "example.com" not in text
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    events = "events { worker_connections 1024; }\n"
    config.write_text(f"pid {folder}/nginx.pid;\ndaemon off;\n{events}http {{\n{temporary}{text}\n}}\n")
    return config


@pytest.fixture(scope="module")
def deployed(where_machines_live: None, tmp_path_factory: Any) -> Iterator[Deployed]:
    folder: Path = tmp_path_factory.mktemp("deployed")
    certificates, port = tls.make(folder), free_port()
    given = {name: os.environ[name] for name in SECRETS}
    addresses = {"PORTAL_URL": f"https://localhost:{port}", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
    environment = from_example(**given, **addresses, DATABASE_URL=database_url())
    with site(environment, folder) as running:
        running.oneshot("migrate")
        here = Deployed(running, folder, certificates, port)
        with (folder / "nginx-own.log").open("ab") as log:
            subprocess.run(["nginx", "-t", "-c", str(here.config)], check=True, stdout=log, stderr=log)
            nginx = subprocess.Popen(["nginx", "-c", str(here.config)], stdout=log, stderr=log)
        try:
            answers(here.url, verify=here.ca)
            yield here
        finally:
            nginx.terminate()
            nginx.wait(timeout=10)


def curl(deployed: Deployed, path: str, *options: str) -> str:
    command = [
        "curl",
        "--silent",
        "--show-error",
        "--cacert",
        deployed.ca,
        "--max-time",
        "20",
        *options,
        deployed.url + path,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_pages_come_over_http_2_compressed_with_each_header_once(deployed: Deployed) -> None:
    said = curl(deployed, "/accounts/login/", "--http2", "--compressed", "--include", "--location")
    last, _gap, page = said[said.rindex("HTTP/2 ") :].partition("\n\n")
    assert last.startswith("HTTP/2 200")
    names = [line.partition(":")[0].lower() for line in last.splitlines()[1:] if ":" in line]
    for name in ("strict-transport-security", "content-security-policy", "x-content-type-options", "referrer-policy"):
        assert names.count(name) == 1, name
    assert "content-encoding" in names
    assert "<form" in page


def test_static_files_come_from_the_migration_unit_with_their_digests(deployed: Deployed) -> None:
    [style] = re.findall(
        r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', curl(deployed, "/accounts/login/", "--location")
    )[:1]
    head = curl(deployed, style, "--http2", "--head", "--header", "Accept-Encoding: gzip")
    assert "immutable" in head
    assert "content-encoding: gzip" in head


def test_the_portal_knows_the_callers_address_and_that_it_came_by_https(deployed: Deployed) -> None:
    assert curl(deployed, "/healthz", "--header", "X-Forwarded-Proto: http") == "ok"
    head = curl(deployed, "/accounts/login/", "--head", "--header", "X-Forwarded-Proto: http", "--location")
    assert head.startswith("HTTP/2 200"), "a stranger's header would have led to a redirect for ever"
    assert curl(deployed, "/metrics", "--write-out", "%{http_code}", "--output", "/dev/null") == "404"


def test_a_body_that_is_too_large_is_refused_by_the_proxy(deployed: Deployed, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 3_000_000)
    said = curl(
        deployed,
        "/api/v1/events",
        "--data-binary",
        f"@{tmp_path}/large",
        "--write-out",
        "%{http_code}",
        "--output",
        "/dev/null",
    )
    assert said == "413"


@pytest.mark.django_db(transaction=True)
def test_a_stream_through_the_proxy_is_not_buffered_and_survives_the_end_of_its_process(
    deployed: Deployed, jana: Agent
) -> None:
    acme = jana.tenant
    keys = {scope: api_keys.create(acme, scope, "ivana") for scope in (ApiKey.Scope.EVENTS, ApiKey.Scope.WINDOW)}

    def post(path: str, scope: str, body: dict[str, str]) -> requests.Response:
        headers = {"Authorization": f"Bearer {keys[scope]}"}  # type: ignore[index]  # a scope is a str
        return requests.post(deployed.url + path, json=body, headers=headers, verify=deployed.ca, timeout=20)

    ticket = post("/api/v1/window-tickets", ApiKey.Scope.WINDOW, {"login": jana.login}).json()["url"]
    assert ticket.startswith(deployed.url)
    came = requests.get(ticket, verify=deployed.ca, allow_redirects=False, timeout=20)
    stream = Stream(
        [deployed.url],
        f"/window/events?instance={acme.instance.code}",
        came.cookies["__Host-ipex-window"],
        verify=deployed.ca,
    )
    try:
        until(lambda: stream.at)
        heard = len(stream.heard)
        began = monotonic()
        ringing = {"EventName": "Ringing", "From": "777123456", "Login": jana.login, "UniqueId": "31.1"}
        assert post("/api/v1/events", ApiKey.Scope.EVENTS, ringing).status_code == 202
        until(lambda: len(stream.heard) > heard)
        assert stream.heard[heard][0] - began < 10, "a buffered one would wait for the next 4 kB, which is minutes"

        before = stream.connected
        deployed.streams[0].stop()
        heard = len(stream.heard)
        ringing["UniqueId"] = "31.2"
        assert post("/api/v1/events", ApiKey.Scope.EVENTS, ringing).status_code == 202
        until(lambda: len(stream.heard) > heard)
        deployed.webs[0].stop()
        assert post("/api/v1/events", ApiKey.Scope.EVENTS, ringing).status_code == 202, "the other one serves"
        assert stream.connected >= before
    finally:
        stream.close()
        for unit in (*deployed.streams[:1], *deployed.webs[:1]):
            unit.start()


def test_the_proxys_log_has_no_query(deployed: Deployed) -> None:
    curl(deployed, "/accounts/login/?number=777123456")
    logs = list(deployed.config.parent.glob("ipex-portal*.log"))
    assert logs
    assert [path.name for path in logs if "777123456" in path.read_text()] == []
