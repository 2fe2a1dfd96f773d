"""The fixtures that give tests their servers; ``tests/conftest.py`` lists them.

A test that takes ``server``, ``url`` or ``redis_client`` runs once on each server that must
always be there; ``@pytest.mark.servers("valkey91", "stack74")`` chooses others. A test that takes
``json_url`` or ``timeseries_url`` runs once on each server that has the module; ``module_url``
is for gearframe's own module. A server that dies during a test fails the test: one that has to
end is ended by ``Server.kill`` or ``stop``, or is told by ``Server.may_end``.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol

import pytest
import redis

from tests.servers.catalog import (
    ALWAYS,
    WITH_GEARS,
    WITH_JSON,
    WITH_TIMESERIES,
    Entry,
    find,
    with_gears,
)
from tests.servers.leftovers import end_gears
from tests.servers.patience import make_redis_py_patient
from tests.servers.server import Option, Server

LOG_LINES = 50
CRASH_LINES = 500  # what a server writes about its own death is long

SERVERS_OF = {
    "server": ALWAYS,
    "json_server": WITH_JSON,
    "timeseries_server": WITH_TIMESERIES,
    "module_server": WITH_GEARS,
}
"""Which servers a fixture means where no marker names others."""

_FRESH = pytest.StashKey[list[Server]]()


class Pool:
    """The servers that all tests share, each started when first asked for."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}

    def get(self, name: str) -> Server:
        require(name)
        server = self._servers.setdefault(name, Server(name))
        if server.died is not None:
            pytest.fail("between two tests: {}\n{}".format(*last_words(server)), pytrace=False)
        if not server.running:
            # First use, or a test has broken it; the next test should not pay for that.
            server.kill()
            server.start()
        return server

    def close(self) -> None:
        for server in self._servers.values():
            server.stop()


class FreshServer(Protocol):
    """What the fixture ``fresh_server`` gives."""

    def __call__(
        self,
        name: str = "valkey91",
        *,
        users: Sequence[str] = (),
        modules: Sequence[str] = (),
        gears: bool | Mapping[str, str | int] = False,
        unix: bool = False,
        **options: Option,
    ) -> Server: ...


def require(name: str) -> Entry:
    """Give a server's entry, or skip the test; in CI one that must be there fails it."""
    return skip_if_missing(find(name))


def skip_if_missing(entry: Entry) -> Entry:
    """Skip the test when a server cannot be had; in CI a server that must be there fails it."""
    if entry.missing is None:
        return entry
    reason = f"server {entry.name}: {entry.missing}"
    if entry.required and os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def last_words(server: Server) -> tuple[str, str]:
    """Give a title and the end of the log; a death is told once, and the server can start again."""
    how = server.died
    lines = server.log().splitlines()
    if how is None:
        return f"log of {server!r}", "\n".join(lines[-LOG_LINES:])
    server.kill()  # its folder and its log stay
    return f"log of {server!r}, which died ({how})", "\n".join(lines[-CRASH_LINES:])


def flush(server: Server) -> Server:
    """Take all keys, functions, search indexes and executions of gears away."""
    with redis.Redis.from_url(server.url) as client:
        if server.entry.name.endswith("_gears"):
            end_gears(client)  # before: they may write
        client.flushall()
        client.function_flush()
    return server


@pytest.fixture(scope="session")
def server_pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, server_pool: Pool) -> Server:
    """A shared server as the last test left it; most tests want ``url`` instead."""
    return server_pool.get(request.param)


@pytest.fixture
def url(server: Server, server_pool: Pool) -> str:
    """The URL of a shared server without any key."""
    return flush(server_pool.get(server.entry.name)).url


@pytest.fixture
def redis_client(url: str) -> Iterator[redis.Redis]:
    """A redis-py client of the server of ``url``: it sets tests up and tells what is right."""
    # RESP2 is named because redis-py's default has changed between releases.
    with redis.Redis.from_url(url, decode_responses=False, protocol=2) as client:
        yield client


@pytest.fixture(scope="session")
def json_server(request: pytest.FixtureRequest, server_pool: Pool) -> Server:
    """A shared server that has JSON, as the last test left it.

    RedisJSON 2.8 answers alike on all of them, in RESP2 and RESP3. TYPE is ``ReJSON-RL``, OBJECT
    ENCODING ``raw``. JSON.GET is one bulk string, null without the key. With one ``$`` path it is
    an array of what matched, ``[]`` where nothing did; with several an object of such arrays by
    path, in any order, a path that was asked twice once. A legacy path gives the value itself and
    is an error where nothing matches. A key of another type is ``-Existing key has wrong Redis
    type``, without the code WRONGTYPE; JSON.MGET answers null for it. Integers are exact from
    -2^63 to 2^64 - 1; larger ones became doubles when they were set. JSON.SET keeps a key's TTL.
    """
    return server_pool.get(request.param)


@pytest.fixture
def json_url(json_server: Server, server_pool: Pool) -> str:
    """The URL of a server that has JSON, without any key."""
    return flush(server_pool.get(json_server.entry.name)).url


@pytest.fixture
def json_client(json_url: str) -> Iterator[redis.Redis]:
    """A redis-py client of the server of ``json_url``."""
    with redis.Redis.from_url(json_url, decode_responses=False, protocol=2) as client:
        yield client


@pytest.fixture(scope="session")
def timeseries_server(request: pytest.FixtureRequest, server_pool: Pool) -> Server:
    """A shared server that has time series, as the last test left it.

    RedisTimeSeries 1.12 answers alike on all of them. TYPE is ``TSDB-TYPE``, OBJECT ENCODING
    ``raw``. TS.RANGE is an array of pairs; the value is a simple string in RESP2 (``1E-1``) and a
    double in RESP3 (``0.1``), the shortest text of the number in both. A missing key is an error,
    an empty series is not; another type is ``-ERR WRONGTYPE …``. NaN and infinity cannot be added,
    but AGGREGATION with EMPTY gives NaN. TS.MRANGE has three parts for each key in RESP2 and a map
    in RESP3, whose values have one part more, ``aggregators``. TS.MADD makes no series.
    """
    return server_pool.get(request.param)


@pytest.fixture
def timeseries_url(timeseries_server: Server, server_pool: Pool) -> str:
    """The URL of a server that has time series, without any key."""
    return flush(server_pool.get(timeseries_server.entry.name)).url


@pytest.fixture(scope="session")
def module_server(request: pytest.FixtureRequest, server_pool: Pool) -> Server:
    """A shared server that has gearframe's module, as the last test left it."""
    return server_pool.get(request.param)


@pytest.fixture
def module_url(module_server: Server, server_pool: Pool) -> str:
    """The URL of a server that has gearframe's module, without any key."""
    return flush(server_pool.get(module_server.entry.name)).url


@pytest.fixture
def module_client(module_url: str) -> Iterator[redis.Redis]:
    """A redis-py client of the server of ``module_url``."""
    with redis.Redis.from_url(module_url, decode_responses=False, protocol=2) as client:
        yield client


@pytest.fixture
def stack74(server_pool: Pool) -> Server:
    """Redis Stack 7.4 with search, JSON, time series and Bloom filters, without any key."""
    return flush(server_pool.get("stack74"))


@pytest.fixture
def redis70(server_pool: Pool) -> Server:
    """Redis 7.0, the oldest server that is promised to work, without any key."""
    return flush(server_pool.get("redis70"))


@pytest.fixture
def valkey80(server_pool: Pool) -> Server:
    """Valkey 8.0, the oldest Valkey that is promised to work, without any key."""
    return flush(server_pool.get("valkey80"))


@pytest.fixture
def fresh_server(request: pytest.FixtureRequest) -> Iterator[FreshServer]:
    """Start servers of the test's own: ``fresh_server("redis82", requirepass="secret")``.

    ``gears=True`` loads gearframe's module, ``gears={"MaxExecutions": 10}`` with arguments.
    """
    started = request.node.stash.setdefault(_FRESH, [])
    with ExitStack() as stack:

        def start(
            name: str = "valkey91",
            *,
            users: Sequence[str] = (),
            modules: Sequence[str] = (),
            gears: bool | Mapping[str, str | int] = False,
            unix: bool = False,
            **options: Option,
        ) -> Server:
            entry = require(name)
            if gears is not False:
                entry = with_gears(entry, None if gears is True else gears)
                skip_if_missing(entry)
            named = {key.replace("_", "-"): value for key, value in options.items()}
            server = Server(entry, options=named, users=users, modules=modules, unix=unix)
            started.append(server)
            return stack.enter_context(server)

        yield start


def pytest_configure(config: pytest.Config) -> None:
    make_redis_py_patient()
    config.addinivalue_line(
        "markers", "servers(*names): run the test on these servers of tests/servers/catalog.py"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("servers")
    for fixture, usual in SERVERS_OF.items():
        if fixture in metafunc.fixturenames:
            names = marker.args if marker is not None else usual
            metafunc.parametrize(fixture, names, indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test whose server has died, also one that did not notice."""
    yield  # a test that fails by itself is left to the report, which tells of deaths too
    dead = [f"{server!r} died ({how})" for server in _servers_of(item) if (how := server.died)]
    if dead:
        pytest.fail("during the test: " + ", ".join(dead), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers of a failed test have logged."""
    report = yield
    if report.failed:
        for server in _servers_of(item):
            report.sections.append(last_words(server))
    return report


def _servers_of(item: pytest.Item) -> list[Server]:
    values = getattr(item, "funcargs", {}).values()
    shared = [value for value in values if isinstance(value, Server)]
    return shared + item.stash.get(_FRESH, [])
