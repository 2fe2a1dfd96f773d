"""Connections of redis-py with the options of a client."""

from __future__ import annotations

import asyncio

import pytest

import gearframe as gf
from gearframe.control import async_redis_client

ROUNDS = 40  # of the loop, in which a command is sent for certain


@pytest.mark.parametrize("rounds", range(ROUNDS))
def test_a_cancellation_is_never_lost(url: str, rounds: int) -> None:
    """Wherever the command is that waits for ever."""

    async def main() -> bool:
        async with async_redis_client(client) as control:
            await control.ping()
            task = asyncio.create_task(control.execute_command("BLPOP", "nothing", 0))
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=60)
            await control.ping()
            return bool(done) and task.cancelled()

    with gf.connect(url, read_timeout=1000) as client:
        assert asyncio.run(main())
