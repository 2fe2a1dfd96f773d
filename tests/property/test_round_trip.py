"""What is written comes back, whatever it is."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import column, dataframes

import gearframe as gf
from tests.servers.fixtures import Pool

SCALARS = [
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
    pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Time,
    pl.Datetime("ms"), pl.Datetime("us"), pl.Duration("ms"), pl.Duration("ns"), pl.Categorical,
    pl.Int128, pl.List(pl.Int64), pl.List(pl.String), pl.Array(pl.Float64, 2),
    pl.Struct({"a": pl.Int64, "b": pl.List(pl.String)}),
]  # fmt: skip
COLUMNS = [column(f"c{i}", dtype=dtype, allow_null=True) for i, dtype in enumerate(SCALARS)]  # type: ignore[arg-type]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(frame=dataframes(COLUMNS, max_size=8), prefix=st.text(max_size=5))
def test_hashes_come_back(server_pool: Pool, frame: pl.DataFrame, prefix: str) -> None:
    url = server_pool.get("valkey91").url
    with gf.connect(url) as client:
        client.execute("FLUSHALL")
        keys = [f"{i:03}" for i in range(frame.height)]
        # A hash of nulls alone cannot be.
        frame = frame.with_columns(_key=pl.Series(keys, dtype=pl.String), always=pl.lit(1))
        assert gf.write_hashes(frame, client, key_prefix=prefix).written == frame.height
        names = [prefix + key for key in keys]
        schema = {name: dtype for name, dtype in frame.schema.items() if name != "_key"}
        back = gf.read_hashes(client, schema=schema, keys=names).sort("_key")
    expected = frame.with_columns(_key=pl.lit(prefix) + pl.col("_key")).select(back.columns)
    assert_frame_equal(back, expected.sort("_key"), check_exact=True)
