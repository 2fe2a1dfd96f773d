"""Servers with JSON documents: Redis Stack, and Valkey with Stack's JSON module loaded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.servers.catalog import find
from tests.servers.fixtures import FreshServer, Pool, flush, require

JSON_SERVERS = ("stack74", "valkey91")


def rejson() -> str:
    """The path of RedisJSON; the test is skipped where Redis Stack cannot be had."""
    require("stack74")
    return next(path for path in find("stack74").modules if path.endswith("rejson.so"))


@pytest.fixture(params=JSON_SERVERS)
def json_url(request: pytest.FixtureRequest, server_pool: Pool, fresh_server: FreshServer) -> str:
    """The URL of a server with JSON and without any key."""
    module = rejson()
    if request.param == "stack74":
        return flush(server_pool.get("stack74")).url
    return fresh_server(request.param, modules=[module]).url


@pytest.fixture
def json_client(json_url: str) -> Iterator[redis.Redis]:
    """A redis-py client of the server of ``json_url``."""
    with redis.Redis.from_url(json_url, protocol=2) as client:
        yield client
