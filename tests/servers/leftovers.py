"""What a test may leave behind in a server with gears, and the next one must not find."""

from __future__ import annotations

import time
from contextlib import suppress

import redis

LIMIT = 60.0


def end_gears(client: redis.Redis) -> None:
    """End all executions, and wait for what ends by itself: scripts whose client has just left."""
    ask = client.execute_command
    end = time.monotonic() + LIMIT
    while left := ask("RG.DUMPEXECUTIONS") or ask("RG.PYDUMPSESSIONS"):
        assert time.monotonic() < end, f"an earlier test has left gears that do not end: {left}"
        for _, execution, *_ in ask("RG.DUMPEXECUTIONS"):
            with suppress(redis.ResponseError):  # it may end, and be dropped, before we come to it
                ask("RG.ABORTEXECUTION", execution)
                ask("RG.DROPEXECUTION", execution)
        time.sleep(0.005)
