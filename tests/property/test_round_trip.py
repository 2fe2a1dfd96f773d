"""What is written comes back, whatever it is."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import column, dataframes

import gearframe as gf
from tests.servers.fixtures import Pool

COLOURS = pl.Enum(["red", "green", "blue"])
INTEGERS = [
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
]  # fmt: skip
WIDE = [pl.Int128, pl.UInt128]
TEMPORAL = [
    pl.Date, pl.Time, pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns"),
    pl.Datetime("us", "UTC"), pl.Datetime("ms", "Asia/Tokyo"),
    pl.Duration("ms"), pl.Duration("us"), pl.Duration("ns"),
]  # fmt: skip
TEXTS = [pl.String, pl.Categorical, COLOURS]
NESTED = [
    pl.List(pl.Int64), pl.List(pl.String), pl.List(pl.Boolean), pl.List(pl.Date),
    pl.List(pl.List(pl.UInt8)), pl.Array(pl.Float64, 2), pl.Array(pl.Duration("ms"), 3),
    pl.Struct({"a": pl.Int64, "b": pl.List(pl.String)}),
    pl.Struct({"t": pl.Time, "in": pl.Struct({"x": pl.Float32, "y": pl.Datetime("ms")})}),
    pl.List(pl.Struct({"c": pl.String, "d": pl.UInt64})),
]  # fmt: skip
SCALARS: list[Any] = [
    *INTEGERS, *WIDE, pl.Float32, pl.Float64, pl.Boolean, pl.Decimal(12, 3), pl.Decimal(38, 0),
    *TEXTS, pl.Binary, *TEMPORAL,
]  # fmt: skip
DTYPES: list[Any] = [*SCALARS, *NESTED, pl.List(pl.Int128)]
# RedisJSON keeps integers of 64 bits and doubles: what they cannot hold has no identity there.
IN_JSON: list[Any] = [
    *INTEGERS, pl.Float32, pl.Float64, pl.Boolean, pl.Decimal(12, 3), *TEXTS, *TEMPORAL, *NESTED,
]  # fmt: skip

RULES = settings(max_examples=40)


def columns(dtypes: list[Any]) -> list[column]:
    return [column(f"c{i}", dtype=dtype, allow_null=True) for i, dtype in enumerate(dtypes)]


def with_keys(frame: pl.DataFrame) -> pl.DataFrame:
    keys = [f"{i:03}" for i in range(frame.height)]
    # A hash of nulls alone cannot be.
    return frame.with_columns(_key=pl.Series(keys, dtype=pl.String), always=pl.lit(1))


def schema_of(frame: pl.DataFrame) -> dict[str, pl.DataType]:
    return {name: dtype for name, dtype in frame.schema.items() if name != "_key"}


@RULES
@given(frame=dataframes(columns(DTYPES), max_size=8), prefix=st.text(max_size=5))
def test_hashes_come_back(server_pool: Pool, frame: pl.DataFrame, prefix: str) -> None:
    url = server_pool.get("valkey91").url
    with gf.connect(url) as client:
        client.execute("FLUSHALL")
        frame = with_keys(frame)
        assert gf.write_hashes(frame, client, key_prefix=prefix).written == frame.height
        names = [prefix + key for key in frame["_key"]]
        back = gf.read_hashes(client, schema=schema_of(frame), keys=names).sort("_key")
    expected = frame.with_columns(_key=pl.lit(prefix) + pl.col("_key")).select(back.columns)
    assert_frame_equal(back, expected.sort("_key"), check_exact=True)


@RULES
@given(
    frame=dataframes(columns(IN_JSON), max_size=8, allow_infinity=False, allow_nan=False),
    lazy=st.booleans(),
)
def test_documents_come_back(
    json_url: str, json_client: redis.Redis, frame: pl.DataFrame, lazy: bool
) -> None:
    json_client.flushall()
    frame = with_keys(frame)
    written = gf.write_json(frame.lazy() if lazy else frame, json_url, key_prefix="json:")
    assert written.written == frame.height
    back = gf.read_json(json_url, "json:*", schema_of(frame)).sort("_key")
    # RedisJSON's parser may miss the nearest double: 2.7715077941825975e-163 comes back as
    # 2.7715077941825978e-163, whoever writes it.
    expected = frame.with_columns(_key="json:" + pl.col("_key")).select(back.columns).sort("_key")
    assert_frame_equal(back, expected, check_exact=False, rel_tol=1e-15, abs_tol=1e-300)


# -- many rows a key -------------------------------------------------------------------------------

FINITE = st.floats(allow_nan=False, allow_infinity=False)
FEW = settings(RULES, max_examples=10)


def in_keys(*columns: column) -> st.SearchStrategy[pl.DataFrame]:
    """Frames with rows of two keys in any order."""
    keys = column("_key", strategy=st.sampled_from(["a", "b"]), dtype=pl.String)
    return dataframes([keys, *columns], max_size=12)


def by_key(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort("_key", maintain_order=True)


@pytest.mark.parametrize("dtype", SCALARS, ids=str)
@FEW
@given(data=st.data())
def test_elements_come_back(server_pool: Pool, dtype: Any, data: st.DataObject) -> None:
    frame = data.draw(
        in_keys(
            column("element", dtype=dtype, allow_null=False),
            column("score", strategy=st.floats(allow_nan=False), dtype=pl.Float64),
        )
    )
    with gf.connect(server_pool.get("valkey91").url) as client:
        client.execute("FLUSHALL")
        keys = frame["_key"].n_unique()
        assert gf.write_lists(frame.drop("score"), client).written == keys
        lists = by_key(gf.read_lists(client, "*", dtype))
        assert_frame_equal(lists, by_key(frame.drop("score")), check_exact=True)

        unique = frame.unique(["_key", "element"], keep="first").sort("_key", "element")
        assert gf.write_sets(unique.drop("score"), client, member="element").written == keys
        sets = gf.read_sets(client, "*", dtype, member_column="element").sort("_key", "element")
        assert_frame_equal(sets, unique.drop("score"), check_exact=True)

        assert gf.write_zsets(unique, client, member="element").written == keys
        zsets = gf.read_zsets(client, "*", dtype, member_column="element")
        assert_frame_equal(zsets.sort("_key", "element"), unique, check_exact=True)


@RULES
@given(frame=in_keys(*columns(DTYPES)))
def test_entries_come_back(server_pool: Pool, frame: pl.DataFrame) -> None:
    # An entry of nulls alone cannot be; ids must grow.
    frame = frame.with_columns(
        always=pl.lit(1),
        _id=pl.format("{}-7", pl.int_range(1, pl.len() + 1)).cast(pl.String),
    )
    with gf.connect(server_pool.get("valkey91").url) as client:
        client.execute("FLUSHALL")
        assert gf.write_streams(frame, client, id="_id").elements == frame.height
        schema = {name: dtype for name, dtype in schema_of(frame).items() if name != "_id"}
        back = gf.read_streams(client, "*", schema, include_timestamp=False)
    assert_frame_equal(by_key(back), by_key(frame.select(back.columns)), check_exact=True)


@RULES
@given(
    frame=in_keys(
        column("_ts", strategy=st.integers(0, 2**42), dtype=pl.Int64, unique=True),
        column(
            "value", dtype=pl.Float64, strategy=st.floats(allow_nan=False, allow_infinity=False)
        ),
    ),
    dtype=st.sampled_from([pl.Int64, pl.Datetime("ms"), pl.Datetime("ns", "UTC")]),
)
def test_samples_come_back(timeseries_url: str, frame: pl.DataFrame, dtype: Any) -> None:
    expected = frame.with_columns(pl.col("_ts").cast(pl.Datetime("ms"))).sort("_key", "_ts")
    times = pl.col("_ts") * 1_000_000 if dtype == pl.Datetime("ns", "UTC") else pl.col("_ts")
    with gf.connect(timeseries_url) as client:
        client.execute("FLUSHALL")
        samples = frame.with_columns(times.cast(dtype)).sort("_ts")
        assert gf.write_timeseries(samples, client).elements == frame.height
        assert_frame_equal(by_key(gf.read_timeseries(client, "*")), expected, check_exact=True)
