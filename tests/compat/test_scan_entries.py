"""Scans of streams and time series by the names of polars-redis."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim

# -- streams ---------------------------------------------------------------------------------------


@pytest.fixture
def stream(redis_client: redis.Redis) -> None:
    for n in range(3):
        redis_client.xadd("temp", {"celsius": 20 + n, "city": "ams"}, id=f"{1000 * (n + 1)}-{n}")


@pytest.mark.usefixtures("stream")
def test_streams(url: str) -> None:
    """B3: the defaults were a SchemaError, and so was every dtype but Utf8."""
    found = shim.read_streams(url)
    assert found.schema == {"_key": pl.String, "_id": pl.String, "_ts": pl.Datetime("ms")}
    assert found.rows()[0] == ("temp", "1000-0", datetime(1970, 1, 1, 0, 0, 1))
    found = shim.read_streams(
        url,
        "temp",
        schema={"celsius": pl.Float64, "none": pl.Utf8},
        include_key=False,
        id_column_name="id",
        timestamp_column_name="at",
        include_sequence=True,
        sequence_column_name="n",
        include_row_index=True,
        start_id="1001",
        end_id="+",
        count_per_stream=1,
    )
    assert found.schema == {
        "_index": pl.UInt64,
        "id": pl.String,
        "at": pl.Datetime("ms"),
        "n": pl.UInt64,
        "celsius": pl.Float64,
        "none": pl.String,
    }
    assert found.rows() == [(0, "2000-1", datetime(1970, 1, 1, 0, 0, 2), 1, 21.0, None)]


@pytest.mark.usefixtures("stream")
def test_options_of_streams(url: str) -> None:
    options = shim.StreamScanOptions().with_fields(["city", "celsius"]).with_id(False)
    found = shim.scan_streams(url, options=options.with_range("2000-0", "3000-2")).collect()
    assert found.columns == ["_key", "_ts", "city", "celsius"]
    assert found["celsius"].to_list() == ["21", "22"]
    typed = shim.scan_streams(url, options=options, schema={"celsius": pl.Int8, "x": pl.Int8})
    assert typed.collect_schema()["celsius"] == pl.Int8
    assert typed.collect_schema().names() == ["_key", "_ts", "city", "celsius"]
    with pytest.raises(ValueError, match="start is 'yesterday'"):
        shim.scan_streams(url, start_id="yesterday")


# -- time series -----------------------------------------------------------------------------------


@pytest.fixture
def series(timeseries_url: str) -> str:
    with redis.Redis.from_url(timeseries_url) as client:
        client.execute_command("TS.CREATE", "t:1")
        for n in range(4):
            client.execute_command("TS.ADD", "t:1", 1000 * n, n + 0.5)
    return timeseries_url


def test_timeseries(series: str) -> None:
    """B3: the declared dtype was not the one that came."""
    found = shim.read_timeseries(series)
    assert found.schema == {"_key": pl.String, "_ts": pl.Datetime("ms"), "value": pl.Float64}
    assert found["value"].to_list() == [0.5, 1.5, 2.5, 3.5]
    found = shim.read_timeseries(
        series,
        "t:*",
        include_key=False,
        include_row_index=True,
        timestamp_column_name="at",
        value_column_name="v",
        start="1000",
        end="3000",
        count_per_series=2,
    )
    assert found.rows() == [
        (0, datetime(1970, 1, 1, 0, 0, 1), 1.5),
        (1, datetime(1970, 1, 1, 0, 0, 2), 2.5),
    ]
    assert found.schema["_index"] == pl.UInt64


def test_options_of_timeseries(series: str) -> None:
    options = shim.TimeSeriesScanOptions("t:*").with_aggregation("avg", 2000).with_n_rows(1)
    found = shim.scan_timeseries(series, options=options).collect()
    assert found.rows() == [("t:1", datetime(1970, 1, 1), 1.0)]
    with pytest.raises(ValueError, match="give both"):
        shim.scan_timeseries(series, aggregation="avg")


def test_a_server_without_time_series(url: str, redis_client: redis.Redis) -> None:
    """B5: it was a frame without rows."""
    redis_client.set("t:1", "no series")
    with pytest.raises(gf.ReplyError, match="RedisTimeSeries"):
        shim.read_timeseries(url, "t:*")
