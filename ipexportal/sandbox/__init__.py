"""A stand-in for Microsoft over real HTTP: Entra ID and Dataverse v9.2, for the demo and the tests.

It imports neither Django nor the product. `start()` runs it in a thread; `manage.py sandbox` in the foreground.
"""

import shutil
import socket
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ipexportal.sandbox import server, tls
from ipexportal.sandbox.control import Control
from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.directory import (
    ACME_TENANT,
    APP_ID,
    CLIENT_ID,
    CLIENT_SECRET,
    SYSTEM_CLIENT_ID,
    SYSTEM_CLIENT_SECRET,
    employ,
)
from ipexportal.sandbox.server import Seen

__all__ = ["Sandbox", "start"]


class Sandbox:
    """A running sandbox; as a context manager it stops at the end.

    `origin` is `http://127.0.0.1:PORT`, `tls_origin` and `ca_file` the same over https or "" when there is no TLS port.
    """

    directory_id: Final = ACME_TENANT
    app_id: Final = APP_ID
    client_id: Final = CLIENT_ID
    client_secret: Final = CLIENT_SECRET
    system_client_id: Final = SYSTEM_CLIENT_ID
    system_client_secret: Final = SYSTEM_CLIENT_SECRET

    def __init__(
        self, *, port: int, tls_port: int | None, latency_ms: float, records: int, seed: int, agents: int
    ) -> None:
        employ(agents)
        plain = server.listen(port)
        secure = None
        self.tls_origin, self.ca_file = "", ""
        self._remove_folder: Callable[[], object] = lambda: None
        if tls_port is not None:
            folder = tempfile.mkdtemp(prefix="sandbox-")
            self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            certificates = tls.make(Path(folder))
            secure = (_second(plain, tls_port), certificates)
            self.tls_origin = f"https://127.0.0.1:{secure[0].getsockname()[1]}"
            self.ca_file = str(certificates.ca_file)
        self.port: int = plain.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self._application = server.Application(Dataverse(records=records, seed=seed), latency=latency_ms / 1000)
        self._application.hosts.update(_hosts(self.origin, self.tls_origin))
        self._server = server.Server(self._application, plain, secure)
        self._server.start()

    @property
    def authority(self) -> str:
        """Where Entra is: the same origin."""
        return self.origin

    @property
    def control(self) -> Control:
        """The switches."""
        return self._application.control

    @property
    def dataverse(self) -> Dataverse:
        """The organization's records and rights."""
        return self._application.dataverse

    @property
    def redirect_uris(self) -> set[str]:
        """Redirect URIs accepted besides those on loopback."""
        return self._application.entra.redirect_uris

    @property
    def requests(self) -> Sequence[Seen]:
        """What Entra and Dataverse were asked, oldest first (the last 50,000)."""
        return list(self._application.requests)

    def stop(self) -> None:
        """Stop the server, close its ports and remove its certificate; a second time does nothing."""
        self._server.stop()
        self._remove_folder()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def _second(first: socket.socket, port: int) -> socket.socket:
    try:
        return server.listen(port)
    except OSError:
        first.close()
        raise


def _hosts(*origins: str) -> set[str]:
    ports = [origin.rpartition(":")[2] for origin in origins if origin]
    return {f"{name}:{port}" for name in ("127.0.0.1", "localhost") for port in ports}


def start(
    *,
    port: int = 0,
    tls_port: int | None = None,
    latency_ms: float = 0,
    records: int = 300,
    seed: int = 1,
    agents: int = 0,
) -> Sandbox:
    """Start a sandbox in a thread and return once it answers; port 0 takes any free port.

    `agents` more salespeople work there: `agent001@acme.example` and so on.

    Raises OSError when a port is taken.
    """
    return Sandbox(port=port, tls_port=tls_port, latency_ms=latency_ms, records=records, seed=seed, agents=agents)
