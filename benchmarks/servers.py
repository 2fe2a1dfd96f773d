"""A server for a run: one of the tests' servers on a unix socket, and what it says of itself."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import redis
from tests.servers.catalog import Entry
from tests.servers.server import Server

from benchmarks.floor import Wire

# What gearframe and the floor say to introduce themselves, and what this file asks.
_NOT_COUNTED = {"hello", "info", "config|resetstat", "flushall", "echo", "client|setinfo", "ping"}


class BenchServer:
    """A running server whose CPU time and commands can be counted."""

    def __init__(self, name: str | Entry) -> None:
        self._server = Server(name, unix=True)
        self._server.start()
        self.control = redis.Redis(unix_socket_path=str(self.socket_path))
        self._process = psutil.Process(self._server.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(redis.RedisError):
            self.control.close()
        self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def socket_path(self) -> Path:
        return self._server.socket_path

    def wire(self) -> Wire:
        return Wire(self.socket_path)

    def peer(self) -> redis.Redis:
        """Connect redis-py with hiredis; the fastest that it has."""
        return redis.Redis(unix_socket_path=str(self.socket_path), protocol=2)

    def version(self) -> str:
        """Name, version and allocator."""
        info = self.control.info()
        name = "valkey" if "valkey_version" in info else "redis"
        return (
            f"{name} {info.get('valkey_version', info['redis_version'])}, {info['mem_allocator']}"
        )

    def resident(self) -> int:
        """Bytes of memory that the process holds."""
        return int(self._process.memory_info().rss)

    def memory(self) -> int:
        return int(self.control.info("memory")["used_memory"])

    def flush(self) -> None:
        self.control.flushall(asynchronous=False)

    def cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def reset_counts(self) -> None:
        self.control.config_resetstat()

    def counts(self) -> dict[str, int]:
        """How often each command ran since the last reset."""
        stats = self.control.info("commandstats")
        named = {name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()}
        return {name: n for name, n in named.items() if name not in _NOT_COUNTED}
