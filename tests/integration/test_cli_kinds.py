"""``gearframe scan --kind``: every kind of key, with its options, from the shell."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import redis

from gearframe.cli import main
from tests.integration.commandstats import counted

Capture = pytest.CaptureFixture[str]
HEADING = 3


def rows(capture: Capture) -> list[list[str]]:
    """The rows of the table as words."""
    return [line.split() for line in capture.readouterr().out.splitlines()[HEADING:]]


@pytest.fixture
def keys(redis_client: redis.Redis) -> redis.Redis:
    redis_client.sadd("k:set", "7")
    redis_client.rpush("k:list", "1", "2", "3")
    redis_client.zadd("k:zset", {"ann": 10, "bob": 30, "cid": 20})
    for id, celsius in ("1000-0", "20.5"), ("2000-0", "21.0"), ("1709200800000-0", "22.0"):
        redis_client.xadd("k:stream", {"celsius": celsius}, id)
    redis_client.hset("k:hash", mapping={"name": "Ann"})
    return redis_client


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sets", ["k:set 7"]),
        ("sets --schema n=Int64 --where n>6", ["k:set 7"]),
        ("lists", ["k:list 1", "k:list 2", "k:list 3"]),
        ("lists --schema n=Int64 --position --start -2", ["k:list 1 2", "k:list 2 3"]),
        ("lists --start 0 --end 0", ["k:list 1"]),
        ("zsets --rank --start -1", ["k:zset 2 bob 30.0"]),
        ("zsets --where score<15", ["k:zset ann 10.0"]),
        ("zsets --end 0", ["k:zset ann 10.0"]),
        ("fields", ["k:hash name Ann"]),
        ("fields --schema v=String --select field,v", ["name Ann"]),
        ("streams --select _id,celsius --end 1000", ["1000-0 20.5"]),
        ("streams --select _id --start (1000-0 --end 2024-02-28", ["2000-0"]),
        ("streams --select celsius --start 2024-02-29T10:00", ["22.0"]),
        ("streams --schema celsius=Float64 --select celsius --head 1", ["20.5"]),
        ("streams --schema infer --select celsius --where celsius>21.5", ["22.0"]),
        ("keys --select _key,type,length --where type='list'", ["k:list list 3"]),
        ("sets --select kind,member --key-schema k:{kind}", ["set 7"]),
        ("hashes --field-ttl --schema name=String", ["k:hash Ann null"]),
    ],
)
def test_rows(
    keys: redis.Redis, url: str, capsys: Capture, words: str, expected: list[str]
) -> None:
    kind, *options = words.split()
    assert main(["scan", url, "k:*", "--kind", kind, *options]) == 0
    assert rows(capsys) == [line.split() for line in expected]


@pytest.mark.parametrize("kind", ["sets", "lists", "zsets", "streams", "fields", "hashes"])
def test_keys_only(keys: redis.Redis, url: str, capsys: Capture, kind: str) -> None:
    with counted(keys) as calls:
        assert main(["scan", url, "--kind", kind, "--keys-only", "--key-schema", "k:{what}"]) == 0
    name = {"fields": "hash", "hashes": "hash"}.get(kind, kind.removesuffix("s"))
    assert rows(capsys) == [[f"k:{name}", name]]
    asked = {} if name == "hash" else {"type": 1}  # of the keys that SCAN TYPE gives
    assert calls == {"scan": 1, **asked}


def test_keys_only_with_times_to_live(keys: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["scan", url, "--kind", "lists", "--keys-only", "--ttl"]) == 0
    assert rows(capsys) == [["k:list", "null"]]
    assert main(["scan", url, "--kind", "keys", "--keys-only"]) == 0
    assert len(rows(capsys)) == 5


def test_a_file_has_all_elements(
    redis_client: redis.Redis, url: str, tmp_path: Path, capsys: Capture
) -> None:
    redis_client.rpush("queue", *range(5000))
    path = tmp_path / "queue.parquet"
    words = ["--kind", "lists", "--schema", "n=Int64", "--to", str(path)]
    assert main(["scan", url, "queue", *words]) == 0
    assert pl.read_parquet(path)["n"].to_list() == list(range(5000))
    assert capsys.readouterr().err.startswith("5,000 rows in ")


@pytest.mark.parametrize("kind", ["sets", "lists", "zsets", "keys", "fields"])
def test_explain_reads_nothing(keys: redis.Redis, url: str, capsys: Capture, kind: str) -> None:
    with counted(keys) as calls:
        assert main(["scan", url, "k:*", "--kind", kind, "--explain"]) == 0
    assert calls == {}
    assert "SCAN MATCH k:* COUNT 1000" in capsys.readouterr().out


def test_streams_without_a_schema(keys: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["scan", url, "k:*", "--kind", "streams", "--head", "0"]) == 0
    out, err = capsys.readouterr()
    assert out.split()[:4] == ["_key", "_id", "_ts", "celsius"]
    told = "no --schema: the fields of 1 sampled streams, all as String: celsius\n"
    assert err.startswith(told)
    assert "none is of type" not in err


def test_infer_for_strings(redis_client: redis.Redis, url: str, capsys: Capture) -> None:
    redis_client.mset({"hits:a": "3", "hits:b": "4"})
    words = ["--kind", "strings", "--schema", "infer", "--where", "value > 3"]
    assert main(["scan", url, "hits:*", *words]) == 0
    assert rows(capsys) == [["hits:b", "4"]]


# -- kinds of modules ------------------------------------------------------------------------------


def test_json(json_client: redis.Redis, json_url: str, capsys: Capture) -> None:
    json_client.execute_command("JSON.SET", "doc:1", "$", '{"n":1,"s":"x"}')
    words = ["scan", json_url, "doc:*", "--kind", "json"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[HEADING].split() == ["doc:1", '{"n":1,"s":"x"}']
    assert err.startswith("no --schema: the text of each document; --schema infer ")
    assert main([*words, "--schema", "infer", "--where", "n > 0"]) == 0
    assert rows(capsys) == [["doc:1", "1", "x"]]
    assert main([*words, "--schema", "s=String"]) == 0
    assert rows(capsys) == [["doc:1", "x"]]
    assert main([*words, "--keys-only"]) == 0
    assert rows(capsys) == [["doc:1"]]


def test_time_series(timeseries_url: str, capsys: Capture) -> None:
    with redis.Redis.from_url(timeseries_url, protocol=2) as client:
        client.ts().create("t:1", labels={"room": "hall"})
        for time, value in (1000, 1), (2000, 3), (90_000, 5):
            client.ts().add("t:1", time, value)
    words = ["scan", timeseries_url, "t:*", "--kind", "timeseries", "--select", "value"]
    assert main(words) == 0
    assert rows(capsys) == [["1.0"], ["3.0"], ["5.0"]]
    assert main([*words, "--start", "2000", "--end", "1970-01-01T00:00:10"]) == 0
    assert rows(capsys) == [["3.0"]]
    assert main([*words, "--aggregation", "avg", "--bucket", "1m"]) == 0
    assert rows(capsys) == [["2.0"], ["5.0"]]
    assert main([*words[:-1], "room,value", "--labels", "room", "--where", "value = 5"]) == 0
    assert rows(capsys) == [["hall", "5.0"]]
    assert main([*words[:-2], "--keys-only"]) == 0
    assert rows(capsys) == [["t:1"]]


@pytest.mark.servers("redis82")
def test_vectors(redis_client: redis.Redis, url: str, capsys: Capture) -> None:
    redis_client.execute_command("VADD", "docs", "VALUES", 2, "0.6", "0.8", "a", "NOQUANT")
    words = ["scan", url, "--kind", "vectors"]
    assert main([*words, "--select", "member"]) == 0
    assert rows(capsys) == [["a"]]
    assert main(words) == 0
    assert "Array[Float32,2]" in capsys.readouterr().out
    assert main([*words, "--keys-only"]) == 0
    assert rows(capsys) == [["docs"]]


# -- what cannot be --------------------------------------------------------------------------------


def test_keys_of_another_type_are_told(keys: redis.Redis, url: str, capsys: Capture) -> None:
    keys.delete("k:hash")
    assert main(["scan", url, "k:*"]) == 0
    told = "of 4 keys looked at, none is of type hash: "
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(told)
    assert sorted(last.removeprefix(told).partition(";")[0].split(", ")) == [
        "1 list", "1 set", "1 stream", "1 zset",
    ]  # fmt: skip
    assert main(["scan", url, "k:zset", "--kind", "lists"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        "of 1 key looked at, none is of type list: 1 zset; try --kind zsets"
    )


def test_no_word_of_types_where_the_filter_left_no_row(
    keys: redis.Redis, url: str, capsys: Capture
) -> None:
    assert main(["scan", url, "k:*", "--kind", "zsets", "--where", "score > 99"]) == 0
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("lists --rank", "--rank is for --kind zsets, not lists"),
        ("hashes --start 1", "--start is for --kind lists and zsets and streams and timeseries"),
        ("keys --field-ttl", "--field-ttl is for --kind hashes and fields, not keys"),
        ("lists --start x", "--start is 'x'; of lists a whole number, below 0 from the end"),
        ("streams --start 2024-13-01", "--start is '2024-13-01', which is no time (month must be"),
        ("lists --keys-only --position", "--keys-only reads no value, and --position is about"),
        ("sets --schema infer", "--schema infer is for --kind hashes, strings, streams, json"),
        ("sets --schema a=Int8,b=Int8", "--schema names 2 columns; sets have one: --schema member"),
        ("keys --schema a=Int8", "--schema: --kind keys has what the server knows of each key"),
        ("keys --ttl", "--kind keys has a column ttl anyway; leave --ttl out"),
        ("timeseries --bucket 1w", "--bucket is '1w'; expected a length such as 500ms, 30s"),
        ("timeseries --bucket 999999999999999d", "--bucket is '999999999999999d'; expected a"),
        ("timeseries --bucket 1m", "aggregation is None and bucket is"),
        ("strings --schema infer", "dtype='infer': there is nothing to infer from"),
    ],
)
def test_wrong_requests(url: str, capsys: Capture, words: str, message: str) -> None:
    kind, *options = words.split()
    assert main(["scan", url, "k:*", "--kind", kind, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {message}")
    assert len(err.splitlines()) == 1


@pytest.mark.servers("redis82")
def test_no_vector_set(redis_client: redis.Redis, url: str, capsys: Capture) -> None:
    redis_client.set("a", "b")
    assert main(["scan", url, "--kind", "vectors"]) == 2
    assert capsys.readouterr().err == (
        "error: no key of '*' is a vector set, so nothing says how long vectors are\n"
    )


def test_help_names_the_commands_and_kinds(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    assert "infer" in capsys.readouterr().out
    assert main(["scan", "--help"]) == 0
    out = capsys.readouterr().out
    for kind in ("fields", "zsets", "streams", "json", "timeseries", "vectors", "keys"):
        assert kind in out
