"""Executions and scripts inside of others: however many wait, those that they wait for run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis

from tests.module.gears import connect, run_into_limit, send
from tests.servers.patience import wait_until
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
        found.config_set("rg.executiontimelimit", 0)


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


FOREVER = """
async def forever(x):
    execute('SET', 'begun', 1)
    GB('PythonReader').map(forever).run(lambda: iter([1]))
    while True:
        await asyncio.sleep(0.01)
async def again(x):
    execute('SET', 'begun', 1)
    while True:
        await GB('PythonReader').map(lambda x: x).run(lambda: iter([1]))
async def inside(x):
    results, errors = await GB('PythonReader').map({inner}).run(lambda: iter([1]))
    raise Exception(errors[0])
GB('PythonReader').map({outer}).run(lambda: iter([1]))
"""


@pytest.mark.parametrize(
    ("outer", "inner"), [("forever", "None"), ("again", "None"), ("inside", "again")]
)
def test_the_time_limit_holds_for_what_is_inside(
    client: redis.Redis, outer: str, inner: str
) -> None:
    script = FOREVER.format(outer=outer, inner=inner)
    told, errors = run_into_limit(client, script, "begun")
    assert told in errors[0].decode()
    wait_until(lambda: client.execute_command("RG.DUMPEXECUTIONS") == [], "all of them end")


def test_the_time_limit_is_not_evaded_by_beginning_another(client: redis.Redis) -> None:
    client.config_set("rg.executiontimelimit", 400)
    script = """
async def chain(level):
    execute('INCR', 'begun')
    await asyncio.sleep(0.2)
    GB('PythonReader').map(chain).run(lambda: iter([level + 1]))
GB('PythonReader').map(chain).run(lambda: iter([1]))
"""
    with suppress(redis.ResponseError):  # a slow machine: the body has taken that long
        send(client, script)
    wait_until(lambda: client.execute_command("RG.DUMPEXECUTIONS") == [], "all of them end")
    assert int(client.get("begun") or 0) < DEEPEST // 2


def test_what_a_script_has_left_behind_has_a_time_of_its_own(client: redis.Redis) -> None:
    script = """
async def later():
    await asyncio.sleep({seconds})
    results, errors = await GB('PythonReader').map(lambda x: x).run(lambda: iter([1]))
    execute('SET', 'ended', repr(errors))
runCoroutine(later())
"""
    # The time that it has must do for what it runs, on a slow machine too.
    for limit in (400, 4000, 20_000):
        client.config_set("rg.executiontimelimit", limit)
        client.delete("ended")
        with suppress(redis.ResponseError):
            send(client, script.format(seconds=limit * 1.1 / 1000))
            if wait_until(lambda: client.get("ended")) == b"[]":
                return
    raise AssertionError(client.get("ended"))
