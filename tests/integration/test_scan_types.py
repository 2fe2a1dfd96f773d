"""Each dtype from text to frame: what it takes, what it refuses, and what it becomes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf

UTC = dt.UTC
IN_UTC = pl.Datetime("us", "UTC")
PARIS = pl.Datetime("us", "Europe/Paris")

GOOD: list[tuple[Any, str | bytes, object]] = [
    (pl.Int8, "-128", -128),
    (pl.Int16, "32767", 32767),
    (pl.Int32, "+7", 7),
    (pl.Int64, "9223372036854775807", 2**63 - 1),
    (pl.Int64, "-9223372036854775808", -(2**63)),
    (pl.Int64, "007", 7),
    (pl.Int128, str(-(2**127)), -(2**127)),
    (pl.UInt8, "255", 255),
    (pl.UInt16, "0", 0),
    (pl.UInt32, "4294967295", 2**32 - 1),
    (pl.UInt64, "18446744073709551615", 2**64 - 1),
    (pl.UInt128, str(2**128 - 1), 2**128 - 1),
    (pl.Float32, "0.5", 0.5),
    (pl.Float64, "-1.5e-3", -0.0015),
    (pl.Float64, "3", 3.0),
    (pl.Float64, "inf", float("inf")),
    (pl.Boolean, "true", True),
    (pl.Boolean, "False", False),
    (pl.Boolean, "1", True),
    (pl.Boolean, "0", False),
    (pl.String, "", ""),
    (pl.String, "zażółć 🦀\x00\n", "zażółć 🦀\x00\n"),
    (pl.Binary, b"\xff\x00", b"\xff\x00"),
    (pl.Categorical, "red", "red"),
    (pl.Enum(["red", "blue"]), "blue", "blue"),
    (pl.Date, "2024-02-29", dt.date(2024, 2, 29)),
    (pl.Date, "1969-12-31", dt.date(1969, 12, 31)),
    (pl.Time, "23:59:59.5", dt.time(23, 59, 59, 500_000)),
    (pl.Time, "07:30", dt.time(7, 30)),
    (pl.Datetime("us"), "2024-02-29T12:00:00", dt.datetime(2024, 2, 29, 12)),
    (pl.Datetime("us"), "2024-02-29 12:00:00.25", dt.datetime(2024, 2, 29, 12, 0, 0, 250_000)),
    (pl.Datetime("us"), "2024-02-29T12:00:00+02:00", dt.datetime(2024, 2, 29, 10)),
    (pl.Datetime("ms"), "2024-02-29T12:00:00.001Z", dt.datetime(2024, 2, 29, 12, 0, 0, 1000)),
    (IN_UTC, "2024-01-01T00:30+01:00", dt.datetime(2023, 12, 31, 23, 30, tzinfo=UTC)),
    (PARIS, "2024-07-01T12:00:00", dt.datetime(2024, 7, 1, 10, tzinfo=UTC)),
    (PARIS, "2024-07-01T12:00:00Z", dt.datetime(2024, 7, 1, 12, tzinfo=UTC)),
    (pl.Datetime("ns"), "1970-01-01T00:00:00.000001", dt.datetime(1970, 1, 1, 0, 0, 0, 1)),
    (pl.Duration("ms"), "P1DT2H", dt.timedelta(days=1, hours=2)),
    (pl.Duration("us"), "-PT1.5S", dt.timedelta(seconds=-1.5)),
    (pl.Decimal(10, 2), "-1234.50", Decimal("-1234.50")),
    (pl.Decimal(38, 0), "9" * 38, Decimal("9" * 38)),
    (pl.List(pl.Int64), "[1, null, 3]", [1, None, 3]),
    (pl.List(pl.String), "[]", []),
    (pl.List(pl.List(pl.Float64)), "[[1.5], []]", [[1.5], []]),
    (pl.Array(pl.Int8, 2), "[1, 2]", [1, 2]),
    (pl.Struct({"x": pl.Int64, "y": pl.String}), '{"y": "b", "z": 0}', {"x": None, "y": "b"}),
    (pl.Struct({"d": pl.Date}), '{"d": "2024-02-29"}', {"d": dt.date(2024, 2, 29)}),
    (pl.List(pl.Int128), f"[{2**100}]", [2**100]),
    (pl.List(pl.Struct({"e": pl.Enum(["a"])})), '[{"e": "a"}]', [{"e": "a"}]),
]  # fmt: skip

BAD: list[tuple[Any, str | bytes]] = [
    (pl.Int64, "1.9"),
    (pl.Int64, "1.0"),
    (pl.Int64, ""),
    (pl.Int64, " 1"),
    (pl.Int64, "1 "),
    (pl.Int64, "1e3"),
    (pl.Int64, "0x10"),
    (pl.Int64, "1_000"),
    (pl.Int64, "\u0661"),
    (pl.Int64, "9223372036854775808"),
    (pl.Int64, str(2**64)),
    (pl.Int8, "128"),
    (pl.Int128, str(2**127)),
    (pl.UInt8, "256"),
    (pl.UInt8, "-1"),
    (pl.UInt64, str(2**64)),
    (pl.UInt128, str(2**128)),
    (pl.Float32, "1e39"),
    (pl.Float64, "1e309"),
    (pl.Float64, "1,5"),
    (pl.Float64, "one"),
    (pl.Boolean, "yes"),
    (pl.Boolean, "2"),
    (pl.Boolean, ""),
    (pl.String, b"\xff"),
    (pl.Categorical, b"\xff"),
    (pl.Enum(["red"]), "green"),
    (pl.Date, "2024-02-31"),
    (pl.Date, "2023-02-29"),
    (pl.Date, "2024-2-1"),
    (pl.Date, "2024-02-29T00:00"),
    (pl.Date, "29.02.2024"),
    (pl.Time, "24:00"),
    (pl.Time, "7:30"),
    (pl.Datetime("us"), "2024-02-29"),
    (pl.Datetime("us"), "2024-02-31T12:00"),
    (pl.Datetime("us"), "1709208000"),
    (pl.Datetime("ms"), "2024-02-29T12:00:00.0001"),
    (PARIS, "2024-03-31T02:30:00"),
    (pl.Duration("ms"), "90"),
    (pl.Duration("ms"), "PT0.0001S"),
    (pl.Decimal(5, 2), "1.234"),
    (pl.Decimal(5, 2), "1234.5"),
    (pl.Decimal(5, 2), "1e2"),
    (pl.List(pl.Int64), "[1.5]"),
    (pl.List(pl.Int64), "1"),
    (pl.List(pl.Int64), "[1"),
    (pl.List(pl.Int64), '["1"]'),
    (pl.Array(pl.Int8, 2), "[1]"),
    (pl.Array(pl.Int8, 2), "[1, 2, 3]"),
    (pl.Struct({"x": pl.Int64}), "[]"),
    (pl.Struct({"x": pl.Int8}), '{"x": 300}'),
]


def bytes_of(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@pytest.mark.parametrize("protocol", [2, 3])
def test_good_values(url: str, redis_client: redis.Redis, protocol: int) -> None:
    schema = {str(i): dtype for i, (dtype, _, _) in enumerate(GOOD)}
    redis_client.hset("a", mapping={str(i): text for i, (_, text, _) in enumerate(GOOD)})
    redis_client.hset("b", "other", "x")
    client = gf.connect(url, protocol=protocol)  # type: ignore[arg-type]
    frame = gf.read_hashes(client, "*", schema).sort("_key")
    assert frame.schema == {
        "_key": pl.String,
        **gf.scan_hashes(client, "*", schema).collect_schema(),
    }
    for i, (dtype, text, value) in enumerate(GOOD):
        column = frame[str(i)]
        given = dtype() if isinstance(dtype, type) else dtype
        assert column.dtype == given, (dtype, text)
        found = column[0].to_list() if isinstance(column[0], pl.Series) else column[0]
        assert found == value, (dtype, text)
        assert column[1] is None


@pytest.mark.parametrize(("dtype", "text"), BAD, ids=repr)
def test_bad_values(bad: redis.Redis, bad_url: str, dtype: Any, text: str | bytes) -> None:
    bad.hset("the key", "the field", text)
    bad.hset("good", "other", "x")
    lf = gf.scan_hashes(bad_url, "*", {"the field": dtype})
    with pytest.raises(gf.DataError) as caught:
        lf.collect()
    error = caught.value
    assert (error.key, error.field, error.value) == (b"the key", "the field", bytes_of(text))
    name = (dtype if isinstance(dtype, type) else type(dtype)).__name__
    assert (error.dtype or "").startswith(name)
    assert 'field "the field" of key "the key" is ' in str(error)
    assert f"which is not {error.dtype}" in str(error)

    nulled = gf.scan_hashes(bad_url, "*", {"the field": dtype}, on_error="null")
    assert sorted(nulled.collect().rows()) == [("good", None), ("the key", None)]
    report = gf.reports(nulled)[0]
    assert (report.values_nulled, report.rows_skipped, report.rows) == (1, 0, 2)

    skipped = gf.scan_hashes(bad_url, "*", {"the field": dtype}, on_error="skip")
    assert skipped.collect().rows() == [("good", None)]
    report = gf.reports(skipped)[0]
    assert (report.values_nulled, report.rows_skipped, report.rows) == (0, 1, 1)
    assert report.keys_seen == 2


@pytest.fixture
def bad_url(server_pool: Any) -> str:
    """One server is enough here: the text is judged by the client."""
    return str(server_pool.get("valkey91").url)


@pytest.fixture
def bad(bad_url: str) -> Any:
    with redis.Redis.from_url(bad_url, protocol=2) as client:
        client.flushdb()
        yield client


def test_strings_have_the_same_types(bad: redis.Redis, bad_url: str) -> None:
    for i, (dtype, text, value) in enumerate(GOOD):
        bad.set(f"s:{i}", text)
        frame = gf.read_strings(bad_url, f"s:{i}", dtype)
        column = frame["value"]
        assert column.dtype == (dtype() if isinstance(dtype, type) else dtype)
        found = column[0].to_list() if isinstance(column[0], pl.Series) else column[0]
        assert found == value, (dtype, text)


def test_an_error_of_a_string_names_no_field(bad: redis.Redis, bad_url: str) -> None:
    bad.set("k", "1.9")
    with pytest.raises(gf.DataError) as caught:
        gf.read_strings(bad_url, "*", pl.Int64)
    error = caught.value
    assert (error.key, error.field, error.value, error.dtype) == (b"k", None, b"1.9", "Int64")


def test_a_long_value_is_cut_in_the_error(bad: redis.Redis, bad_url: str) -> None:
    bad.hset("k", "n", "é" * 5000)
    with pytest.raises(gf.DataError) as caught:
        gf.read_hashes(bad_url, "*", {"n": pl.Int64})
    assert caught.value.value == ("é" * 100).encode()
    assert len(str(caught.value)) < 600

    bad.hset("k", "n", "x" + "é" * 5000)
    with pytest.raises(gf.DataError) as caught:
        gf.read_hashes(bad_url, "*", {"n": pl.Int64})
    # Cut between characters, so that it is still shown as text.
    assert '"xéé' in str(caught.value)


def test_several_bad_values_of_a_row(bad: redis.Redis, bad_url: str) -> None:
    bad.hset("a", mapping={"x": "bad", "y": "bad", "z": "1"})
    bad.hset("b", mapping={"x": "1", "y": "bad", "z": "2"})
    bad.hset("c", mapping={"x": "1", "y": "2", "z": "3"})
    schema = {"x": pl.Int8, "y": pl.List(pl.Int8), "z": pl.Int8} | {"y": pl.Int8}
    lf = gf.scan_hashes(bad_url, "*", schema, on_error="skip")
    assert lf.collect().rows() == [("c", 1, 2, 3)]
    assert gf.reports(lf)[0].rows_skipped == 2
    lf = gf.scan_hashes(bad_url, "*", schema, on_error="null")
    assert sorted(lf.collect().rows()) == [
        ("a", None, None, 1),
        ("b", 1, None, 2),
        ("c", 1, 2, 3),
    ]
    assert gf.reports(lf)[0].values_nulled == 3
    assert lf.filter(pl.col("y").is_null()).select("z").sum().collect().item() == 3


def test_good_and_bad_rows_of_nested_columns(bad: redis.Redis, bad_url: str) -> None:
    for i in range(500):
        text = f"[{i}, {i}]" if i % 3 else f"[{i}, oops]"
        bad.hset(f"{i:03}", mapping={"l": text, "s": f'{{"a": [{i}]}}'})
    schema = {"l": pl.List(pl.Int64), "s": pl.Struct({"a": pl.List(pl.Int64)})}
    nulled = gf.read_hashes(bad_url, "*", schema, on_error="null").sort("_key")
    assert nulled["l"].to_list() == [[i, i] if i % 3 else None for i in range(500)]
    assert nulled["s"].to_list() == [{"a": [i]} for i in range(500)]
    skipped = gf.read_hashes(bad_url, "*", schema, on_error="skip").sort("_key")
    assert skipped["l"].to_list() == [[i, i] for i in range(500) if i % 3]
    assert skipped["s"].to_list() == [{"a": [i]} for i in range(500) if i % 3]
