"""Scans inside of larger queries: both engines, joins, SQL, DuckDB, sinks, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest
import redis
from polars.testing import assert_frame_equal

import gearframe as gf
from tests.servers.patience import wait_until

SCHEMA = {"name": pl.String, "age": pl.Int64}
COUNT = 3000


@pytest.fixture
def users(url: str, redis_client: redis.Redis) -> pl.LazyFrame:
    with redis_client.pipeline(transaction=False) as pipe:
        for i in range(COUNT):
            pipe.hset(f"user:{i}", mapping={"name": f"n{i % 10}", "age": str(i)})
            pipe.set(f"city:{i % 10}", f"c{i % 10 % 3}")
        pipe.execute()
    return gf.scan_hashes(url, "user:*", SCHEMA)


@pytest.fixture(params=["in-memory", "streaming"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_group_by(users: pl.LazyFrame, engine: str) -> None:
    query = users.filter(pl.col("age") < 100).group_by("name").agg(pl.col("age").sum()).sort("name")
    assert query.collect(engine=engine).rows() == [  # type: ignore[call-overload]
        (f"n{d}", sum(range(d, 100, 10))) for d in range(10)
    ]


def test_join_of_two_scans(url: str, users: pl.LazyFrame, engine: str) -> None:
    cities = gf.scan_strings(url, "city:*", value_column="city").with_columns(
        name=pl.lit("n") + pl.col("_key").str.slice(5)
    )
    query = users.join(cities, on="name").group_by("city").len().sort("city")
    assert query.collect(engine=engine).rows() == [  # type: ignore[call-overload]
        ("c0", 1200),
        ("c1", 900),
        ("c2", 900),
    ]


def test_concat_and_self_join(users: pl.LazyFrame, engine: str) -> None:
    young, old = users.filter(pl.col("age") < 10), users.filter(pl.col("age") >= COUNT - 10)
    both = pl.concat([young, old]).select("age").sort("age")
    assert both.collect(engine=engine)["age"].to_list() == [  # type: ignore[call-overload]
        *range(10),
        *range(COUNT - 10, COUNT),
    ]
    pairs = young.join(young, on="_key").select(pl.len())
    assert pairs.collect(engine=engine).item() == 10  # type: ignore[call-overload]


def test_collect_all(users: pl.LazyFrame, engine: str) -> None:
    queries = [users.select(pl.len()), users.select(pl.col("age").max())]
    frames = pl.collect_all(queries, engine=engine)  # type: ignore[arg-type]
    assert [frame.item() for frame in frames] == [COUNT, COUNT - 1]


def test_slices_and_sorts(users: pl.LazyFrame, engine: str) -> None:
    top = users.sort("age", descending=True).head(3).select("age")
    assert top.collect(engine=engine)["age"].to_list() == [2999, 2998, 2997]  # type: ignore[call-overload]
    assert users.slice(2990, 100).collect(engine=engine).height == 10  # type: ignore[call-overload]
    assert users.tail(7).collect(engine=engine).height == 7  # type: ignore[call-overload]
    assert users.unique("name").collect(engine=engine).height == 10  # type: ignore[call-overload]


def test_sql(users: pl.LazyFrame) -> None:
    with pl.SQLContext(users=users, eager=True) as context:
        frame = context.execute(
            "SELECT name, count(*) AS n FROM users WHERE age < 50 AND _key LIKE 'user:%' "
            "GROUP BY name ORDER BY name LIMIT 2"
        )
    assert frame.rows() == [("n0", 5), ("n1", 5)]


def test_duckdb(users: pl.LazyFrame) -> None:
    found = duckdb.sql("SELECT count(*), sum(age) FROM users WHERE age < 100").fetchall()
    assert found == [(100, sum(range(100)))]


def test_collect_batches(url: str, users: pl.LazyFrame) -> None:
    small = gf.scan_hashes(url, "user:*", SCHEMA, batch_size=100)
    batches = list(small.collect_batches())
    assert len(batches) > 1
    frame = pl.concat(batches)
    assert_frame_equal(frame.sort("age"), users.collect().sort("age"))


def connections(control: redis.Redis, name: str) -> int:
    return [client["name"] for client in control.client_list()].count(name)


def test_batches_that_are_not_all_taken(
    url: str, redis_client: redis.Redis, users: pl.LazyFrame
) -> None:
    with gf.connect(url, client_name="mine") as client:
        for _ in range(10):
            lf = gf.scan_hashes(client, "user:*", SCHEMA, batch_size=100)
            batches = iter(lf.collect_batches(chunk_size=100))
            next(batches)
            del batches
        # The control connection of the client stays; a scan that nobody reads ends soon.
        wait_until(lambda: connections(redis_client, "mine") == 1)


def test_sink_parquet(users: pl.LazyFrame, tmp_path: Path) -> None:
    users.sink_parquet(tmp_path / "users.parquet")
    written = pl.read_parquet(tmp_path / "users.parquet")
    assert_frame_equal(written.sort("age"), users.collect().sort("age"))


def test_many_scans_at_once(users: pl.LazyFrame) -> None:
    with ThreadPoolExecutor(8) as pool:
        heights = list(pool.map(lambda _: users.collect().height, range(24)))
    assert heights == [COUNT] * 24


def test_many_threads_with_scans_of_their_own(url: str, users: pl.LazyFrame) -> None:
    client = gf.connect(url)

    def ages(digit: int) -> int:
        lf = gf.scan_hashes(client, f"user:*{digit}", SCHEMA)
        return int(lf.select(pl.col("age").sum()).collect().item())

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ages, range(10))) == sum(range(COUNT))


def test_a_scan_in_the_background(users: pl.LazyFrame) -> None:
    query = users.select(pl.len()).collect(background=True)
    assert query.fetch_blocking().item() == COUNT


def test_an_error_inside_of_a_query(
    users: pl.LazyFrame, redis_client: redis.Redis, engine: str
) -> None:
    redis_client.hset("user:7", "age", "seven")
    with pytest.raises(gf.DataError, match='field "age" of key "user:7" is "seven"') as caught:
        users.group_by("name").agg(pl.col("age").sum()).collect(engine=engine)  # type: ignore[call-overload]
    assert caught.value.key == b"user:7"
    # The fields that are not asked for are not looked at.
    assert users.select("name").collect(engine=engine).height == COUNT  # type: ignore[call-overload]


def test_connections_are_closed_after_a_run(redis_client: redis.Redis, url: str) -> None:
    with gf.connect(url, client_name="mine") as client:
        for _ in range(5):
            gf.read_hashes(client, "*", {})
        # The server sees in its next turn that a connection was closed.
        wait_until(lambda: connections(redis_client, "mine") == 1)
