"""Gears on the client: what is sent, what changes meanwhile, and what is refused."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import redis

import gearframe as gf
from gearframe.exceptions import (
    GearsError,
    GearsRunError,
    OptionError,
    ServerConnectionError,
    ServerTimeoutError,
)
from gearframe.gears.backends.local import LocalRuntime
from gearframe.io.records.read import read_record, read_records
from tests.integration.between import Before, before
from tests.integration.commandstats import counted
from tests.servers.proxy import FaultProxy


@pytest.fixture
def client(url: str) -> Iterator[gf.Client]:
    with gf.connect(url) as client:
        yield client


@pytest.fixture
def users(redis_client: redis.Redis) -> redis.Redis:
    pipeline = redis_client.pipeline(transaction=False)
    for i in range(3_000):
        pipeline.hset(f"user:{i}", mapping={"country": "NL", "age": i, "n": i})
    pipeline.execute()
    return redis_client


# -- what is sent ----------------------------------------------------------------------------------


def sent(control: redis.Redis, client: gf.Client, gear: Any) -> dict[str, int]:
    with counted(control) as calls:
        gear.run(client, "user:*", backend="local")
    assert calls.pop("scan") >= 1
    return {name: count for name, count in calls.items() if name not in ("hello", "info")}


def test_only_what_is_looked_at_is_read(users: redis.Redis, client: gf.Client) -> None:
    assert sent(users, client, gf.GearsBuilder().count()) == {}
    assert sent(users, client, gf.GearsBuilder().map(lambda x: x["key"])) == {}
    assert sent(users, client, gf.GearsBuilder().countby(lambda x: x["type"])) == {"type": 3_000}
    narrow = gf.GearsBuilder().countby(lambda x: x["value"]["country"])
    calls = sent(users, client, narrow)
    # A few hashes are looked at first: where they have no other fields, HGETALL is cheaper.
    assert calls.pop("hgetall", 0) <= 64
    assert calls.pop("hlen", 0) <= 64
    assert calls == {"type": 3_000, "hmget": 3_000}
    calls = sent(users, client, gf.GearsBuilder().map(lambda x: len(x["value"])))
    assert calls == {"type": 3_000, "hlen": 3_000, "hscan": 3_000}


def test_keys_are_pipelined(users: redis.Redis, url: str) -> None:
    hook = Before(b"\r\nHMGET\r\n", lambda: None, frozenset())
    with FaultProxy(url, command_faults=[hook]) as proxy:
        gear = gf.GearsBuilder().countby(lambda x: x["value"]["country"])
        assert gear.run(proxy.url, "user:*", backend="local")[0]["value"] == 3_000
    # A packet has up to 64 KiB of commands; a round trip a key would be 3,000 of them.
    assert 1 <= hook.seen < 100


def test_records_come_in_batches(users: redis.Redis, client: gf.Client) -> None:
    users.rpush("user:list", *range(50_000))
    sizes = [len(batch) for batch in read_records(client, "user:*")]
    assert sum(sizes) == 3_001
    batches = read_records(client, "user:*", what="key")
    first = next(batches)
    assert 0 < len(first) < 3_001
    batches.close()  # type: ignore[attr-defined]


# -- what changes meanwhile ------------------------------------------------------------------------


def test_a_key_that_goes_and_one_that_changes_its_type(users: redis.Redis, url: str) -> None:
    def change() -> None:
        users.delete("user:1")
        users.delete("user:2")
        users.set("user:2", "text")

    with before(url, "HSCAN", change) as client:
        found = {r["key"]: r for batch in read_records(client, "user:*") for r in batch}
    assert len(found) == 2_999
    assert "user:1" not in found
    assert found["user:2"]["value"] == "text"
    assert found["user:2"]["type"] == "string"


def test_one_key_by_its_name(users: redis.Redis, client: gf.Client) -> None:
    assert read_record(client, "user:1", fields=["n"])["value"] == {"n": "1"}
    assert read_record(client, b"\xff")["type"] == "empty"
    assert read_record(client, b"\xff", read_value=False) == {"key": b"\xff", "event": None}


def test_a_server_that_goes_away_is_an_error(url: str, users: redis.Redis) -> None:
    def cut() -> None:
        users.client_kill_filter(_type="normal", skipme=True)

    gear = gf.GearsBuilder().map(lambda x: len(x["value"]))
    with before(url, "HSCAN", cut) as client, pytest.raises(ServerConnectionError):
        list(read_records(client, "user:*"))
    with before(url, "HSCAN", cut) as client, pytest.raises(GearsRunError):
        gear.run(client, "user:*", backend="local")


# -- types of modules ------------------------------------------------------------------------------


def test_documents_and_other_modules(json_url: str, json_client: redis.Redis) -> None:
    document = '{"a":[1,2.5,null,true],"é":"x"}'
    json_client.execute_command("JSON.SET", "doc:1", "$", document)
    json_client.execute_command("JSON.SET", "doc:2", "$", "7")
    json_client.execute_command("TS.ADD", "series", "1000", "1.5")
    gear = gf.GearsBuilder()
    found = {each["key"]: each for each in gear.run(json_url, backend="local")}
    assert {record["type"] for record in found.values()} == {"module"}
    assert found["doc:1"]["value"] == {"a": [1, 2.5, None, True], "é": "x"}
    assert found["doc:2"]["value"] == 7
    assert found["series"]["value"] is None
    one = gf.GearsBuilder().map(lambda x: x["value"]["a"]).run(json_url, "doc:1", backend="local")
    assert one[:] == [[1, 2.5, None, True]]


# -- what surrounds a gear -------------------------------------------------------------------------


def test_atomic_is_refused(client: gf.Client) -> None:
    with (
        LocalRuntime(client) as runtime,
        pytest.raises(GearsError, match="load gearframe's module"),
    ):
        runtime.atomic()


def test_logging(client: gf.Client, caplog: pytest.LogCaptureFixture) -> None:
    with LocalRuntime(client) as runtime, caplog.at_level(logging.DEBUG, "gearframe.gears"):
        for level in ("debug", "verbose", "notice", "warning"):
            runtime.log("100 %s", level)
    assert [record.levelno for record in caplog.records] == [10, 10, 20, 30]
    assert caplog.messages == ["100 %s"] * 4


def test_execute_takes_and_gives_bytes(client: gf.Client) -> None:
    with LocalRuntime(client) as runtime:
        assert runtime.execute("SET", b"\xff", bytearray(b"\xfe")) == "OK"
        assert runtime.execute("GET", b"\xff") == bytearray(b"\xfe")
        assert runtime.execute("MGET", b"\xff", 7, None) == [bytearray(b"\xfe"), None, None]
        script = "return {redis.error_reply('ERR mine'), 1, 'a'}"
        assert runtime.execute("EVAL", script, 0) == ["ERR mine", 1, "a"]
        with pytest.raises(GearsError, match=r"^ERR unknown command"):
            runtime.execute("NONSENSE")
        with pytest.raises(GearsError, match="execute needs the command"):
            runtime.execute()


# -- choices and limits ----------------------------------------------------------------------------


def test_auto_asks_once_and_says_why(client: gf.Client, redis_client: redis.Redis) -> None:
    gear = gf.GearsBuilder().count()
    with counted(redis_client) as calls:
        assert gear.run(client).backend == "local"
        assert gear.run(client).backend == "local"
    assert {name: n for name, n in calls.items() if name.startswith("command")} == {
        "command|info": 1
    }
    assert "back end: local, because the server has no RG.PYEXECUTE" in gear.explain(client)
    assert "back end: local, because it was asked for" in gear.explain(client, backend="local")


def test_the_module_where_there_is_none(client: gf.Client) -> None:
    with pytest.raises(
        GearsError, match=r"the server has no RG\.PYEXECUTE: load gearframe's module"
    ):
        gf.GearsBuilder().run(client, backend="module")


def test_a_timeout_ends_the_gear(client: gf.Client) -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 1

    gear = gf.GearsBuilder("PythonReader").count()
    with pytest.raises(ServerTimeoutError, match=r"not done within 0\.2 seconds"):
        gear.run(client, endless, backend="local", timeout=0.2)


def test_options_that_cannot_be_used(client: gf.Client) -> None:
    gear = gf.GearsBuilder()
    options: list[dict[str, Any]] = [
        {"backend": "spark"}, {"on_error": "ignore"}, {"timeout": 0}, {"timeout": "1"},
    ]  # fmt: skip
    for option in options:
        with pytest.raises(OptionError, match=next(iter(option))):
            gear.run(client, **option)
    with pytest.raises(TypeError, match="'colour'; with KeysReader it takes"):
        gear.run(client, colour="red")
    with pytest.raises(GearsError, match="needs one: run"):
        gear.run()


# -- results ---------------------------------------------------------------------------------------


def test_results_are_a_sequence(users: redis.Redis, client: gf.Client) -> None:
    found = gf.GearsBuilder().map(lambda x: int(x["value"]["n"])).sort().run(client, "user:*")
    assert len(found) == 3_000
    assert found[0] == 0
    assert found[-2:] == [2_998, 2_999]
    assert 17 in found
    lines = repr(found).splitlines()
    assert lines[0].startswith("<GearsResult: 3,000 results, local, ")
    assert lines[-1] == "  … 2,990 more"
    assert found.to_frame()["value"].to_list() == list(range(3_000))


def test_frames_of_dicts_and_of_anything(client: gf.Client) -> None:
    def rows() -> Iterator[Any]:
        yield {"a": 1, "b": "x"}
        yield {"a": 2, "c": 1.5}

    def mixed() -> Iterator[Any]:
        yield from [1, "x", {"a": 1}]

    gear = gf.GearsBuilder("PythonReader")
    assert gear.run(client, rows).to_frame().rows() == [(1, "x", None), (2, None, 1.5)]
    assert gear.run(client, mixed).to_frame()["value"].to_list() == [1, "x", {"a": 1}]
    assert gear.run(client, lambda: iter(())).to_frame().shape == (0, 1)
