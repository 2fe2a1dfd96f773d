"""What a server counted: the proof of what was sent, whatever a report says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

OF_CONNECTING = {"hello", "auth", "client|setname", "client|setinfo", "select", "info", "ping"}


@contextmanager
def counted(client: redis.Redis) -> Iterator[dict[str, int]]:
    """Fill a dict with the calls of each data command that the server got inside the block."""
    client.config_resetstat()
    calls: dict[str, int] = {}
    yield calls
    for name, stats in client.info("commandstats").items():
        command = name.removeprefix("cmdstat_").lower()  # modules write theirs in capitals
        if command not in OF_CONNECTING and not command.startswith("config|"):
            calls[command] = stats["calls"]
