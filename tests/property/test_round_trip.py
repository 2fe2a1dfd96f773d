"""What is written comes back, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import redis
from hypothesis import HealthCheck, given, settings
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
DTYPES: list[Any] = [
    *INTEGERS, *WIDE, pl.Float32, pl.Float64, pl.Boolean, pl.Decimal(12, 3), pl.Decimal(38, 0),
    *TEXTS, pl.Binary, *TEMPORAL, *NESTED, pl.List(pl.Int128),
]  # fmt: skip
# RedisJSON keeps integers of 64 bits and doubles: what they cannot hold has no identity there.
IN_JSON: list[Any] = [
    *INTEGERS, pl.Float32, pl.Float64, pl.Boolean, pl.Decimal(12, 3), *TEXTS, *TEMPORAL, *NESTED,
]  # fmt: skip

RULES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


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
    """JSON.GET and Python's parser say what is there; hashes turn its texts into values."""
    json_client.flushall()
    frame = with_keys(frame)
    written = gf.write_json(frame.lazy() if lazy else frame, json_url, key_prefix="json:")
    assert written.written == frame.height
    for key in frame["_key"]:
        document = json.loads(json_client.execute_command("JSON.GET", f"json:{key}"))
        assert list(document) == list(schema_of(frame))
        texts = {name: text_of(value) for name, value in document.items() if value is not None}
        json_client.hset(key, mapping=texts)
    back = gf.read_hashes(json_url, schema=schema_of(frame), keys=frame["_key"]).sort("_key")
    # RedisJSON's parser may miss the nearest double: 2.7715077941825975e-163 comes back as
    # 2.7715077941825978e-163, whoever writes it.
    expected = frame.select(back.columns).sort("_key")
    assert_frame_equal(back, expected, check_exact=False, rel_tol=1e-15, abs_tol=1e-300)


def text_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
