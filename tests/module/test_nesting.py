"""Executions and scripts inside of others: however many wait, those that they wait for run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.module.gears import connect, send
from tests.servers.server import Server

DEEPEST = 16

DOWN = """
async def down(level):
    if level == {levels}:
        return level
    results, errors = await GB('PythonReader').map(down).run(
        lambda: iter([level + 1]), convertToStr=False)
    if errors:
        raise Exception(errors[0])
    return results[0]
GB('PythonReader').map(down).run(lambda: iter([0] * {times}), convertToStr=False)
"""


@pytest.fixture
def client(module_server: Server, module_url: str) -> Iterator[redis.Redis]:
    with connect(module_server) as found:
        yield found


def test_more_executions_wait_than_there_are_threads(client: redis.Redis) -> None:
    results, errors = send(client, DOWN.format(levels=3, times=100))
    assert errors == []
    assert results == [3] * 100


def test_executions_are_as_deep_as_they_may_be(client: redis.Redis) -> None:
    assert send(client, DOWN.format(levels=DEEPEST, times=1)) == [[DEEPEST], []]


def test_executions_that_are_too_deep(client: redis.Redis) -> None:
    results, [error] = send(client, DOWN.format(levels=DEEPEST + 1, times=1))
    assert results == []
    assert b"16 deep inside of each other" in error


def test_scripts_that_are_too_deep(client: redis.Redis) -> None:
    script = """
execute('INCR', 'levels')
execute('RG.PYEXECUTE', execute('GET', 'script'))
"""
    client.set("script", script)
    with pytest.raises(redis.ResponseError, match="16 deep inside of each other"):
        send(client, script)
    assert client.get("levels") == b"%d" % (DEEPEST + 1)
