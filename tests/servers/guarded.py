"""A server whose default user has a password, on a port and on a Unix socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gearframe.client import Client, connect
from tests.servers.catalog import ALWAYS
from tests.servers.fixtures import require
from tests.servers.patience import PATIENCE
from tests.servers.server import Server

PASSWORD = "s3cret/@:é"
QUICK = {"retries": 0, "connect_timeout": PATIENCE, "read_timeout": PATIENCE}


class GuardedServer:
    """A running server and the one way in."""

    host = "127.0.0.1"

    def __init__(self, server: Server) -> None:
        self.name = server.entry.name
        self.port = server.port
        self.path = f"{server.folder}/guarded.sock"

    def connect(self, **options: Any) -> Client:
        return connect(f"redis://{self.host}:{self.port}", **{"password": PASSWORD} | options)


@pytest.fixture(scope="module", params=ALWAYS)
def guarded(request: pytest.FixtureRequest) -> Iterator[GuardedServer]:
    """A server with a password; a module shares it."""
    require(request.param)
    options = {"requirepass": PASSWORD, "unixsocket": "guarded.sock"}
    with Server(request.param, options=options) as server:
        yield GuardedServer(server)
