"""Frames written as streams, on real servers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf

LOG = pl.DataFrame(
    {
        "_key": ["a", "b", "a", "a"],
        "id": ["1-1", "5-1", "2-*", "2-*"],
        "level": [1, None, 3, None],
        "text": ["up", "down", None, ""],
    }
)
MODES = ["replace", "fail", "append"]
SMALLER = "ERR The ID specified in XADD is equal or smaller than the target stream top item"


@pytest.mark.parametrize("if_exists", MODES)
@pytest.mark.parametrize("lazy", [False, True])
def test_each_row_is_an_entry_and_nulls_make_no_field(
    url: str, redis_client: redis.Redis, if_exists: Any, lazy: bool
) -> None:
    frame = LOG.lazy() if lazy else LOG
    report = gf.write_streams(frame, url, id="id", if_exists=if_exists, batch_size=1)
    assert (report.written, report.elements) == (2, 4)
    assert redis_client.xrange("a") == [
        (b"1-1", {b"level": b"1", b"text": b"up"}),
        (b"2-0", {b"level": b"3"}),
        (b"2-1", {b"text": b""}),
    ]
    assert redis_client.xrange("b") == [(b"5-1", {b"text": b"down"})]
    assert redis_client.dbsize() == 2
    assert redis_client.ttl("a") == -1


def test_small_streams_go_together(url: str) -> None:
    commands = gf.write_streams(LOG, url, id="id").commands
    assert commands == {"MULTI/EXEC": 2, "UNLINK": 2, "XADD": 4}


def test_the_server_makes_ids(url: str, redis_client: redis.Redis) -> None:
    report = gf.write_streams(LOG, url, ttl=100)
    assert report.commands == {"MULTI/EXEC": 2, "PEXPIRE": 2, "UNLINK": 2, "XADD": 4}
    entries = redis_client.xrange("a")
    assert [fields[b"id"] for _, fields in entries] == [b"1-1", b"2-*", b"2-*"]
    assert redis_client.ttl("a") == pytest.approx(100, abs=40)


def test_times_become_ids(url: str, redis_client: redis.Redis) -> None:
    times = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
    frame = pl.DataFrame({"_key": ["s", "s"], "at": times, "n": [1, 2]})
    gf.write_streams(frame, url, id="at")
    milliseconds = int(times[0].timestamp() * 1000)
    assert [id for id, _ in redis_client.xrange("s")] == [
        b"%d-0" % milliseconds,
        b"%d-1" % milliseconds,
    ]
    late = frame.with_columns(pl.col("at") + pl.duration(microseconds=pl.Series([0, 1])))
    for given in (late, late.lazy()):
        with pytest.raises((gf.OptionError, gf.WriteError), match=r"row 1: the key 's' has the ti"):
            gf.write_streams(given, url, id="at")
    assert redis_client.xlen("s") == 2


@pytest.mark.parametrize("lazy", [False, True])
def test_a_smaller_id_leaves_the_old_stream(
    url: str, redis_client: redis.Redis, lazy: bool
) -> None:
    redis_client.xadd("a", {"old": "1"}, id="9-9")
    frame = LOG.with_columns(id=pl.Series(["5-1", "5-1", "4-1", "6-1"]))
    given = frame.lazy() if lazy else frame
    report = gf.write_streams(given, url, id="id", on_failure="report")
    assert (report.written, report.elements) == (1, 1)
    assert report.failed == {b"a": f"the entry with id 4-1: {SMALLER}"}
    assert redis_client.xrange("a") == [(b"9-9", {b"old": b"1"})]
    assert sorted(redis_client.keys()) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("nonsense", "the entry with id nonsense: ERR Invalid stream ID"),
        ("0-0", "the entry with id 0-0: ERR The ID specified in XADD must be greater than 0-0"),
        (None, "an id is null"),
    ],
)
def test_what_is_no_id_fails_its_key(
    url: str, redis_client: redis.Redis, id: str | None, message: str
) -> None:
    frame = pl.DataFrame({"_key": ["a", "b"], "id": ["1-1", id], "n": [1, 2]})
    report = gf.write_streams(frame, url, id="id", on_failure="report")
    assert report.written == 1
    assert report.failed[b"b"].startswith(message)
    assert redis_client.keys() == [b"a"]


def test_append_leaves_out_what_is_refused_and_says_so(url: str, redis_client: redis.Redis) -> None:
    redis_client.xadd("a", {"old": "1"}, id="2-0")
    report = gf.write_streams(LOG, url, id="id", if_exists="append", on_failure="report")
    assert (report.written, report.elements) == (1, 3)
    reason = f"the entry with id 1-1: {SMALLER}; 2 elements were added"
    assert report.failed == {b"a": reason}
    assert [id for id, _ in redis_client.xrange("a")] == [b"2-0", b"2-1", b"2-2"]


def test_fail_names_the_streams_that_exist(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("a", "mine")
    report = gf.write_streams(LOG, url, id="id", if_exists="fail", on_failure="report")
    assert report.failed == {b"a": "exists already"}
    assert redis_client.get("a") == b"mine"
    assert redis_client.xlen("b") == 1


def test_a_row_of_nulls_fails_its_key(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": ["a", "a", "b"], "n": [1, None, 3]})
    report = gf.write_streams(frame, url, on_failure="report")
    why = "a row has nulls only: Redis has no entry without fields"
    assert (report.written, report.failed) == (1, {b"a": why})
    assert redis_client.keys() == [b"b"]


@pytest.mark.parametrize("rows", [1000, 20_000])
@pytest.mark.parametrize("if_exists", MODES)
@pytest.mark.parametrize(
    ("trim", "length"),
    [
        ({"maxlen": 10, "approximate": False}, 10),
        ({"maxlen": 0, "approximate": False}, 0),
        ({"minid": "991-0", "approximate": False}, None),
        ({"minid": 991, "approximate": False}, None),
    ],
)
def test_streams_are_trimmed(
    url: str, redis_client: redis.Redis, if_exists: Any, rows: int, trim: Any, length: int | None
) -> None:
    frame = pl.DataFrame({"n": range(1, rows + 1)}).select(
        "n", _key=pl.lit("s"), id=pl.format("{}-0", "n")
    )
    report = gf.write_streams(frame, url, id="id", if_exists=if_exists, **trim)
    assert (report.written, report.elements) == (1, rows)
    assert redis_client.xlen("s") == (rows - 990 if length is None else length)
    assert redis_client.keys() == [b"s"]


def test_approximate_trimming_keeps_some_more(url: str, redis_client: redis.Redis) -> None:
    frame = pl.DataFrame({"_key": "s", "n": range(2000)})
    gf.write_streams(frame, url, maxlen=10)
    assert 10 < redis_client.xlen("s") < 2000


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"maxlen": 1, "minid": "1"}, gf.OptionError, "maxlen and minid are both given"),
        ({"maxlen": -1}, gf.OptionError, "maxlen is -1"),
        ({"minid": 1.5}, gf.OptionError, "minid is 1.5"),
        ({"id": "level"}, gf.SchemaError, "the id column 'level' is Int64"),
        ({"id": "none"}, gf.SchemaError, "no column 'none'"),
        ({"columns": []}, gf.SchemaError, "no column to make fields of"),
        ({"columns": ["text", "text"]}, gf.SchemaError, "twice"),
    ],
)
def test_what_cannot_be_is_refused(
    url: str, redis_client: redis.Redis, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gf.write_streams(LOG, url, **options)
    assert redis_client.dbsize() == 0
