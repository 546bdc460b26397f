"""Connections: one pooled session per process, and reading that ends in time however slowly bytes come.

requests' own time-out starts anew with every byte received. Here the read time-out given for a request is a deadline
for its whole answer, status line, headers and body, and the connect time-out covers all addresses of a host together.
Only the look-up of the host name is the operating system's and has its own time-out (resolv.conf).
"""

import http.client
import io
import os
import re
import socket
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

POOL_SIZE = 32
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})  # a stand-in on this machine, where those who call allow one
_TARGET = "X-Target"  # only between adapter and connection, never sent
_UNSENDABLE = re.compile(r"[^\x21-\x7e]")


class _DeadlineReader(socket.SocketIO):
    """Reads from a socket until the time-out it had when this reader was made has passed in all."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, "r")
        timeout = sock.gettimeout()
        self._socket = sock
        self._ends = None if timeout is None else monotonic() + timeout

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        if self._ends is not None:
            left = self._ends - monotonic()
            if left <= 0:
                raise TimeoutError("the answer did not end in time")
            self._socket.settimeout(left)
        return super().readinto(buffer)


class _Response(http.client.HTTPResponse):
    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp.close()
        sock._io_refs += 1  # type: ignore[attr-defined]  # as socket.makefile() does; SocketIO.close() takes it back
        self.fp = io.BufferedReader(_DeadlineReader(sock))


class _DeadlineConnect(HTTPConnection):
    response_class = _Response

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        kept = {name: value for name, value in (headers or {}).items() if name != _TARGET}
        super().request(method, (headers or {}).get(_TARGET, url), body, kept, **options)

    def _new_conn(self) -> socket.socket:
        ends = monotonic() + self.timeout if isinstance(self.timeout, int | float) else None
        try:
            hosts = [info[4][0] for info in socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)]
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        addresses = [address for address in dict.fromkeys(str(host) for host in hosts) if self._may_be_asked(address)]
        if not addresses:
            raise NewConnectionError(self, "the host has no public address")
        return self._first_of(addresses, ends)

    def _may_be_asked(self, address: str) -> bool:
        """Microsoft has public addresses; a name that leads into our own network is somebody's trick."""
        return self._dns_host in LOOPBACK or ip_address(address).is_global

    def _first_of(self, hosts: list[str], ends: float | None) -> socket.socket:
        """Each address gets its share of the time, so that a dead one leaves some for the next."""
        failure: OSError = OSError("the host has no address")
        for waiting, host in zip(range(len(hosts), 0, -1), hosts, strict=True):
            timeout = None if ends is None else max(0.001, (ends - monotonic()) / waiting)
            try:
                return create_connection((host, self.port), timeout, socket_options=self.socket_options)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from failure
        raise NewConnectionError(self, "no connection") from failure


class _DeadlineConnectTLS(_DeadlineConnect, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _DeadlineConnect


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _DeadlineConnectTLS


class DeadlineAdapter(HTTPAdapter):
    """A pooled adapter whose read time-out is a deadline for the whole answer."""

    def __init__(self) -> None:
        super().__init__(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0)

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """What urllib3 sees and writes into its log: the path. The whole target, encoded already, takes a way around it.

        urllib3 would encode it once more, character by character: 20 ms for the filters of one look-up.
        """
        target = request.path_url
        if _UNSENDABLE.search(target):
            return target
        request.headers[_TARGET] = target
        return target.partition("?")[0]

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


def new_session(*, ca_file: str | None = None) -> requests.Session:
    """A session that keeps no cookies, reads no proxies and no .netrc, and trusts `ca_file` (a file or a directory).

    Without one it trusts REQUESTS_CA_BUNDLE or SSL_CERT_FILE if the environment names them (with trust_env off requests
    ignores both), else certifi's list. ValueError when the named file is missing.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", DeadlineAdapter())
    session.mount("http://", DeadlineAdapter())
    bundle = ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    if bundle and not os.path.exists(bundle):
        raise ValueError(f"The certificate file {bundle} does not exist.")
    session.verify = bundle or True
    return session


@cache
def shared_session() -> requests.Session:
    """The one session of this process; a forked child makes its own."""
    return new_session()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=shared_session.cache_clear)
