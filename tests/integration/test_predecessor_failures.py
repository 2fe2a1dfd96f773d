"""The failures of polars-redis that must not come back, and the tests that prove it.

``TABLE`` names for each failure of the predecessor (B1 to B20) the tests that would fail if it
came back. Those that no other file has are below; files of writing, search, pub/sub and the cache
have their own.
"""

from __future__ import annotations

import re
import time
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import GearframeError, PermissionDeniedError, SchemaError
from tests.integration.commandstats import counted
from tests.integration.whole_runs import whole_run
from tests.servers.fixtures import FreshServer

HERE = "test_predecessor_failures"

TABLE: dict[str, tuple[str, list[str]]] = {
    "B1": (
        "one projected column of JSON is null",
        ["test_scan_json::test_one_column_is_read_as_well_as_two"],
    ),
    "B2": (
        "large scans and slow servers time out; head(5) reads everything",
        [
            f"{HERE}::test_a_large_scan_and_a_server_that_pauses",
            "test_pushdown::test_head_reads_a_few_keys",
            "test_scan_lists::test_head_of_a_long_list_asks_for_few_elements",
        ],
    ),
    "B3": (
        "streams and time series break with default arguments",
        [
            f"{HERE}::test_streams_with_default_arguments_and_typed_fields",
            "test_scan_timeseries::test_default_arguments",
        ],
    ),
    "B4": (
        "dates cannot be read",
        [f"{HERE}::test_dates_in_every_scan", "test_scan_types::test_good_values"],
    ),
    "B5": (
        "errors and odd bytes make a stream vanish",
        [
            f"{HERE}::test_no_refusal_is_an_empty_stream",
            "test_scan_streams::test_bytes",
            "test_element_errors::test_a_missing_right_is_named",
            "test_scan_timeseries::test_an_answer_that_is_none_never_means_no_rows",
        ],
    ),
    "B6": ("a consumer loses messages", ["test_stream_consumer::test_kill_9_loses_nothing"]),
    "B7": (
        "failed writes are acknowledged",
        ["test_replication::test_what_is_not_written_is_not_acknowledged"],
    ),
    "B8": (
        "writes fail silently, and replacing deletes first",
        [
            "test_write_hashes::test_out_of_memory_leaves_the_old_value",
            "test_write_hashes::test_a_lost_connection_accounts_for_every_row",
            "test_write_json::test_out_of_memory_leaves_the_old_value",
        ],
    ),
    "B9": (
        "keys that SCAN repeats come twice",
        [
            "test_exactly_once::test_stable_keys_come_exactly_once",
            "test_scan_sets::test_members_come_once_while_the_table_resizes",
            "test_long_format::test_fields_come_once_while_the_table_resizes",
            "test_scan_zsets::test_a_whole_set_bears_changes",
        ],
    ),
    "B10": (
        "bytes that are no text abort a scan",
        [
            f"{HERE}::test_bytes_in_every_scan",
            "test_scan_hashes::test_keys_that_are_not_utf8",
            "test_scan_hashes::test_values_that_are_not_utf8",
        ],
    ),
    "B11": (
        "one key of another type aborts",
        [
            "test_vanished::test_other_types_among_the_keys_are_no_error",
            "test_scan_lists::test_other_types_missing_and_repeated_names",
            "test_scan_sets::test_other_types_missing_and_repeated_names",
            "test_scan_zsets::test_other_types_missing_and_repeated_names",
            "test_scan_streams::test_other_types_missing_and_repeated_names",
            "test_long_format::test_other_types_missing_and_repeated_names",
        ],
    ),
    "B12": (
        "the cache gives stale frames",
        ["test_cache::test_a_small_frame_takes_the_place_of_a_large_one"],
    ),
    "B13": (
        "values are changed silently",
        [
            f"{HERE}::test_no_value_is_changed_silently",
            "test_scan_types::test_bad_values",
            "test_scan_json::test_no_number_is_changed",
        ],
    ),
    "B14": ("inference changes values", ["test_infer::test_traps"]),
    "B15": (
        "nested JSON has two code paths",
        ["test_scan_json::test_nested_members_are_one_with_and_without_projection"],
    ),
    "B16": (
        "a column named like the key is a panic",
        [f"{HERE}::test_a_column_named_like_the_key_is_an_error_in_every_scan"],
    ),
    "B17": (
        "sorted sets break with RESP3",
        ["test_scan_zsets::test_columns_and_their_order", "test_scan_zsets::test_ranges"],
    ),
    "B18": ("search is broken in many ways", []),  # the tests of search, when there is one
    "B19": (
        "waiting takes all of a processor, and messages between two reads are lost",
        [
            "test_stream_consumer::test_waiting_takes_no_time_of_the_processor",
            "test_stream_consumer::test_no_entry_between_two_batches_is_missed",
        ],
    ),
    "B20": (
        "many vanished keys overflow the stack",
        [f"{HERE}::test_a_hundred_thousand_vanished_keys_in_every_scan"],
    ),
}


def test_the_table_is_whole_and_names_tests_that_exist() -> None:
    assert list(TABLE) == [f"B{number}" for number in range(1, 21)]
    for number, (_, tests) in TABLE.items():
        for test in tests:
            file, _, name = test.partition("::")
            text = (Path(__file__).parent / f"{file}.py").read_text("utf-8")
            assert re.search(rf"^def {name}\(", text, re.M), f"{number}: {test} is no test"


def scans(client: gf.Client | str, keys: list[str] | None = None) -> dict[str, pl.LazyFrame]:
    return {
        "hash": gf.scan_hashes(client, "*", {"a": pl.Binary}, keys=keys),
        "long": gf.scan_hashes(client, "*", pl.Binary, format="long", keys=keys),
        "string": gf.scan_strings(client, "*", pl.Binary, keys=keys),
        "set": gf.scan_sets(client, "*", pl.Binary, keys=keys),
        "list": gf.scan_lists(client, "*", pl.Binary, keys=keys),
        "zset": gf.scan_zsets(client, "*", pl.Binary, keys=keys),
        "ranks": gf.scan_zsets(client, "*", pl.Binary, include_rank=True, keys=keys),
        "stream": gf.scan_streams(client, "*", {"a": pl.Binary}, keys=keys),
        "keys": gf.scan_keys(client, "*", keys=keys),
    }


def make(client: redis.Redis, value: bytes | str) -> None:
    """Make one key of each type that holds the value."""
    client.hset("hash", "a", value)
    client.set("string", value)
    client.sadd("set", value)
    client.rpush("list", value)
    client.zadd("zset", {value: 1})
    client.xadd("stream", {"a": value})


# -- B2 --------------------------------------------------------------------------------------------


def test_a_large_scan_and_a_server_that_pauses(url: str, redis_client: redis.Redis) -> None:
    script = """for i = 1, 100000 do
        redis.call('HSET', 'user:' .. i, 'a', i, 'b', i, 'c', i, 'd', i, 'e', i, 'f', i) end
        for i = 1, 400 do local t = {} for j = 1, 5000 do t[j] = i * 5000 + j end
        redis.call('RPUSH', 'list', unpack(t)) end"""
    redis_client.eval(script, 0)
    schema = dict.fromkeys("abcdef", pl.Int64)
    for engine in ("in-memory", "streaming"):
        lf = gf.scan_hashes(url, "user:*", schema)
        assert lf.collect(engine=engine).height == 100_000  # type: ignore[call-overload]
    # The predecessor gave up after half a second.
    began = time.monotonic()
    redis_client.execute_command("CLIENT", "PAUSE", 800, "ALL")
    frame = gf.read_lists(url, "list", pl.Int64)
    assert time.monotonic() - began > 0.5
    assert frame.height == 2_000_000
    assert frame["element"].is_sorted()


# -- B3 --------------------------------------------------------------------------------------------


def test_streams_with_default_arguments_and_typed_fields(
    url: str, redis_client: redis.Redis
) -> None:
    redis_client.xadd("s", {"a": "7"}, id="1500-1")
    expected = datetime(1970, 1, 1, 0, 0, 1, 500_000)
    assert gf.scan_streams(url).collect().rows() == [("s", "1500-1", expected)]
    assert gf.read_streams(url).schema["_ts"] == pl.Datetime("ms")
    frame = gf.read_streams(url, "*", {"a": pl.Int64})
    assert frame["a"].to_list() == [7]
    assert frame.schema == gf.scan_streams(url, "*", {"a": pl.Int64}).collect_schema()


# -- B4 --------------------------------------------------------------------------------------------


def test_dates_in_every_scan(url: str, redis_client: redis.Redis) -> None:
    make(redis_client, "2024-02-29")
    day = date(2024, 2, 29)
    assert gf.read_hashes(url, "*", {"a": pl.Date})["a"].to_list() == [day]
    assert gf.read_hashes(url, "*", pl.Date, format="long")["value"].to_list() == [day]
    assert gf.read_strings(url, "*", pl.Date)["value"].to_list() == [day]
    assert gf.read_sets(url, "*", pl.Date)["member"].to_list() == [day]
    assert gf.read_lists(url, "*", pl.Date)["element"].to_list() == [day]
    assert gf.read_zsets(url, "*", pl.Date)["member"].to_list() == [day]
    assert gf.read_streams(url, "*", {"a": pl.Date})["a"].to_list() == [day]


# -- B5 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["valkey91", "redis82"])
def test_no_refusal_is_an_empty_stream(name: str, fresh_server: FreshServer) -> None:
    server = fresh_server(name, users=["ann on >secret ~other* +@all"])
    with redis.Redis(port=server.port) as admin:
        admin.xadd("s", {"a": "1"})
    with gf.connect(server.url, username="ann", password="secret", retries=0) as client:
        for kind, lf in scans(client, keys=["s"]).items():
            with pytest.raises(PermissionDeniedError):
                lf.collect()
            assert kind


# -- B10 -------------------------------------------------------------------------------------------


def test_bytes_in_every_scan(url: str, redis_client: redis.Redis) -> None:
    value = b"\xff\xfe\x00\r\n"
    make(redis_client, value)
    for kind, lf in scans(url).items():
        frame, _ = whole_run(lf)
        binary = frame.select(pl.selectors.binary())
        assert kind == "keys" or binary.rows() == [(value,)], kind


# -- B13 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("18446744073709551616", pl.UInt64),
        ("9223372036854775808", pl.Int64),
        ("1.9", pl.Int64),
        ("2024-02-31", pl.Date),
        ("20240115", pl.Date),
        ("25:99:99", pl.Time),
        ("86400000", pl.Datetime("ms")),
        ("12345é", pl.Datetime("us")),
        ("2024-01-01T00:00:00.12345é", pl.Datetime("us")),
    ],
)
def test_no_value_is_changed_silently(
    url: str, redis_client: redis.Redis, text: str, dtype: pl.DataType
) -> None:
    make(redis_client, text)
    for query in (
        gf.scan_hashes(url, "*", {"a": dtype}),
        gf.scan_hashes(url, "*", dtype, format="long"),
        gf.scan_strings(url, "*", dtype),
        gf.scan_sets(url, "*", dtype),
        gf.scan_lists(url, "*", dtype),
        gf.scan_zsets(url, "*", dtype),
        gf.scan_streams(url, "*", {"a": dtype}),
    ):
        with pytest.raises(gf.DataError):
            query.collect()
    redis_client.flushdb()
    make(redis_client, "2024-01-01T23:00:00+05:00")
    moment = gf.read_lists(url, "*", pl.Datetime("us"))["element"].to_list()
    assert moment == [datetime(2024, 1, 1, 18)]


# -- B16 -------------------------------------------------------------------------------------------


def test_a_column_named_like_the_key_is_an_error_in_every_scan(url: str) -> None:
    for scan in (
        lambda: gf.scan_hashes(url, "*", {"_key": pl.String}),
        lambda: gf.scan_hashes(url, format="long", field_column="_key"),
        lambda: gf.scan_hashes(url, format="long", value_column="_key"),
        lambda: gf.scan_strings(url, value_column="_key"),
        lambda: gf.scan_sets(url, member_column="_key"),
        lambda: gf.scan_lists(url, element_column="_key"),
        lambda: gf.scan_zsets(url, score_column="_key"),
        lambda: gf.scan_streams(url, "*", {"_key": pl.String}),
        lambda: gf.scan_keys(url, key_column="type"),
    ):
        with pytest.raises(SchemaError):
            scan()


# -- B20 -------------------------------------------------------------------------------------------


def test_a_hundred_thousand_vanished_keys_in_every_scan(
    url: str, redis_client: redis.Redis
) -> None:
    keys = [f"gone:{number}" for number in range(100_000)]
    for kind, lf in scans(url, keys=keys).items():
        with counted(redis_client) as calls:
            frame, report = whole_run(lf)
        assert frame.is_empty(), kind
        assert report.keys_vanished + report.keys_empty == 100_000, kind
        assert sum(calls.values()) <= 6 * 100_000, kind


def test_every_exception_is_of_this_library() -> None:
    # The predecessor had bare RuntimeErrors only.
    for error in (gf.DataError, SchemaError, PermissionDeniedError):
        assert issubclass(error, GearframeError)
