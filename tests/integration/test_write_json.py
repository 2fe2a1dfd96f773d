"""Frames written as JSON documents, on real servers with RedisJSON."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.commandstats import counted
from tests.servers.faults import CutAt
from tests.servers.fixtures import FreshServer
from tests.servers.proxy import FaultProxy
from tests.servers.scripted import ScriptedServer, by_command

USERS = pl.DataFrame({"_key": ["u:1", "u:2"], "name": ["Ann", None], "age": [41, 37]})


def document(client: redis.Redis, key: str) -> str | None:
    """The text of a document as the server keeps it."""
    text: bytes | None = client.execute_command("JSON.GET", key)
    return None if text is None else text.decode()


def test_each_row_is_a_document(json_url: str, json_client: redis.Redis) -> None:
    with counted(json_client) as calls:
        report = gf.write_json(USERS, json_url)
    assert (report.written, report.failed) == (2, {})
    assert report.commands == {"MULTI/EXEC": 2, "DEL": 2, "JSON.SET": 2}
    # One empty MULTI EXEC is the probe.
    assert calls == {"command|info": 1, "multi": 2, "exec": 2, "del": 2, "json.set": 2}
    assert document(json_client, "u:1") == '{"name":"Ann","age":41}'
    assert document(json_client, "u:2") == '{"name":null,"age":37}'


def test_dtypes_are_native_json(json_url: str, json_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {
            "_key": ["k"],
            "i": [-(2**63)],
            "u": pl.Series([2**64 - 1], dtype=pl.UInt64),
            "f": [0.1],
            "f32": pl.Series([0.1], dtype=pl.Float32),
            "b": [True],
            "s": ['"\\\n\x01é'],
            "cat": pl.Series(["x"], dtype=pl.Categorical),
            "enum": pl.Series(["x"], dtype=pl.Enum(["x"])),
            "d": [date(2024, 2, 29)],
            "dt": [datetime(2024, 1, 31, 23, 0, 0, 500_000)],
            "span": [timedelta(seconds=90)],
            "dec": [Decimal("-12.50")],
            "list": [[1, None]],
            "array": pl.Series([[1.5, 2.5]], dtype=pl.Array(pl.Float64, 2)),
            "struct": [{"a": 1, "b": {"c": [None, "x"]}}],
            "none": [None],
            'na"me': [1],
        }
    )
    assert gf.write_json(frame, json_url).written == 1
    text = document(json_client, "k")
    assert text is not None
    assert json.loads(text) == {
        "i": -(2**63), "u": 2**64 - 1, "f": 0.1, "f32": 0.1, "b": True, "s": '"\\\n\x01é',
        "cat": "x", "enum": "x", "d": "2024-02-29", "dt": "2024-01-31T23:00:00.5",
        "span": "PT1M30S", "dec": -12.5, "list": [1, None], "array": [1.5, 2.5],
        "struct": {"a": 1, "b": {"c": [None, "x"]}}, "none": None, 'na"me': 1,
    }  # fmt: skip


def test_digits_are_sent_in_full(json_url: str, json_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {
            "_key": ["k"],
            "wide": pl.Series([2**126], dtype=pl.Int128),
            "nested": pl.Series([[2**126]], dtype=pl.List(pl.UInt128)),
            "dec": pl.Series(["12345678901234567890.123456"]).cast(pl.Decimal(38, 6)),
        }
    )
    with json_client.monitor() as monitor:
        assert gf.write_json(frame, json_url).written == 1
        commands = (monitor.next_command()["command"] for _ in range(100))
        sent = next(command for command in commands if command.startswith("JSON.SET k"))
    wide = "85070591730234615865843651857942052864"
    expected = f'{{"wide":{wide},"nested":[{wide}],"dec":12345678901234567890.123456}}'
    assert expected in sent.replace("\\", "")


def test_replace_leaves_nothing_of_what_was_there(json_url: str, json_client: redis.Redis) -> None:
    json_client.execute_command("JSON.SET", "u:1", "$", '{"old":1}')
    json_client.expire("u:1", 100)
    json_client.rpush("u:2", "a list")
    assert gf.write_json(USERS, json_url).written == 2
    assert document(json_client, "u:1") == '{"name":"Ann","age":41}'
    assert json_client.ttl("u:1") == -1
    assert document(json_client, "u:2") == '{"name":null,"age":37}'


@pytest.mark.parametrize("ttl", [None, 100])
def test_fail_names_the_keys_that_exist(
    json_url: str, json_client: redis.Redis, ttl: int | None
) -> None:
    frame = pl.DataFrame({"_key": ["doc", "text", "new"], "n": [1, 2, 3]})
    json_client.execute_command("JSON.SET", "doc", "$", "0")
    json_client.set("text", "mine")
    with counted(json_client) as calls:
        report = gf.write_json(frame, json_url, if_exists="fail", ttl=ttl, on_failure="report")
    assert report.failed == {b"doc": "exists already", b"text": "exists already"}
    assert report.written == 1
    assert (document(json_client, "doc"), json_client.get("text")) == ("0", b"mine")
    assert document(json_client, "new") == '{"n":3}'
    assert json_client.ttl("new") == (-1 if ttl is None else pytest.approx(100, abs=40))
    assert calls["json.set"] == (3 if ttl is None else 1)
    assert calls.get("watch", 0) == (0 if ttl is None else 1)


def test_append_merges(json_url: str, json_client: redis.Redis) -> None:
    json_client.execute_command("JSON.SET", "a", "$", '{"old":1,"n":0,"in":{"x":1,"y":2}}')
    json_client.set("text", "mine")
    frame = pl.DataFrame(
        {"_key": ["a", "b", "text"], "n": [5, 6, 7], "in": [{"x": None, "z": 3}] * 3}
    )
    with counted(json_client) as calls:
        report = gf.write_json(frame, json_url, if_exists="append", ttl=100, on_failure="report")
    assert report.written == 2
    assert list(report.failed) == [b"text"]
    assert "wrong Redis type" in report.failed[b"text"]
    text = document(json_client, "a")
    assert text is not None
    assert json.loads(text) == {"old": 1, "n": 5, "in": {"y": 2, "z": 3}}
    assert json_client.ttl("a") == pytest.approx(100, abs=40)
    assert (json_client.get("text"), json_client.ttl("text")) == (b"mine", -1)
    assert calls == {"command|info": 1, "json.merge": 3, "pexpire": 2}


def test_a_path_changes_a_part(json_url: str, json_client: redis.Redis) -> None:
    json_client.execute_command("JSON.SET", "a", "$", '{"n":1,"in":{"x":1}}')
    json_client.execute_command("JSON.SET", "b", "$", "[]")
    frame = pl.DataFrame({"_key": ["a", "b", "c"], "y": [2, 3, 4]})
    report = gf.write_json(frame, json_url, path="$.in", ttl=100, on_failure="report")
    assert (report.written, list(report.failed)) == (1, [b"b", b"c"])
    assert document(json_client, "a") == '{"n":1,"in":{"y":2}}'
    assert document(json_client, "b") == "[]"
    assert [json_client.ttl(key) for key in "ab"] == [pytest.approx(100, abs=40), -1]
    report = gf.write_json(frame[:1], json_url, path="$.in", if_exists="append")
    assert report.commands == {"JSON.MERGE": 1}
    with pytest.raises(gf.OptionError, match="looks at whole keys"):
        gf.write_json(frame, json_url, path="$.in", if_exists="fail")


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
@pytest.mark.parametrize("ttl", [100, timedelta(seconds=100), "t"])
def test_ttl(json_url: str, json_client: redis.Redis, if_exists: Any, ttl: Any) -> None:
    frame = pl.DataFrame({"_key": ["a", "b"], "n": [1, 2], "t": [100, None]})
    report = gf.write_json(frame, json_url, if_exists=if_exists, ttl=ttl, columns=["n"])
    assert report.written == 2
    assert json_client.ttl("a") == pytest.approx(100, abs=40)
    assert json_client.ttl("b") == (-1 if ttl == "t" else pytest.approx(100, abs=40))
    assert document(json_client, "a") == '{"n":1}'


def test_a_column_of_documents(json_url: str, json_client: redis.Redis) -> None:
    bad = ["", "{bad", "1 2", "NaN", "1e999", '"\\ud800"', "[" * 128 + "]" * 128, None]
    good = ['{"a": [1, 2.50]}', "null", '"text"', "[" * 127 + "]" * 127]
    for n in range(len(bad)):
        json_client.set(f"bad:{n}", "old")
    frame = pl.DataFrame(
        {
            "_key": [f"bad:{n}" for n in range(len(bad))] + [f"good:{n}" for n in range(len(good))],
            "doc": bad + good,
            "ignored": [1] * 12,
        }
    )
    report = gf.write_json(frame, json_url, document="doc", on_failure="report")
    assert report.written == len(good)
    assert report.failed[b"bad:7"] == "the document is null"
    assert len(report.failed) == len(bad)
    reasons = [report.failed[b"bad:%d" % n] for n in range(7)]
    assert all(reason.startswith("the document is not JSON: ") for reason in reasons)
    assert all(json_client.get(f"bad:{n}") == b"old" for n in range(len(bad)))
    assert document(json_client, "good:0") == '{"a":[1,2.5]}'


def test_nan_fails_its_row_alone(json_url: str, json_client: redis.Redis) -> None:
    frame = pl.DataFrame(
        {
            "_key": ["a", "b", "c", "d"],
            "x": [1.0, float("nan"), 2.0, float("-inf")],
            "y": [[1.0], [1.0], [float("inf")], [1.0]],
        }
    )
    json_client.set("b", "old")
    report = gf.write_json(frame, json_url, on_failure="report")
    why = "is NaN or infinite, and JSON has no such number"
    assert report.failed == {
        b"b": f'the value of column "x" {why}',
        b"c": f'the value of column "y" {why}',
        b"d": f'the value of column "x" {why}',
    }
    assert report.written == 1
    assert json_client.get("b") == b"old"


@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
def test_without_the_module_nothing_is_written(
    url: str, redis_client: redis.Redis, if_exists: Any
) -> None:
    with counted(redis_client) as calls, pytest.raises(gf.ReplyError, match=r"no JSON\.SET: load"):
        gf.write_json(USERS, url, if_exists=if_exists)
    assert calls == {"command|info": 1}


def test_append_needs_json_merge() -> None:
    replies = {
        b"HELLO": b"-ERR unknown command\r\n",
        b"INFO": b"$21\r\nredis_version:8.0.0\r\n\r\n",
        b"COMMAND": b"*2\r\n*1\r\n$8\r\njson.set\r\n$-1\r\n",
    }
    with ScriptedServer(by_command(replies)) as server, gf.connect(server.url) as client:
        with pytest.raises(gf.ReplyError, match=r"needs JSON\.MERGE, which the server's JSON mod"):
            gf.write_json(USERS, client, if_exists="append")
        assert not any(command[0].startswith(b"JSON") for command in server.received)


def test_a_user_who_may_not_ask_may_write(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91_modules", users=["writer on >secret ~u:* +@all -command"])
    url = server.url.replace("redis://", "redis://writer:secret@")
    assert gf.write_json(USERS, url).written == 2
    other = fresh_server(users=["writer on >secret ~u:* +@all -command"])
    url = other.url.replace("redis://", "redis://writer:secret@")
    report = gf.write_json(USERS, url, on_failure="report")
    assert all("unknown command" in reason for reason in report.failed.values())
    assert len(report.failed) == 2


def test_out_of_memory_leaves_the_old_value(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91_modules", maxmemory_policy="noeviction")
    with redis.Redis.from_url(server.url) as client:
        client.set("k:0", "old")
        client.config_set("maxmemory", "1kb")
        frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(300)], "n": range(300)})
        report = gf.write_json(frame, server.url, on_failure="report")
        assert (report.written, len(report.failed)) == (0, 300)
        assert report.failed[b"k:0"].startswith("OOM")
        assert client.get("k:0") == b"old"


def test_out_of_memory_in_the_middle(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91_modules", maxmemory_policy="noeviction")
    with redis.Redis.from_url(server.url) as client:
        n = 20_000
        with client.pipeline(transaction=False) as pipe:
            for i in range(n):
                pipe.set(f"k:{i}", "old")
            pipe.execute()
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used + 4_000_000)
        # No two texts alike: RedisJSON keeps one copy of equal strings.
        texts = [f"{i}".zfill(1000) for i in range(n)]
        frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(n)], "text": texts})
        report = gf.write_json(frame, server.url, on_failure="report")
        assert 0 < report.written < n
        assert report.written + len(report.failed) == n
        kept = client.mget(report.failed)
        assert set(kept) == {b"old"}


@pytest.mark.servers("stack74")
@pytest.mark.parametrize("if_exists", ["replace", "fail", "append"])
@pytest.mark.parametrize("ttl", [None, 1000])
def test_a_lost_connection_accounts_for_every_row(
    json_url: str, json_client: redis.Redis, if_exists: Any, ttl: int | None
) -> None:
    n = 20_000
    frame = pl.DataFrame({"_key": [f"k:{i}" for i in range(n)], "n": range(n)})
    with FaultProxy(json_url) as proxy:
        client = gf.connect(proxy.url)
        # Counted from the end of the probe: the first OK is that of MULTI, or of a document.
        proxy.after = b"+OK\r\n"
        proxy.faults = {True: (CutAt(20_000),), False: ()}
        with pytest.raises(gf.WriteError, match="was stopped after") as e:
            gf.write_json(frame, client, if_exists=if_exists, ttl=ttl, batch_size=3000)
    report = e.value.report
    assert report is not None
    assert report.written + len(report.failed) == n
    unknown = {key for key, why in report.failed.items() if why != "not sent"}
    found = set(json_client.scan_iter("k:*", count=5000))
    assert report.written <= len(found) <= report.written + len(unknown)
    assert found, "the cut came before the first document"
    if ttl is not None:
        lasting = {key for key in found if json_client.ttl(key) == -1}
        assert lasting <= report.failed.keys()


def test_a_lazy_frame_is_streamed(json_url: str, json_client: redis.Redis) -> None:
    lf = pl.LazyFrame({"i": range(5000)}).select(_key=pl.format("k:{}", "i"), n="i")
    with gf.connect(json_url) as client:
        report = client.write_json(lf, columns=["n", "_key"], key_prefix="p:", batch_size=1000)
    assert report.written == 5000
    assert document(json_client, "p:k:4999") == '{"n":4999,"_key":"k:4999"}'
    assert report.commands["MULTI/EXEC"] == 2 * (5 * 16)


@pytest.mark.parametrize(
    ("frame", "options", "error", "message"),
    [
        ({"_key": ["a"], "n": [b"x"]}, {}, gf.SchemaError, "Binary cannot be written as JSON"),
        ({"_key": ["a"], "n": [[b"x"]]}, {}, gf.SchemaError, "Binary inside of List"),
        ({"_key": ["a"], "n": [object()]}, {}, gf.SchemaError, "Object cannot be written"),
        ({"_key": ["a"]}, {}, gf.SchemaError, "no column to make members of"),
        ({"_key": ["a"], "n": [1]}, {"document": "n"}, gf.SchemaError, "'n' is Int64; expected St"),
        ({"_key": ["a"], "n": [1]}, {"document": "d"}, gf.SchemaError, "no column 'd'"),
        ({"_key": ["a"], "n": ["1"]}, {"document": 1}, gf.OptionError, "document is 1"),
        (
            {"_key": ["a"], "n": ["1"]},
            {"document": "n", "columns": ["n"]},
            gf.OptionError,
            "exclude each other",
        ),
        ({"_key": ["a"], "n": ["1"]}, {"path": ""}, gf.OptionError, "path is ''"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    url: str,
    redis_client: redis.Redis,
    frame: dict[str, list[Any]],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with counted(redis_client) as calls, pytest.raises(error, match=message):
        gf.write_json(pl.DataFrame(frame), url, **options)
    assert calls == {}


def test_too_many_levels() -> None:
    dtype: pl.DataType = pl.Int64()
    for _ in range(127):
        dtype = pl.List(dtype)
    with pytest.raises(gf.SchemaError, match="has 127 levels; a JSON document has at most 127"):
        gf.write_json(pl.DataFrame(schema={"_key": pl.String, "deep": dtype}), None)
