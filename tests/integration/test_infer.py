"""Schemas inferred from a sample: what they are, what they cost, and that scans take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gearframe as gf
from gearframe.infer import fetch, sampling
from tests.integration.commandstats import counted
from tests.servers.faults import Action, Filter
from tests.servers.fixtures import FreshServer, Pool
from tests.servers.patience import wait_until
from tests.servers.proxy import FaultProxy


def schema_of(url: str, *args: Any, **options: Any) -> dict[str, pl.DataType]:
    return dict(gf.infer_schema(url, *args, **options).schema)


# -- what polars-redis got wrong (its B14) ---------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["01007", "02139"], pl.String()),
        (["+49700", "+49701"], pl.String()),
        (["nan", "nan"], pl.String()),
        (["nan", "1.5"], pl.Float64()),
        (["1", "2", "3", "x"], pl.String()),
        (["0", "1", "1"], pl.Int64()),
        (["true", "false"], pl.Boolean()),
        (["1", "2.5"], pl.Float64()),
        (["1", ""], pl.String()),
        (["3.0", "3"], pl.Float64()),
        ([str(2**63), "1"], pl.UInt64()),
        ([str(2**64), "-1"], pl.Int128()),
        (["2024-01-31", "2024-02-01"], pl.Date()),
        (["2024-01-31T10:00:00", "2024-01-31 10:00"], pl.Datetime("us")),
        (["2024-01-31T10:00:00Z", "2024-01-31T10:00:00+02:00"], pl.Datetime("us", "UTC")),
        (["2024-01-31T10:00:00Z", "2024-01-31T10:00:00"], pl.String()),
        (["[1, 2]", "[]"], pl.List(pl.Int64())),
        (['{"a": 1}', '{"b": "x"}'], pl.Struct({"a": pl.Int64(), "b": pl.String()})),
        (['{"a": 1}', '{"a": "x"}'], pl.String()),
    ],
    ids=str,
)
def test_traps(redis_client: redis.Redis, url: str, values: list[str], dtype: pl.DataType) -> None:
    for i, value in enumerate(values):
        redis_client.hset(f"h:{i}", "f", value)
    inferred = gf.infer_schema(url, "h:*")
    assert dict(inferred.schema) == {"f": dtype}
    frame = gf.read_hashes(url, "h:*", inferred.schema)
    assert frame.height == len(values)
    if dtype in (pl.Int64, pl.UInt64, pl.Int128, pl.String):
        assert sorted(frame["f"].cast(pl.String)) == sorted(values)


def test_keys_of_other_types_are_counted(redis_client: redis.Redis, url: str) -> None:
    for i in range(5):
        redis_client.hset(f"k:h{i}", "n", i)
    redis_client.sadd("k:set", "x")
    redis_client.lpush("k:list", "x")
    redis_client.set("k:string", "x")
    inferred = gf.infer_schema(url, "k:*")
    assert (inferred.kind, inferred.sampled_keys, inferred.is_complete) == ("hashes", 5, True)
    assert inferred.left_out == {"of type set": 1, "of type list": 1, "of type string": 1}
    assert "keys left out: 1 of type set" in str(inferred)
    named = gf.infer_schema(url, kind="hashes", keys=["k:h1", "k:set", "gone"])
    assert dict(named.schema) == {"n": pl.Int64()}
    assert (named.sampled_keys, named.is_complete) == (1, False)
    assert named.left_out == {fetch.GONE: 2}


def test_nothing_to_infer_from(redis_client: redis.Redis, url: str) -> None:
    redis_client.sadd("s", "x")
    for inferred in (
        gf.infer_schema(url), gf.infer_schema(url, "no:*"), gf.infer_schema(url, kind="hashes")
    ):  # fmt: skip
        assert dict(inferred.schema) == {}
        assert inferred.sampled_keys == 0
        assert inferred.to_frame().height == 0
        assert "could be sampled" in str(inferred)


def test_binary_values_and_names(redis_client: redis.Redis, url: str) -> None:
    long = "ä" * 256
    redis_client.hset(
        "k", mapping={"b": b"\xff\x00", b"\xff": "1", "_key": "1", "nul\0": "1", long: "2", "": "3"}
    )
    inferred = gf.infer_schema(url, "k")
    expected = {"b": pl.Binary(), long: pl.Int64(), "": pl.Int64()}
    assert dict(inferred.schema) == expected
    assert inferred.omitted == {
        r"\xff": "is not UTF-8",
        "_key": "is the name of a column that scans add",
        r"nul\x00": "has a character that no column name can have",
    }
    frame = gf.read_hashes(url, "k", inferred.schema)
    assert frame.row(0, named=True) == {"_key": "k", "b": b"\xff\x00", long: 2, "": 3}
    assert r"no column: \xff is not UTF-8" in str(inferred)


def test_keys_that_are_not_utf8(redis_client: redis.Redis, url: str) -> None:
    redis_client.hset(b"\xff:1", "n", "1")
    assert schema_of(url, b"\xff:*") == {"n": pl.Int64()}


# -- kinds -----------------------------------------------------------------------------------------


def test_strings(redis_client: redis.Redis, url: str) -> None:
    redis_client.mset({"n:1": "1", "n:2": "22"})
    inferred = gf.infer_schema(url, "n:*")
    assert (inferred.kind, dict(inferred.schema)) == ("strings", {"value": pl.Int64()})
    assert inferred.to_python() == "lf = gf.scan_strings(client, 'n:*', pl.Int64)"
    assert gf.read_strings(url, "n:*", inferred.schema["value"])["value"].sum() == 23


def test_a_huge_string_is_not_read(redis_client: redis.Redis, url: str) -> None:
    redis_client.set("s:1", "1")
    redis_client.setrange("s:2", (4 << 20) + 1, "x")
    inferred = gf.infer_schema(url, "s:*")
    assert dict(inferred.schema) == {"value": pl.Int64()}
    assert inferred.left_out == {fetch.TOO_LARGE: 1}
    assert not inferred.is_complete


def test_streams(redis_client: redis.Redis, url: str) -> None:
    for i in range(3):
        redis_client.xadd("s:1", {"n": i, "_id": "x"}, id=f"{i + 1}-0")
    redis_client.execute_command("XADD", "s:2", "*", "n", "x", "n", "2", "t", "x")
    inferred = gf.infer_schema(url, "s:*")
    assert (inferred.kind, inferred.sampled_keys) == ("streams", 2)
    # Of a field that comes twice in an entry a scan reads the last.
    assert dict(inferred.schema) == {"n": pl.Int64(), "t": pl.String()}
    assert list(inferred.omitted) == ["_id"]
    frame = gf.read_streams(url, "s:*", "infer", id_column="entry")
    assert frame.columns == ["_key", "entry", "_ts", "n", "_id", "t"]
    assert sorted(frame["n"]) == [0, 1, 2, 2]


def test_long_streams_are_sampled_at_both_ends_and_between(
    redis_client: redis.Redis, url: str
) -> None:
    pipeline = redis_client.pipeline(transaction=False)
    for i in range(5000):
        pipeline.xadd("s", {"n" if 1000 < i < 4000 else "edge": i}, id=f"{i + 1}-0")
    pipeline.execute()
    inferred = gf.infer_schema(url, "s", seed=1, sample=100)
    assert inferred.rows <= 6 * 17
    assert dict(inferred.schema) == {"edge": pl.Int64(), "n": pl.Int64()}
    assert (inferred.partial_keys, inferred.is_complete) == (1, False)


def test_documents(json_url: str) -> None:
    documents = [
        '{"n": 1, "big": 18446744073709551615, "tags": ["a"], "at": {"x": 1.5}, "mixed": 1}',
        '{"n": 2, "big": 1, "tags": [], "at": {"x": 2, "y": [[1]], "z": 1}, "mixed": "x"}',
        '{"n": null, "at": {"z": "x"}, "since": "2024-01-31T10:00:00Z", "e": {}}',
        "[1]",
    ]
    with redis.Redis.from_url(json_url) as client:
        for i, document in enumerate(documents):
            client.execute_command("JSON.SET", f"d:{i}", "$", document)
    inferred = gf.infer_schema(json_url, "d:*")
    assert inferred.kind == "json"
    assert dict(inferred.schema) == {
        "n": pl.Int64(),
        "big": pl.UInt64(),
        "tags": pl.List(pl.String()),
        "at": pl.Struct({"x": pl.Float64(), "y": pl.List(pl.List(pl.Int64()))}),
        "since": pl.Datetime("us", "UTC"),
    }
    assert inferred.omitted.keys() == {"mixed", "e"}
    assert inferred.left_out == {"documents that are no objects": 1}
    at = next(column for column in inferred.columns if column.name == "at")
    assert at.note == "without $.z: has values that no one dtype takes"
    n = next(column for column in inferred.columns if column.name == "n")
    assert (n.values, n.present) == (2, 1.0)
    changed = inferred.with_overrides({"n": pl.Boolean, "big": pl.Int64})
    assert [column.parses for column in changed.columns][:2] == [0, 0.5]


# -- the sample ------------------------------------------------------------------------------------


def fill(client: redis.Redis, count: int, prefix: str = "k:") -> None:
    pipeline = client.pipeline(transaction=False)
    for i in range(count):
        pipeline.hset(f"{prefix}{i}", mapping={"n": i, "s": f"x{i}"})
    pipeline.execute()


@dataclass
class RoundTrips:
    """Counts how often commands follow replies on the connections of a proxy."""

    count: int = 0
    answered: bool = field(default=True)

    def commands(self) -> Filter:
        def pass_on(chunk: bytes) -> Iterator[Action]:
            self.count += self.answered
            self.answered = False
            yield chunk

        return pass_on

    def replies(self) -> Filter:
        def pass_on(chunk: bytes) -> Iterator[Action]:
            self.answered = True
            yield chunk

        return pass_on


@dataclass(frozen=True)
class Watch:
    filter_of: Any

    def filter(self) -> Filter:
        made: Filter = self.filter_of()
        return made


def test_a_thousand_keys_take_a_few_round_trips(redis_client: redis.Redis, url: str) -> None:
    fill(redis_client, 1000)
    trips = RoundTrips()
    with (
        FaultProxy(url, Watch(trips.replies), command_faults=[Watch(trips.commands)]) as proxy,
        counted(redis_client) as calls,
    ):
        inferred = gf.infer_schema(proxy.url, "k:*")
    assert inferred.sampled_keys == 1000
    assert calls["hgetall"] == calls["hlen"] == calls["type"] == 1000
    # Connecting twice, DBSIZE, 1 or 2 pages of SCAN, 1 TYPE, 4 HLEN and 4 HGETALL. A pipeline that
    # a busy machine carries in pieces counts once for each; one key at a time would be thousands.
    assert trips.count <= 100


def test_a_sample_of_many_keys_looks_at_few(redis_client: redis.Redis, url: str) -> None:
    fill(redis_client, 30_000)
    with counted(redis_client) as calls:
        inferred = gf.infer_schema(url, "k:*", "hashes", sample=500, seed=5)
    assert (inferred.sampled_keys, inferred.is_complete) == (500, False)
    assert calls == {"dbsize": 1, "scan": 16, "hlen": 500, "hgetall": 500}
    assert inferred.columns[0].confidence == pytest.approx(0.05 ** (1 / 500))
    keys = [f"k:{i}" for i in range(600)]
    for seed in (None, 0):
        named = gf.infer_schema(url, kind="hashes", sample=500, seed=seed, keys=keys)
        assert (named.sampled_keys, named.is_complete) == (500, False)


def chosen(url: str, control: redis.Redis, pattern: bytes, size: int, seed: int) -> set[bytes]:
    with gf.connect(url) as client:
        control.response_callbacks.clear()
        sample = sampling.sample_pattern(client, control, pattern, None, size, seed)
    assert len(set(sample.keys)) == len(sample.keys) == size
    return set(sample.keys)


def test_the_seed_chooses_the_same_keys_again(redis_client: redis.Redis, url: str) -> None:
    fill(redis_client, 5_000)
    first = chosen(url, redis_client, b"k:*", 400, 5)
    assert chosen(url, redis_client, b"k:*", 400, 5) == first
    assert len(chosen(url, redis_client, b"k:*", 400, 6) & first) < 100
    fill(redis_client, 30_000)
    # The server may still be resizing its table, which moves keys to other pages.
    first = chosen(url, redis_client, b"k:*", 400, 5)
    assert len(chosen(url, redis_client, b"k:*", 400, 5) & first) > 100
    assert len(chosen(url, redis_client, b"k:*", 400, 6) & first) < 100


def test_rare_keys_are_found_by_reading_all_names(redis_client: redis.Redis, url: str) -> None:
    fill(redis_client, 30_000)
    fill(redis_client, 20, "rare:")
    inferred = gf.infer_schema(url, "rare:*", seed=5)
    assert (inferred.sampled_keys, inferred.is_complete) == (20, True)


@pytest.mark.parametrize("count", [5_000, 30_000], ids=["all names", "pages"])
def test_each_key_has_the_same_chance(redis_client: redis.Redis, url: str, count: int) -> None:
    """The numbers of the sampled keys are spread as random ones: a test on ten classes."""
    fill(redis_client, count)
    found = [chosen(url, redis_client, b"k:*", 400, seed) for seed in range(5)]
    numbers = [int(key[2:]) for keys in found for key in keys]
    expected = len(numbers) / 10
    classes = [sum(n * 10 // count == c for n in numbers) for c in range(10)]
    # Chi squared of nine degrees of freedom exceeds 40 once in 130,000 times.
    assert sum((n - expected) ** 2 / expected for n in classes) < 40


def test_a_huge_hash_is_read_in_part(redis_client: redis.Redis, url: str) -> None:
    mapping: dict[str | bytes, bytes | float | int | str] = {f"f{i}": i for i in range(100_000)}
    redis_client.hset("h:big", mapping={**mapping, "n": "not a number"})
    redis_client.hset("h:1", mapping={"n": 1})
    with counted(redis_client) as calls:
        inferred = gf.infer_schema(url, "h:*", "hashes")
    assert calls["hgetall"] == calls["hscan"] == 1
    assert inferred.partial_keys == 1
    assert not inferred.is_complete
    # Nobody knows whether n is among the fields read first: as a column, it is asked for.
    assert inferred.schema["n"] == pl.String
    assert 1000 >= len(inferred.columns) > 500
    assert gf.read_hashes(url, "h:*", inferred.schema).height == 2


def test_many_fields_give_the_commonest_columns(redis_client: redis.Redis, url: str) -> None:
    for i in range(4):
        fields = {f"only{i}:{j}": j for j in range(500)}
        redis_client.hset(f"h:{i}", mapping={**fields, "common": i})
    inferred = gf.infer_schema(url, "h:*")
    assert len(inferred.columns) == 1000
    assert "common" in inferred.schema
    assert inferred.omitted == {"1,001 other fields": "are rarer than 1,000 others"}


# -- the result ------------------------------------------------------------------------------------


def test_result(redis_client: redis.Redis, url: str) -> None:
    for i in range(20):
        redis_client.hset(f"h:{i}", mapping={"n": "n/a" if i == 3 else i})
        if i % 2:
            redis_client.hset(f"h:{i}", "ok", "true")
    inferred = gf.infer_schema(url, "h:*", "hashes", seed=1)
    n, ok = inferred.columns
    assert (n.dtype, n.present, n.values, n.parses, n.confidence) == (pl.String, 1, 20, 1, 1)
    assert n.note == "Int64 but for 1 of 20 values, such as 'n/a'"
    assert (ok.dtype, ok.present, ok.examples) == (pl.Boolean, 0.5, ("true",))
    frame = inferred.to_frame()
    assert frame["dtype"].to_list() == ["String", "Boolean"]
    assert frame["examples"][1].to_list() == ["true"]
    assert str(inferred).splitlines()[0] == "hashes h:*: 20 keys, all that there are"
    assert inferred.to_python() == (
        'schema = {\n    "n": pl.String,\n    "ok": pl.Boolean,\n}\n'
        "lf = gf.scan_hashes(client, 'h:*', schema)"
    )


def test_overrides(redis_client: redis.Redis, url: str) -> None:
    for i in range(20):
        redis_client.hset(f"h:{i}", mapping={"n": "n/a" if i == 3 else i})
    inferred = gf.infer_schema(url, "h:*", "hashes", sample=19, seed=1)
    with counted(redis_client) as calls:
        changed = inferred.with_overrides({"n": int})
    assert calls == {}
    assert dict(changed.schema) == {"n": pl.Int64()}
    assert changed.columns[0].parses in (1.0, 18 / 19)
    assert changed.columns[0].confidence < 0.95
    assert dict(inferred.schema) == {"n": pl.String()}
    with pytest.raises(gf.SchemaError, match="there is no column 'm' to override; there are n"):
        inferred.with_overrides({"m": int})
    with pytest.raises(gf.SchemaError, match="Object is not supported"):
        inferred.with_overrides({"n": pl.Object})


def test_arguments(url: str) -> None:
    for options, message in [
        ({"sample": 0}, "sample is 0; expected a whole number from 1"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0"),
        ({"kind": "sets"}, "kind is 'sets'; expected one of hashes, json, strings, streams"),
        ({"keys": "k"}, r"keys is 'k'; expected a list of keys: \['k'\]"),
    ]:
        with pytest.raises(gf.OptionError, match=message):
            gf.infer_schema(url, **options)  # type: ignore[arg-type]


def test_errors_of_the_server(fresh_server: FreshServer) -> None:
    server = fresh_server(users=["reader on nopass ~* +@all -hgetall -dbsize"])
    with redis.Redis.from_url(server.url) as client:
        client.hset("h", "n", 1)
        client.set("s", "1")
    with gf.connect(server.url, username="reader", password="") as client:
        assert dict(client.infer_schema("s").schema) == {"value": pl.Int64()}
        with pytest.raises(gf.PermissionDeniedError, match="hgetall"):
            client.infer_schema("h")


# -- scans with an inferred schema -----------------------------------------------------------------


def test_scan_with_infer(redis_client: redis.Redis, url: str) -> None:
    redis_client.hset("u:1", mapping={"name": "Ann", "age": "41", "id": "7", "_key": "x"})
    redis_client.hset("u:2", mapping={"name": "Bob", "age": "x"})
    lf = gf.scan_hashes(url, "u:*", "infer")
    assert lf.collect_schema() == {
        "_key": pl.String, "name": pl.String, "age": pl.String, "id": pl.Int64
    }  # fmt: skip
    assert lf.collect().height == 2
    with gf.connect(url) as client:
        keys = iter(["u:1"])
        frame = client.read_hashes(schema="infer", keys=keys, key_column="id")
        assert frame.row(0, named=True) == {"id": "u:1", "name": "Ann", "age": 41, "_key": "x"}
        inferred = client.infer_schema("u:*").with_overrides({"id": str})
        assert client.read_hashes("u:*", inferred).schema["id"] == pl.String


def test_a_key_schema_narrows_what_is_sampled(redis_client: redis.Redis, url: str) -> None:
    redis_client.hset("user:1", mapping={"n": "1", "id": "x"})
    redis_client.hset("other:1", mapping={"n": "x"})
    frame = gf.read_hashes(url, schema="infer", key_schema="user:{id:Int64}")
    assert frame.rows(named=True) == [{"_key": "user:1", "id": 1, "n": 1}]


def test_scan_with_infer_without_keys(url: str) -> None:
    with pytest.raises(gf.SchemaError, match=r"there is nothing to infer from, for no key of 'u:"):
        gf.scan_hashes(url, "u:*", "infer")
    with pytest.raises(gf.SchemaError, match="schema is 'guess'; expected a mapping of names"):
        gf.scan_hashes(url, "u:*", "guess")


def test_no_connection_stays(redis_client: redis.Redis, url: str) -> None:
    fill(redis_client, 3)
    for _ in range(3):
        gf.infer_schema(f"{url}?client_name=samples")

    def left() -> int:
        return [each["name"] for each in redis_client.client_list()].count("samples")

    wait_until(lambda: left() == 0)


PIECES = st.sampled_from(
    ["0", "1", "-", "+", ".", "e5", "nan", "inf", "true", "T", " ", "2024-01-31", "10:00", "Z",
     "[1]", "{", "}", '{"a":1}', '{"a":"x"}', '"', "null", "9" * 18, "\0", "é"]
)  # fmt: skip
VALUES = (
    st.lists(PIECES, max_size=3).map(lambda parts: "".join(parts).encode())
    | st.binary(max_size=6)
    | st.integers(-(2**130), 2**130).map(lambda n: str(n).encode())
    | st.floats().map(lambda x: repr(x).encode())
)
NAMES = st.sampled_from([b"a", b"b", b"c", b"_key", b"\xff", b"", b"x" * 512]) | st.binary(
    max_size=3
)
HASHES = st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), min_size=1, max_size=6)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(hashes=HASHES, seed=st.integers(0, 2**64 - 1))
def test_a_scan_takes_what_was_inferred(
    server_pool: Pool, hashes: list[dict[bytes, bytes]], seed: int
) -> None:
    url = server_pool.get("valkey91").url
    with gf.connect(url) as client:
        client.execute("FLUSHALL")
        for i, fields in enumerate(hashes):
            words = [word for pair in fields.items() for word in pair]
            client.execute("HSET", f"h:{i}", *words)
        inferred = client.infer_schema("h:*", seed=seed)
        frame = client.read_hashes("h:*", inferred.schema)
    assert frame.height == len(hashes)
    assert frame.columns == ["_key", *inferred.schema]
    for column in inferred.columns:
        assert len(frame[column.name].drop_nulls()) == column.values


def test_reading_ends_after_64_mib(redis_client: redis.Redis, url: str) -> None:
    mebibyte = 2**20
    for number in range(100):
        redis_client.hset(f"large:{number}", "f", b"x" * mebibyte)
    before = redis_client.info("stats")["total_net_output_bytes"]
    found = gf.infer_schema(url, "large:*", "hashes")
    sent = redis_client.info("stats")["total_net_output_bytes"] - before
    assert 60 * mebibyte < sent < 70 * mebibyte
    assert found.sampled_keys + sum(found.left_out.values()) == 100
    assert found.left_out
