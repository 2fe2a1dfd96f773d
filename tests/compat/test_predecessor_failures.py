"""The failures of polars-redis 0.1.8 by their numbers, and the tests that prove each gone.

B1 to B20 were found by running it. What is about reading is proved with gearframe's own scans too;
here stands what a program meets that moves over.
"""

from __future__ import annotations

import ast
import time
from pathlib import Path

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim

TESTS = Path(__file__).parents[1]

PROVED_BY = {
    "B1": ["compat/test_scan_json.py::test_one_column_of_json"],
    "B2": [
        "compat/test_predecessor_failures.py::test_a_server_that_pauses",
        "compat/test_predecessor_failures.py::test_a_few_rows_of_many",
    ],
    "B3": [
        "compat/test_scan_entries.py::test_streams",
        "compat/test_scan_entries.py::test_timeseries",
    ],
    "B4": ["compat/test_predecessor_failures.py::test_days_and_times"],
    "B5": [
        "compat/test_predecessor_failures.py::test_an_entry_that_is_no_text",
        "compat/test_scan_entries.py::test_options_of_streams",
        "compat/test_scan_entries.py::test_a_server_without_time_series",
    ],
    "B6": [
        "compat/test_streams.py::test_a_crash_loses_nothing",
        "compat/test_streams.py::test_checkpoints",
        "integration/test_stream_consumer.py::test_kill_9_loses_nothing",
        "integration/test_stream_consumer.py::test_rollback_gives_the_batch_again",
    ],
    "B7": [
        "compat/test_replication.py::test_failed_writes_are_not_acknowledged",
        "compat/test_replication.py::test_a_failing_destination_is_named",
        "integration/test_replication.py::test_what_is_not_written_is_not_acknowledged",
    ],
    "B8": [
        "compat/test_writes.py::test_a_refused_key_is_an_error",
        "compat/test_writes.py::test_a_full_server_keeps_the_old_hash",
        "compat/test_writes.py::test_a_time_to_live_of_nothing",
        "compat/test_writes.py::test_details",
        "compat/test_writes.py::test_details_of_a_lost_connection",
        "compat/test_writes.py::test_values_can_be_read_back",
    ],
    "B9": [
        "compat/test_predecessor_failures.py::test_no_key_comes_twice",
        "integration/test_exactly_once.py::test_stable_keys_come_exactly_once",
        "integration/test_exactly_once.py::test_keys_that_scan_returns_again_are_counted",
    ],
    "B10": ["compat/test_predecessor_failures.py::test_bytes_that_are_no_text"],
    "B11": ["compat/test_predecessor_failures.py::test_keys_of_other_types"],
    "B12": [
        "compat/test_cache.py::test_a_small_frame_takes_the_place_of_a_large_one",
        "compat/test_cache.py::test_decorators",
        "integration/test_cache.py::test_a_frame_as_argument_counts_by_its_content",
    ],
    "B13": [
        "compat/test_scan_json.py::test_a_fraction_is_no_integer",
        "compat/test_predecessor_failures.py::test_values_that_are_none",
    ],
    "B14": [
        "compat/test_inference.py::test_hashes",
        "compat/test_inference.py::test_keys_of_other_types_are_left_out",
        "integration/test_infer.py::test_traps",
        "integration/test_infer.py::test_a_thousand_keys_take_a_few_round_trips",
    ],
    "B15": [
        "compat/test_scan_json.py::test_nested_json",
        "compat/test_scan_json.py::test_texts_of_json",
        "compat/test_scan_json.py::test_options_of_json",
    ],
    "B16": ["compat/test_scans.py::test_without_the_key_its_name_is_free"],
    "B17": ["compat/test_predecessor_failures.py::test_scores_in_both_protocols"],
    "B18": [
        "compat/test_query.py::test_what_polars_answers_is_never_asked_for_as_everything",
        "compat/test_query.py::test_knn_goes_around_all_other_conditions",
        "compat/test_query.py::test_params_of_vectors",
        "compat/test_query_search.py::test_many_tags",
    ],
    "B19": [
        "compat/test_pubsub.py::test_idle_tasks_use_no_time_and_stop_at_once",
        "compat/test_streams.py::test_ranges_and_waiting",
        "integration/test_stream_consumer.py::test_no_entry_between_two_batches_is_missed",
        "integration/test_stream_consumer.py::test_a_field_that_comes_late_is_a_column",
        "integration/test_stream_consumer.py::test_an_empty_frame_has_its_dtypes",
    ],
    "B20": ["compat/test_predecessor_failures.py::test_many_keys_without_a_row"],
}


def test_every_failure_has_its_tests() -> None:
    assert list(PROVED_BY) == [f"B{number}" for number in range(1, 21)]
    lacking = []
    for place in sorted(each for places in PROVED_BY.values() for each in places):
        file, _, name = place.partition("::")
        tree = ast.parse((TESTS / file).read_text())
        if name not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
            lacking.append(place)
    assert lacking == []


AGES = {"age": pl.Int64}


def test_a_server_that_pauses(url: str, redis_client: redis.Redis) -> None:
    """B2: half a second of silence ended a scan."""
    redis_client.hset("user:1", "age", 41)
    lf = shim.scan_hashes(url, "user:*", AGES)
    started = time.monotonic()
    redis_client.client_pause(700, all=True)
    assert lf.collect()["age"].to_list() == [41]
    assert time.monotonic() - started > 0.5


@pytest.fixture
def many(redis_client: redis.Redis) -> None:
    with redis_client.pipeline(transaction=False) as pipeline:
        for n in range(20_000):
            pipeline.hset(f"user:{n}", "age", n)
        pipeline.execute()


@pytest.mark.usefixtures("many")
def test_a_few_rows_of_many(url: str, redis_client: redis.Redis) -> None:
    """B2: head(5) read 100,000 hashes."""
    redis_client.config_resetstat()
    assert shim.scan_hashes(url, "user:*", AGES).head(5).collect().height == 5
    calls = redis_client.info("commandstats")
    read = sum(calls.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("hmget", "hgetall"))
    assert read < 10_000


def test_days_and_times(url: str, redis_client: redis.Redis) -> None:
    """B4: hashes had neither."""
    redis_client.hset("h", mapping={"day": "2024-02-29", "at": "2024-01-31T23:00:00"})
    schema = {"day": pl.Date, "at": pl.Datetime}
    found = shim.read_hashes(url, "h", schema, include_key=False)
    assert [str(value) for value in found.row(0)] == ["2024-02-29", "2024-01-31 23:00:00"]


def test_an_entry_that_is_no_text(url: str, redis_client: redis.Redis) -> None:
    """B5: the whole stream was left out, and nothing was said."""
    redis_client.xadd("s", {"a": b"\xff"})
    redis_client.xadd("s", {"a": "x"})
    with pytest.raises(gf.DataError, match="UTF-8"):
        shim.read_streams(url, "s", schema={"a": pl.Utf8})
    assert shim.read_streams(url, "s", schema={"a": pl.Binary})["a"].to_list() == [b"\xff", b"x"]


@pytest.mark.usefixtures("many")
def test_no_key_comes_twice(url: str, redis_client: redis.Redis) -> None:
    """B9: a table that shrinks gave keys twice."""
    # Batches that are small beside the keys: most are asked for after the table has shrunk.
    lf = shim.scan_hashes(url, "user:*", AGES, batch_size=100)
    batches = lf.collect_batches(chunk_size=500)
    seen = list(next(batches)["age"])
    gone = [f"user:{n}" for n in range(20_000) if n % 40]
    for start in range(0, len(gone), 1000):
        redis_client.unlink(*gone[start : start + 1000])
    for batch in batches:
        seen += batch["age"].to_list()
    seen = [age for age in seen if age is not None]
    assert len(seen) == len(set(seen))
    assert set(seen) >= set(range(0, 20_000, 40))


def test_bytes_that_are_no_text(url: str, redis_client: redis.Redis) -> None:
    """B10: one of them ended the scan with an error of the connection."""
    redis_client.hset("h", mapping={"bytes": b"\x00\xff", "n": 1})
    found = shim.read_hashes(url, "h", {"bytes": pl.Binary, "n": pl.Int8}, include_key=False)
    assert found.rows() == [(b"\x00\xff", 1)]
    redis_client.hset(b"\xff", "n", 2)
    with pytest.raises(gf.DataError, match="key"):
        shim.read_hashes(url, "*", {"n": pl.Int8})
    found = shim.read_hashes(url, "*", {"n": pl.Int8}, include_key=False)
    assert sorted(found["n"]) == [1, 2]


def test_keys_of_other_types(url: str, redis_client: redis.Redis) -> None:
    """B11: one of them ended a scan; of strings it was a row with a null."""
    redis_client.hset("hash", "age", 1)
    redis_client.set("string", "x")
    redis_client.rpush("list", "x")
    redis_client.sadd("set", "x")
    redis_client.zadd("zset", {"x": 1})
    redis_client.xadd("stream", {"a": "x"})
    for found, key in (
        (shim.read_hashes(url, "*", AGES), "hash"),
        (shim.read_strings(url), "string"),
        (shim.read_lists(url), "list"),
        (shim.read_sets(url), "set"),
        (shim.read_zsets(url), "zset"),
        (shim.read_streams(url), "stream"),
    ):
        assert found["_key"].to_list() == [key]


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        (pl.Date, "2024-02-31"),
        (pl.Date, "20240115"),
        (pl.Time, "25:99:99"),
        (pl.Datetime, "86400000"),
        (pl.Datetime, "2024-01-31T23:00:00.12345é"),
        (pl.Int64, "1.9"),
    ],
)
def test_values_that_are_none(
    url: str, redis_client: redis.Redis, dtype: pl.DataType, text: str
) -> None:
    """B13: they became other values, and one of them ended the program."""
    redis_client.set("s", text)
    with pytest.raises(gf.DataError, match="value"):
        shim.read_strings(url, "s", value_type=dtype)


@pytest.mark.parametrize("protocol", [2, 3])
def test_scores_in_both_protocols(url: str, redis_client: redis.Redis, protocol: int) -> None:
    """B17: RESP3 was a type error."""
    redis_client.zadd("z", {"x": 1.5, "y": float("inf")})
    found = shim.read_zsets(f"{url}?protocol={protocol}", "z").sort("score")
    assert found.rows() == [("z", "x", 1.5), ("z", "y", float("inf"))]


@pytest.mark.usefixtures("many")
def test_many_keys_without_a_row(url: str, redis_client: redis.Redis) -> None:
    """B20: each batch without a row was one more call in the call before."""
    with redis_client.pipeline(transaction=False) as pipeline:
        for n in range(20_000):
            pipeline.xadd(f"empty:{n}", {"a": 1}, maxlen=0, approximate=False)
        pipeline.execute()
    redis_client.rpush("list", "x")
    assert shim.read_streams(url, "empty:*", batch_size=1).height == 0
    assert shim.read_lists(url, "*", batch_size=1)["element"].to_list() == ["x"]
