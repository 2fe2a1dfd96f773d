"""Pipelines and transactions on both servers."""

from __future__ import annotations

import gc

import pytest
import redis

from gearframe.compat import polars_redis as shim
from gearframe.exceptions import OptionError, ReplyError, ServerConnectionError
from tests.integration.commandstats import counted
from tests.servers.patience import wait_until

BOTH = pytest.mark.parametrize("kind", [shim.Pipeline, shim.Transaction])
ODD = b"\xff\x00\r\n"


def values(result):
    return [
        [item.value for item in one.value] if one.result_type == "array" else one.value
        for one in result.results
    ]


@BOTH
def test_every_method(url, kind):
    pipe = (
        kind(url)
        .set("s", "1").set_ex("e", "x", 100).get("s").mget(["s", "none"])
        .incr("n").incrby("n", 5).decr("n")
        .hset("h", "a", "1").hmset("h", {"b": "2", "c": 3}).hget("h", "a").hgetall("h")
        .hdel("h", ["b", "c"]).hincrby("h", "a", 2)
        .rpush("l", ["b", "c"]).lpush("l", ["a"]).lrange("l", 0, -1).llen("l")
        .sadd("t", ["m"]).smembers("t").sismember("t", "m").scard("t")
        .zadd("z", [(1.5, "m")]).zrange("z", 0, -1).zscore("z", "m").zcard("z")
        .exists(["s", "none"]).expire("s", 500).ttl("s").rename("s", "r").key_type("r")
        .delete(["r", "none"]).raw("APPEND", ["n", "0"])
    )  # fmt: skip
    assert len(pipe) == 32
    result = pipe.execute()
    assert result.failed == 0
    assert values(result) == [
        None, None, "1", ["1", None],
        1, 6, 5,
        1, 2, "1", ["a", "1", "b", "2", "c", "3"],
        2, 3,
        2, 3, ["a", "b", "c"], 3,
        1, ["m"], 1, 1,
        1, ["m"], "1.5", 1,
        1, 1, pytest.approx(500, abs=100), None, "string",
        1, 2,
    ]  # fmt: skip
    types = [one.result_type for one in result.results]
    assert types[:4] == ["ok", "ok", "bulk", "array"]
    assert types[28:30] == ["ok", "string"]


@BOTH
def test_values_that_are_no_text(url, redis_client, kind):
    pipe = kind(url).set(ODD, ODD).get(ODD).rpush("l", [b"\xfe", "é"]).lrange("l", 0, -1)
    assert values(pipe.execute())[1:] == [ODD, 2, [b"\xfe", "é"]]
    assert redis_client.get(ODD) == ODD


@BOTH
def test_a_value_that_is_ok_is_a_value(url, kind):
    result = kind(url).set("k", "OK").get("k").execute()
    assert [one.result_type for one in result.results] == ["ok", "bulk"]
    assert [one.is_ok() for one in result.results] == [True, False]
    assert result.get(1).value == "OK"


@BOTH
def test_a_refused_command_stops_no_other(url, redis_client, kind):
    result = kind(url).set("k", "text").incr("k").get("none").set("after", "1").execute()
    assert (result.succeeded, result.failed, len(result)) == (3, 1, 4)
    assert not result.all_succeeded()
    assert result.get(1).is_error()
    assert "not an integer" in result.get(1).value
    assert result.get(2).is_nil()
    assert result.get(4) is None
    assert result.get(-1) is None
    assert redis_client.get("after") == b"1"


def test_a_command_that_is_not_taken(url, redis_client):
    pipeline = shim.Pipeline(url).raw("NONSENSE", []).set("a", 1).execute()
    assert [one.result_type for one in pipeline.results] == ["error", "ok"]
    with pytest.raises(ReplyError, match="NONSENSE"):
        shim.Transaction(url).set("b", 1).raw("NONSENSE", []).execute()
    assert redis_client.keys() == [b"a"]


def test_what_is_sent(url, redis_client):
    pipe = shim.Pipeline(url)
    for number in range(2500):
        pipe.hset("h", str(number), number)
    before = redis_client.info("stats")["total_reads_processed"]
    with counted(redis_client) as calls:
        assert pipe.execute().succeeded == 2500
    assert calls == {"hset": 2500}
    assert redis_client.info("stats")["total_reads_processed"] - before < 250
    with counted(redis_client) as calls:
        shim.Transaction(url).get("a").get("b").execute()
    assert calls == {"multi": 1, "get": 2, "exec": 1}


@BOTH
def test_nothing_queued_sends_nothing(kind):
    result = kind("redis://127.0.0.1:1").execute()
    assert (len(result), result.all_succeeded()) == (0, True)


def test_what_is_sent_is_sent_once(url, redis_client):
    pipe, tx = shim.Pipeline(url).incr("n"), shim.Transaction(url).incr("n")
    for queue in (pipe, tx):
        assert len(queue.execute()) == 1
        assert queue.is_empty()
        assert len(queue.execute()) == 0
    assert redis_client.get("n") == b"2"


def test_a_queue_can_be_emptied(url, redis_client):
    pipe, tx = shim.Pipeline(url).incr("n"), shim.Transaction(url).incr("n")
    pipe.clear()
    tx.discard()
    for queue in (pipe, tx):
        assert queue.is_empty()
        queue.execute()
    assert redis_client.exists("n") == 0


@BOTH
def test_a_lost_connection_is_an_error_and_nothing_is_sent_again(url, redis_client, kind):
    killed = kind(url).incr("n").raw("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "no"])
    with pytest.raises(ServerConnectionError):
        killed.incr("after").execute()
    assert killed.is_empty()
    with redis.Redis.from_url(url) as control:
        assert control.get("n") in (b"1", None)
        assert control.get("after") in (b"1", None)


@BOTH
@pytest.mark.parametrize(
    "bad",
    [
        lambda pipe: pipe.set("k", None),
        lambda pipe: pipe.set("k", True),
        lambda pipe: pipe.set("k", {"a": 1}),
        lambda pipe: pipe.set("k", "\ud800"),
        lambda pipe: pipe.mget("abc"),
        lambda pipe: pipe.mget([]),
        lambda pipe: pipe.hmset("h", {}),
        lambda pipe: pipe.hmset("h", [("a", "b")]),
        lambda pipe: pipe.zadd("z", ["ab"]),
        lambda pipe: pipe.zadd("z", {"m": 1}),
        lambda pipe: pipe.raw("", []),
        lambda pipe: pipe.raw("GET", "key"),
    ],
)
def test_what_no_command_takes_is_not_queued(kind, bad):
    pipe = kind("redis://127.0.0.1:1")
    with pytest.raises(OptionError):
        bad(pipe)
    assert pipe.is_empty()


def test_no_connection_is_left(url, redis_client):
    ours = f"{url}?client_name=ours"
    gc.disable()
    try:
        for _ in range(5):
            shim.Pipeline(ours).incr("n").execute()
            with pytest.raises(ReplyError):
                shim.Transaction(ours).raw("NONSENSE", []).execute()
        # The server needs a moment to see that a connection is closed.
        wait_until(lambda: all(each["name"] != "ours" for each in redis_client.client_list()))
    finally:
        gc.enable()
