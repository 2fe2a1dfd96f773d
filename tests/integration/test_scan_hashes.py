"""The options of a scan, odd keys and values, and what is refused."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.commandstats import counted
from tests.servers.patience import PATIENCE

ODD_KEYS = ["", " ", "a b", "a\nb\r\n", "a\x00b", "*", "?", "[a]", "\\", "ż🦀", "x" * 5000]


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> gf.Client:
    return gf.connect(url, protocol=request.param)


def test_odd_keys(client: gf.Client, redis_client: redis.Redis) -> None:
    for i, key in enumerate(ODD_KEYS):
        redis_client.hset(key, mapping={"n": str(i)})
    expected = sorted(zip(ODD_KEYS, range(len(ODD_KEYS)), strict=True))
    lf = gf.scan_hashes(client, "*", {"n": pl.Int64})
    assert sorted(lf.collect().rows()) == expected
    assert sorted(gf.read_hashes(client, "", {"n": int}, keys=ODD_KEYS).rows()) == expected
    for key, i in expected:
        assert lf.filter(pl.col("_key") == key).collect().rows() == [(key, i)]
        found = lf.filter(pl.col("_key").str.starts_with(key)).collect()["_key"]
        assert sorted(found) == sorted(other for other in ODD_KEYS if other.startswith(key))


def test_keys_that_are_not_utf8(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.hset(b"a\xff", "n", "1")
    redis_client.hset("b", "n", "2")
    with pytest.raises(gf.DataError) as caught:
        gf.read_hashes(client, "*", {"n": pl.Int8})
    assert (caught.value.key, caught.value.field) == (b"a\xff", None)
    assert 'b"a\\xff"' in str(caught.value)
    assert "key_dtype=pl.Binary" in str(caught.value)
    frame = gf.read_hashes(client, "*", {"n": pl.Int8}, key_dtype=pl.Binary)
    assert sorted(frame.rows()) == [(b"a\xff", 1), (b"b", 2)]
    assert gf.read_hashes(client, "*", {"n": pl.Int8}, on_error="skip").rows() == [("b", 2)]
    assert gf.read_hashes(client, "*", {"n": pl.Int8}, include_key=False)["n"].sum() == 3
    assert gf.read_hashes(client, b"a\xff", {}, key_dtype=pl.Binary).rows() == [(b"a\xff",)]


def test_values_that_are_not_utf8(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.hset("k", mapping={"n": b"\xff\xfe", b"\xff": "x"})
    assert gf.read_hashes(client, "*", {"n": pl.Binary}).rows() == [("k", b"\xff\xfe")]
    with pytest.raises(gf.DataError, match='field "n" of key "k" is b"') as caught:
        gf.read_hashes(client, "*", {"n": pl.String})
    assert (caught.value.key, caught.value.value) == (b"k", b"\xff\xfe")


def test_huge_values(client: gf.Client, redis_client: redis.Redis) -> None:
    for i in range(6):
        redis_client.hset(f"k{i}", mapping={"big": str(i) * 5_000_000, "n": str(i)})
    lf = gf.scan_hashes(client, "*", {"big": pl.String, "n": pl.Int8})
    frame = lf.sort("n").collect()
    assert frame["big"].str.len_bytes().to_list() == [5_000_000] * 6
    assert frame["big"].str.head(1).to_list() == list("012345")


def test_many_fields(client: gf.Client, redis_client: redis.Redis) -> None:
    for key in ("a", "b"):
        redis_client.hset(key, mapping={f"f{i}": str(i) for i in range(5000)})
    schema = {f"f{i}": pl.Int32 for i in range(5000)}
    frame = gf.read_hashes(client, "*", schema)
    assert frame.shape == (2, 5001)
    assert frame.drop("_key").row(0) == tuple(range(5000))
    assert gf.read_hashes(client, "*", {"f4999": pl.Int32})["f4999"].to_list() == [4999, 4999]


def test_fields_with_odd_names(client: gf.Client, redis_client: redis.Redis) -> None:
    names = ["", " ", "a b", "ż", "\n", "*", "^.*$", "_key2", "'", '"']
    redis_client.hset("k", mapping={name: str(i) for i, name in enumerate(names)})
    frame = gf.read_hashes(client, "*", dict.fromkeys(names, pl.Int8))
    assert frame.columns == ["_key", *names]
    assert frame.row(0) == ("k", *range(len(names)))
    assert gf.read_hashes(client, "*", {"*": int, "^.*$": int}, include_key=False).row(0) == (5, 6)


def test_no_match_has_the_dtypes(client: gf.Client) -> None:
    schema = {"a": pl.Enum(["x"]), "b": pl.Int128, "c": pl.List(pl.Date), "d": pl.Decimal(9, 2)}
    lf = gf.scan_hashes(client, "none:*", schema, include_ttl=True, row_index_name="i")
    for frame in (lf.collect(), lf.collect(engine="streaming")):
        assert frame.height == 0
        assert frame.schema == lf.collect_schema()
    assert list(lf.collect_schema()) == ["i", "_key", "_ttl", "a", "b", "c", "d"]
    assert gf.reports(lf)[0].keys_seen == 0
    assert lf.select(pl.len()).collect().item() == 0


def test_ttl(client: gf.Client, redis_client: redis.Redis) -> None:
    for key in ("a", "b", "c"):
        redis_client.hset(key, "n", "1")
    redis_client.pexpire("a", 100_000)
    redis_client.expire("b", 10**9)
    frame = gf.read_hashes(client, "*", {"n": pl.Int8}, include_ttl=True).sort("_key")
    assert frame.schema["_ttl"] == pl.Duration("ms")
    soon, late, never = frame["_ttl"]
    assert dt.timedelta(seconds=50) < soon <= dt.timedelta(seconds=100)
    assert late > dt.timedelta(days=10_000)
    assert never is None
    other = gf.read_hashes(client, "*", {"_ttl": pl.Int8}, include_ttl=True, ttl_column="t")
    assert other.columns == ["_key", "t", "_ttl"]


def test_named_keys_keep_their_order(client: gf.Client, redis_client: redis.Redis) -> None:
    for i in range(3000):
        redis_client.hset(f"k{i}", "n", str(i))
    keys = [f"k{i}" for i in reversed(range(3000))]
    frame = gf.read_hashes(client, keys=[*keys, *keys], schema={"n": pl.Int32}, batch_size=7)
    assert frame["_key"].to_list() == keys
    assert gf.read_hashes(client, keys=iter(["k1", b"k2", "k1"]), schema={})["_key"].to_list() == [
        "k1",
        "k2",
    ]
    assert gf.read_hashes(client, keys=[], schema={}).height == 0


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_batch_size(client: gf.Client, redis_client: redis.Redis, size: int) -> None:
    for i in range(100):
        redis_client.hset(f"k{i}", "n", str(i))
    lf = gf.scan_hashes(client, "*", {"n": pl.Int32}, batch_size=size, row_index_name="i")
    assert sorted(lf.collect()["n"]) == list(range(100))
    assert lf.collect()["i"].to_list() == list(range(100))
    assert gf.reports(lf)[0].batches >= 100 / size
    assert sum(batch.height for batch in lf.collect_batches()) == 100


def test_throttle_spreads_the_keys(client: gf.Client, redis_client: redis.Redis) -> None:
    for i in range(120):
        redis_client.hset(f"k{i}", "n", str(i))
    with counted(redis_client) as calls:
        lf = gf.scan_hashes(client, "*", {"n": pl.Int32}, throttle=200)
        started = time.monotonic()
        assert sum(batch.height for batch in lf.collect_batches()) == 120
        took = time.monotonic() - started
    # Without the throttle it would take a few milliseconds.
    assert took > 0.3
    assert calls["hmget"] == 120


def test_throttle_of_keys_alone(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.mset({f"k{i}": "" for i in range(100)})
    started = time.monotonic()
    assert gf.scan_strings(client, "*", throttle=200).select(pl.len()).collect().item() == 100
    assert time.monotonic() - started > 0.2


def test_a_throttled_scan_can_be_left(client: gf.Client, redis_client: redis.Redis) -> None:
    for i in range(100):
        redis_client.hset(f"k{i}", "n", str(i))
    lf = gf.scan_hashes(client, "*", {"n": pl.Int32}, throttle=0.001, batch_size=1)
    started = time.monotonic()
    assert lf.head(1).collect().height == 1
    # The second key would come after 1000 s.
    assert time.monotonic() - started < PATIENCE


def test_progress(
    client: gf.Client, redis_client: redis.Redis, capfd: pytest.CaptureFixture[str]
) -> None:
    for i in range(10):
        redis_client.hset(f"k{i}", "n", str(i))
    assert gf.read_hashes(client, "*", {"n": pl.Int32}, progress=True).height == 10
    assert "scan hashes" in capfd.readouterr().err


def test_a_closed_client_is_refused(client: gf.Client) -> None:
    client.close()
    with pytest.raises(gf.OptionError, match="is closed; connect again"):
        gf.scan_hashes(client, "*", {})


def test_the_server_is_asked_when_the_query_runs(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    lf = gf.scan_hashes(client, "*", {"n": pl.Int8})
    redis_client.hset("k", "n", "1")
    assert lf.collect().rows() == [("k", 1)]
    redis_client.hset("k", "n", "2")
    assert lf.collect().rows() == [("k", 2)]


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "options", "error", "message"),
    [
        (None, {}, gf.SchemaError, "schema is missing; expected the fields and their dtypes"),
        ({"a": pl.Object}, {}, gf.SchemaError, "column 'a': Object is not supported"),
        ([("a", int), ("a", str)], {}, gf.SchemaError, "two columns are called 'a'"),
        ({"a\0b": int}, {}, gf.SchemaError, r"'a\x00b' has a character that no column name"),
        ({"s": pl.Struct({"\0": int})}, {}, gf.SchemaError, "has a character that no column"),
        ({}, {"key_column": "\ud800"}, gf.SchemaError, "has a character that no column name"),
        ({"_key": str}, {}, gf.SchemaError, "'_key' is the key column already"),
        ({"_ttl": str}, {"include_ttl": True}, gf.SchemaError, "'_ttl' is the ttl column already"),
        ({"id": str}, {"key_column": "id"}, gf.SchemaError, "'id' is in the frame already"),
        ({"i": str}, {"row_index_name": "i"}, gf.SchemaError, "'i' is in the frame already"),
        ({}, {"row_index_name": "_key"}, gf.SchemaError, "share a name; give each its own"),
        ({}, {"include_key": False}, gf.SchemaError, "the frame would have no column"),
        ({}, {"key_dtype": pl.Int64}, gf.SchemaError, "expected pl.String or pl.Binary"),
        ({}, {"key_column": 7}, gf.SchemaError, "a column cannot be called 7"),
        ({}, {"batch_size": 0}, gf.OptionError, "batch_size is 0; expected a whole number"),
        ({}, {"batch_size": True}, gf.OptionError, "batch_size is True; expected a whole number"),
        ({}, {"batch_size": 2**70}, gf.OptionError, "batch_size is 1180591620717411303424"),
        ({}, {"scan_count": 1.5}, gf.OptionError, "scan_count is 1.5; expected a whole number"),
        ({}, {"scan_count": 2**63}, gf.OptionError, "scan_count is 9223372036854775808"),
        ({}, {"throttle": 0}, gf.OptionError, "throttle is 0; expected keys a second from 0.001"),
        ({}, {"throttle": True}, gf.OptionError, "throttle is True; expected keys a second"),
        ({}, {"throttle": float("nan")}, gf.OptionError, "throttle is nan; expected"),
        ({}, {"throttle": float("inf")}, gf.OptionError, "throttle is inf; expected"),
        ({}, {"throttle": 1e-300}, gf.OptionError, "throttle is 1e-300; expected"),
        ({}, {"row_index_offset": -1}, gf.OptionError, "row_index_offset is -1; expected"),
        ({}, {"on_error": "ignore"}, gf.OptionError, "on_error is 'ignore'; expected 'raise'"),
        ({}, {"keys": "user:1"}, gf.OptionError, r"expected a list of keys: ['user:1']"),
        ({}, {"keys": [1]}, gf.OptionError, "keys has 1; expected texts or bytes"),
        ({}, {"keys": 1}, gf.OptionError, "keys is 1; expected a list of keys"),
        ({}, {"keys": ["\ud800"]}, gf.OptionError, "cannot be encoded as UTF-8"),
        ({}, {"ncols": 1}, TypeError, "unexpected keyword argument 'ncols'"),
    ],
)
def test_refused(
    url: str, schema: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        gf.scan_hashes(url, "*", schema, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("pattern", [7, None, "\ud800"])
def test_refused_patterns(url: str, pattern: Any) -> None:
    with pytest.raises(gf.OptionError):
        gf.scan_hashes(url, pattern, {})


def test_skip_leaves_out_the_same_rows_whatever_is_asked(
    url: str, redis_client: redis.Redis
) -> None:
    for i in range(10):
        redis_client.hset(f"user:{i}", mapping={"a": str(i), "b": "x" if i < 3 else "1"})
    lf = gf.scan_hashes(url, "user:*", {"a": pl.Int64, "b": pl.Int64}, on_error="skip")
    assert lf.collect().height == 7
    assert lf.select(pl.len()).collect().item() == 7
    assert sorted(lf.select("a").collect()["a"]) == [3, 4, 5, 6, 7, 8, 9]
    assert lf.filter(pl.col("a") < 5).select("_key").collect().height == 2
    assert "on_error='skip' judges a row by all of them" in gf.explain(lf.select("a"))


def test_batches_end_by_the_rows_that_were_read(url: str, redis_client: redis.Redis) -> None:
    with redis_client.pipeline(transaction=False) as pipe:
        for i in range(1000):
            pipe.hset(f"user:{i}", "a", "" if i % 2 else "1")
        pipe.execute()
    keys = [f"user:{i}" for i in range(1000)]
    lf = gf.scan_hashes(url, schema={"a": pl.Int64}, keys=keys, on_error="skip", batch_size=100)
    assert lf.collect().height == 500
    (report,) = gf.reports(lf)
    assert (report.rows_skipped, report.batches) == (500, 10)


def test_batches_end_by_the_size_of_columns(url: str, redis_client: redis.Redis) -> None:
    with redis_client.pipeline(transaction=False) as pipe:
        for i in range(4000):
            pipe.hset(f"user:{i}", "b", "1")
        pipe.execute()
    # A null of this Array takes 40,000 bytes of memory and none of text.
    schema = {"a": pl.Array(pl.Float64, 5000), "b": pl.Int64}
    lf = gf.scan_hashes(url, "user:*", schema)
    assert lf.select(pl.col("a").null_count(), pl.len()).collect().row(0) == (4000, 4000)
    assert gf.reports(lf)[0].batches >= 9
