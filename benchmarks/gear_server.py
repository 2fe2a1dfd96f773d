"""A server with gearframe's module and the hashes of a run, and the connections that gears need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import polars as pl
import redis
from tests.servers.catalog import GEARS, find, with_gears

import gearframe as gf
from benchmarks import data
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

KEYS = "user:*"


@contextmanager
def loaded(
    settings: Settings, *, rows: int | None = None, options: Mapping[str, str] | None = None
) -> Iterator[BenchServer]:
    """Start a server with the module, whose options are given, and write the hashes to it."""
    plain = find(settings.server.removesuffix(GEARS))
    with BenchServer(with_gears(plain, options)) as server:
        frame = pl.concat(data.hashes(rows or settings.rows, settings.seed))
        with gf.connect(server.url) as client:
            gf.write_hashes(frame, client)
        yield server


@contextmanager
def connected(server: BenchServer) -> Iterator[redis.Redis]:
    """Connect a client that waits for a gear as long as it takes."""
    path = str(server.socket_path)
    with closing(redis.Redis(unix_socket_path=path, socket_timeout=None)) as client:
        yield client


def run_gear(client: redis.Redis, script: str, *options: str) -> list[Any]:
    """Run a script, and give what Python prints of its results as objects."""
    results, errors = client.execute_command("RG.PYEXECUTE", script, *options)
    if errors:
        raise SystemExit(f"the gear failed: {errors[0].decode()}\n{script}")
    return [_literal(result) for result in results]


def _literal(result: bytes | int) -> Any:
    """Read a result, which is a number or the text that Python prints of an object."""
    from ast import literal_eval

    return result if isinstance(result, int) else literal_eval(result.decode())
