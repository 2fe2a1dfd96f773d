"""What the differential tests share: servers, seen by redis-py and by gearframe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import redis

import gearframe as gf
from tests.property.keyspaces import LIMITS
from tests.servers.catalog import ALWAYS
from tests.servers.fixtures import Pool, flush, require
from tests.servers.server import Server


@dataclass
class World:
    """One server: redis-py writes and says what is true, gearframe is asked."""

    redis: redis.Redis
    client: gf.Client


@pytest.fixture(scope="module", params=ALWAYS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A server whose small encodings are very small."""
    require(request.param)
    with Server(request.param, options=LIMITS) as server, _seen(server) as world:
        yield world


@pytest.fixture(scope="module")
def json_world(json_server: Server, server_pool: Pool) -> Iterator[World]:
    with _seen(server_pool.get(json_server.entry.name)) as world:
        yield world


@pytest.fixture(scope="module")
def timeseries_world(timeseries_server: Server, server_pool: Pool) -> Iterator[World]:
    with _seen(server_pool.get(timeseries_server.entry.name)) as world:
        yield world


@contextmanager
def _seen(server: Server) -> Iterator[World]:
    flush(server)
    with (
        redis.Redis.from_url(server.url, protocol=2) as other,
        gf.connect(server.url) as client,
    ):
        yield World(other, client)
