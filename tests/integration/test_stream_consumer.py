"""Consumers of groups on real servers: every entry is processed, whatever happens."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.streams import (
    FileCheckpointStore,
    MemoryCheckpointStore,
    RedisCheckpointStore,
    iterate,
)
from tests.integration.commandstats import counted
from tests.integration.turns import CountingSelector
from tests.servers.faults import CutAt
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE, wait_until
from tests.servers.proxy import FaultProxy

SCHEMA = {"n": pl.Int64}


def add(client: redis.Redis, numbers: Any, stream: str = "s") -> None:
    for n in numbers:
        client.xadd(stream, {"n": n}, id=f"{n + 1}-0")


def pending(client: redis.Redis) -> int:
    return client.xpending("s", "g")["pending"]  # type: ignore[index, return-value]


def consumer(url: str, name: str = "one", **options: Any) -> gf.StreamConsumer:
    given = {"timeout": 0, "batch_size": 5, **options}
    return gf.StreamConsumer(url, "s", "g", name, SCHEMA, **given)


def numbers(batches: Any) -> list[int]:
    return [n for batch in batches for n in batch["n"]]


# -- nothing is lost -------------------------------------------------------------------------------


def test_a_batch_is_acknowledged_when_the_next_is_asked_for(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(12))
    with consumer(url) as reading:
        left = [(batch.height, pending(redis_client)) for batch in reading]
        assert left == [(5, 5), (5, 5), (2, 2)]
        assert pending(redis_client) == 0
        assert reading.stats.entries_processed == 12
        assert reading.stats.batches_processed == 3
        assert reading.stats.last_entry_id == "12-0"


def test_an_exception_in_the_body_leaves_the_batch_pending(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(12))

    def fail_in_the_second(batches: Any) -> None:
        for batch in batches:
            if 7 in batch["n"]:
                raise ZeroDivisionError

    with consumer(url) as reading, pytest.raises(ZeroDivisionError):
        fail_in_the_second(reading)
    assert pending(redis_client) == 5
    with consumer(url) as again:
        assert numbers(again) == [5, 6, 7, 8, 9, 10, 11]
    assert pending(redis_client) == 0


def test_break_leaves_the_batch_pending_unless_it_is_committed(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(12))
    with consumer(url) as reading:
        next(iter(reading))
        assert pending(redis_client) == 5
        assert numbers([next(iter(reading))]) == [0, 1, 2, 3, 4]
        assert reading.commit() == 5
        assert pending(redis_client) == 0
        assert numbers([next(iter(reading))]) == [5, 6, 7, 8, 9]


KILLED = """
    import sys, time
    import gearframe as gf

    with gf.StreamConsumer(sys.argv[1], "s", "g", "one", {"n": int}, batch_size=5) as consumer:
        for number, batch in enumerate(consumer):
            print(*batch["n"].to_list(), flush=True)
            if number == 1:
                time.sleep(60)
"""


def test_kill_9_loses_nothing(url: str, redis_client: redis.Redis) -> None:
    """B6: entries read by a consumer that dies come again."""
    add(redis_client, range(12))
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0 1 2 3 4\n"
        assert process.stdout.readline() == "5 6 7 8 9\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert pending(redis_client) == 5
    with consumer(url) as again:
        assert numbers(again) == [5, 6, 7, 8, 9, 10, 11]


def test_entries_of_a_dead_consumer_are_claimed(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(12))
    with consumer(url, "dead") as dead:
        assert next(iter(dead)).height == 5
    with consumer(url, "two") as other:
        assert numbers(other) == [5, 6, 7, 8, 9, 10, 11]
    with consumer(url, "three", claim_idle=0, batch_size=3) as heir:
        assert numbers(heir) == [0, 1, 2, 3, 4]
    assert pending(redis_client) == 0


def test_entries_of_a_busy_consumer_are_not_claimed(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(5))
    with consumer(url, "busy") as busy, consumer(url, "two", claim_idle=60) as other:
        next(iter(busy))
        assert numbers(other) == []


def test_claimed_entries_that_are_in_hand_do_not_come_twice(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(5))
    with consumer(url, auto_ack=False, claim_idle=0) as reading:
        assert numbers(reading) == [0, 1, 2, 3, 4]
        assert pending(redis_client) == 5
        assert reading.commit() == 5


def test_more_pending_entries_than_a_batch(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(12))
    with consumer(url, batch_size=100) as reading:
        next(iter(reading))
    with consumer(url, batch_size=5) as again:
        assert [batch["n"].to_list() for batch in again] == [
            [0, 1, 2, 3, 4],
            [5, 6, 7, 8, 9],
            [10, 11],
        ]


def test_pending_entries_that_were_deleted_are_counted(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(5))
    with consumer(url) as reading:
        next(iter(reading))
    redis_client.xdel("s", "2-0", "4-0")
    with consumer(url) as again:
        assert numbers(again) == [0, 2, 4]
        assert again.stats.entries_deleted == 2
    assert pending(redis_client) == 0


def test_a_lost_connection_is_opened_again(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(12))
    seen = []
    with gf.connect(url, client_name="victim") as client, consumer(client) as reading:
        for batch in reading:
            seen += batch["n"].to_list()
            for each in redis_client.client_list():
                if each["name"] == "victim":
                    redis_client.client_kill_filter(_id=each["id"])
    # The acknowledgement is lost with the connection, so the first batch may come twice.
    assert sorted(set(seen)) == list(range(12))
    assert pending(redis_client) == 0


def test_an_acknowledgement_waits_for_a_server_that_is_away(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(12))
    with gf.connect(url, retries=3, backoff=0.001) as client, consumer(client) as reading:
        assert numbers([reading.next_batch(0)]) == [0, 1, 2, 3, 4]
        execute, lost = reading._control.execute_command, []

        def be_away(*command: Any) -> Any:
            if len(lost) < 3:
                lost.append(command[0])
                raise redis.ConnectionError("refused")
            return execute(*command)

        reading._control.execute_command = be_away  # type: ignore[method-assign]
        assert numbers([reading.next_batch(0)]) == [5, 6, 7, 8, 9]
        assert lost == ["XACK"] * 3
        assert pending(redis_client) == 5


@pytest.mark.parametrize("lost", ["XAUTOCLAIM", "XACK"])
def test_entries_of_a_step_that_fails_come_with_the_next(
    url: str, redis_client: redis.Redis, lost: str
) -> None:
    add(redis_client, range(5))
    redis_client.xgroup_create("s", "g", "0")
    if lost == "XAUTOCLAIM":
        # Another consumer has them, and has died.
        redis_client.xreadgroup("g", "dead", {"s": ">"})
    else:
        # They are pending here, and one has no data any more.
        redis_client.xreadgroup("g", "one", {"s": ">"})
        redis_client.xdel("s", "1-0")
    claim = 0 if lost == "XAUTOCLAIM" else None
    with gf.connect(url, retries=0) as client, consumer(client, claim_idle=claim) as reading:
        execute, claims = reading._control.execute_command, []

        def lose_the_reply(*command: Any) -> Any:
            reply = execute(*command)
            if command[0] == lost and not claims:
                claims.append(reply)
                raise redis.ConnectionError("lost")
            return reply

        reading._control.execute_command = lose_the_reply  # type: ignore[method-assign]
        with pytest.raises(gf.ServerConnectionError):
            numbers(iter(lambda: reading.next_batch(0), None))
        # Nothing is claimed any more: what comes now is what was lost.
        reading._reader.options = dataclasses.replace(reading._reader.options, claim_idle=None)
        expected = [0, 1, 2, 3, 4] if lost == "XAUTOCLAIM" else [1, 2, 3, 4]
        assert numbers([reading.next_batch(0)]) == expected


@pytest.mark.parametrize("offset", [0, 1, 60, 150])
def test_entries_of_a_lost_reply_come_with_the_next_step(
    url: str, redis_client: redis.Redis, offset: int
) -> None:
    with (
        FaultProxy(url) as proxy,
        gf.connect(proxy.url, retries=0) as client,
        consumer(client) as reading,
    ):
        assert reading.next_batch(0) is None
        add(redis_client, range(7))
        proxy.inject(CutAt(offset))
        with pytest.raises(gf.ServerConnectionError):
            reading.next_batch(0)
        proxy.inject()
        assert pending(redis_client) == 5
        seen = [reading.next_batch(0), reading.next_batch(0)]
        assert numbers(seen) == [0, 1, 2, 3, 4, 5, 6]


def test_a_server_that_stays_away_is_an_error(fresh_server: FreshServer) -> None:
    server = fresh_server()
    client = gf.connect(server.url, retries=2, backoff=0.01)
    with consumer(client, timeout=None) as reading:
        server.kill()
        with pytest.raises(gf.ServerConnectionError, match=str(server.port)):
            next(iter(reading))


def test_a_value_that_does_not_fit_leaves_the_batch_pending(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(2))
    redis_client.xadd("s", {"n": "three"}, id="3-0")
    with consumer(url) as reading:
        for _ in range(2):  # asking again must not acknowledge what nobody has seen
            with pytest.raises(gf.DataError, match="entry 3-0 of stream 's', field 'n'") as caught:
                reading.next_batch(0)
            assert (caught.value.key, caught.value.field) == (b"s", "n")
            assert caught.value.value == b"three"
        assert pending(redis_client) == 3
    with consumer(url, on_error="null") as lenient:
        assert numbers(lenient) == [0, 1, None]


def test_rollback_gives_the_batch_again(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(7))
    seen = []
    with consumer(url) as reading:
        for batch in reading:
            seen.append(batch["n"].to_list())
            if len(seen) == 1:
                reading.rollback()
    assert seen == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [5, 6]]


def test_entries_are_acknowledged_one_by_one(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(5))
    with consumer(url, auto_ack=False) as reading:
        batch = next(iter(reading))
        assert reading.ack(batch.head(2)) == 2
        assert reading.ack(["3-0"]) == 1
        assert pending(redis_client) == 2
        assert gf.ack_entries(url, "s", "g", batch["_id"]) == 2
        with pytest.raises(gf.OptionError, match="'three' is no id"):
            reading.ack(["three"])


# -- groups ----------------------------------------------------------------------------------------


def test_the_group_and_the_stream_are_made(url: str, redis_client: redis.Redis) -> None:
    with consumer(url) as reading:
        assert list(reading) == []
        assert redis_client.xinfo_groups("s")[0]["name"] == b"g"  # type: ignore[index]
    with consumer(url, create_group=False) as again:
        assert list(again) == []


def test_a_missing_group_is_an_error_if_it_may_not_be_made(url: str) -> None:
    with (
        consumer(url, create_group=False) as reading,
        pytest.raises(gf.ReplyError, match="no group 'g'; create it"),
    ):
        list(reading)


@pytest.mark.parametrize(("start", "seen"), [("0", [0, 1, 2]), ("$", [2]), ("1-0", [1, 2])])
def test_where_a_new_group_begins(
    url: str, redis_client: redis.Redis, start: str, seen: list[int]
) -> None:
    add(redis_client, range(2))
    with consumer(url, start=start) as reading:
        found = numbers(reading)
        add(redis_client, [2])
        assert found + numbers(reading) == seen


def test_a_group_that_is_destroyed_meanwhile_is_made_again(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(2))
    with consumer(url, start="$") as reading:
        assert list(reading) == []
        redis_client.xgroup_destroy("s", "g")
        add(redis_client, [2])
        # "$" stays what it was when the group was made first.
        assert numbers(reading) == [2]


def test_two_consumers_make_the_group_at_the_same_time(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(100))
    found: list[int] = []

    def work(name: str) -> None:
        with consumer(url, name) as reading:
            found.extend(numbers(reading))

    threads = [threading.Thread(target=work, args=(f"c{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(100))


def test_another_type_is_an_error(url: str, redis_client: redis.Redis) -> None:
    redis_client.set("s", "text")
    with consumer(url) as reading, pytest.raises(gf.ReplyError, match="WRONGTYPE"):
        list(reading)


# -- checkpoints -----------------------------------------------------------------------------------


def test_a_new_group_begins_behind_the_checkpoint(
    url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    add(redis_client, range(7))
    with RedisCheckpointStore(url) as remote:
        for store in (MemoryCheckpointStore(), FileCheckpointStore(tmp_path / "f" / "c"), remote):
            redis_client.xgroup_destroy("s", "g")
            with consumer(url, checkpoint_store=store) as reading:
                batches = iter(reading)
                next(batches)
                next(batches)  # acknowledges the first
            assert store.get("s:g:one") == "5-0"
            redis_client.xgroup_destroy("s", "g")
            with consumer(url, checkpoint_store=store) as again:
                assert numbers(again) == [5, 6]
            assert store.get("s:g:one") == "7-0"
            store.delete("s:g:one")
            assert store.get("s:g:one") is None


def test_a_checkpoint_of_another_stream_of_the_name_does_not_hide_entries(
    url: str, redis_client: redis.Redis
) -> None:
    store = MemoryCheckpointStore()
    store.set("s:g:one", "100-0")
    add(redis_client, range(3))
    with consumer(url, checkpoint_store=store) as reading:
        assert numbers(reading) == [0, 1, 2]


def test_a_checkpoint_never_passes_what_is_in_hand(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(3))
    store = MemoryCheckpointStore()
    with consumer(url, checkpoint_store=store, auto_ack=False) as reading:
        next(iter(reading))
        reading.ack(["3-0"])
        assert store.get("s:g:one") is None
        reading.ack(["1-0", "2-0"])
        assert store.get("s:g:one") in ("2-0", "3-0")


def test_a_checkpoint_never_passes_what_another_consumer_has_in_hand(
    url: str, redis_client: redis.Redis
) -> None:
    add(redis_client, range(15))
    store = MemoryCheckpointStore()
    with consumer(url, "slow") as slow, consumer(url, checkpoint_store=store) as reading:
        assert numbers([slow.next_batch(0)]) == [0, 1, 2, 3, 4]
        assert numbers(reading) == list(range(5, 15))
        redis_client.xgroup_destroy("s", "g")
        assert 0 in numbers(reading)


def test_a_checkpoint_never_passes_what_was_given_back(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(10))
    store = MemoryCheckpointStore()
    with consumer(url, checkpoint_store=store) as reading:
        reading.next_batch(0)
        reading.rollback()
        reading.skip_pending()
        reading.next_batch(0)
        reading.commit()
        redis_client.xgroup_destroy("s", "g")
        assert 0 in numbers(reading)


def test_a_file_that_is_no_file_of_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("[1, 2")
    with pytest.raises(gf.OptionError, match="no file of checkpoints"):
        FileCheckpointStore(tmp_path / "c").get("s")


# -- stopping --------------------------------------------------------------------------------------


def test_stop_from_another_thread_ends_a_wait(url: str, redis_client: redis.Redis) -> None:
    with gf.connect(url, client_name="waiting") as client, consumer(client, timeout=None) as one:
        stopping = threading.Thread(
            target=stop_when_waiting, args=(redis_client, "xreadgroup", one.stop)
        )
        stopping.start()
        # Without the stop it would wait for ever.
        assert list(one) == []
        stopping.join()


def test_stop_in_the_body_acknowledges_the_batch(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(12))
    with consumer(url, timeout=None) as reading:
        for _ in reading:
            reading.stop()
    assert pending(redis_client) == 0
    with consumer(url) as again:
        assert numbers(again) == [5, 6, 7, 8, 9, 10, 11]


WAITING = """
    import sys
    import gearframe as gf

    client = gf.connect(sys.argv[1], client_name="waiting")
    consumer = gf.StreamConsumer(client, "s", "g", "one", handle_signals=sys.argv[2] == "yes")
    ended = "stopped"
    try:
        for batch in consumer:
            print("waiting", flush=True)
    except KeyboardInterrupt:
        ended = "interrupted"
    print(ended, flush=True)
    assert consumer.stats.entries_processed == 1
    consumer.close()
    client.close()
"""


@pytest.mark.parametrize(
    ("handles", "number", "word"),
    [
        ("no", signal.SIGINT, "interrupted"),
        ("yes", signal.SIGINT, "stopped"),
        ("yes", signal.SIGTERM, "stopped"),
    ],
)
def test_a_signal_ends_a_wait(
    url: str, redis_client: redis.Redis, handles: str, number: int, word: str
) -> None:
    redis_client.xadd("s", {"n": 1})
    program = [sys.executable, "-W", "error", "-c", textwrap.dedent(WAITING), url, handles]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        when_waiting(redis_client, "xreadgroup")  # for more
        process.send_signal(number)
        # Without the signal it would wait for ever.
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out.split() == [word]


def test_waiting_takes_no_time_of_the_processor(url: str, redis_client: redis.Redis) -> None:
    """Each command waits for 0.2 s, and there are no others."""
    with consumer(url, timeout=1) as reading, counted(redis_client) as calls:
        started = time.monotonic()
        assert list(reading) == []
        took = time.monotonic() - started
    # Some look at what is pending, the group is made, and the last wait may be a short one.
    assert 2 <= calls["xreadgroup"] <= took / 0.2 + 6
    assert sum(calls.values()) <= calls["xreadgroup"] + 4


# -- frames ----------------------------------------------------------------------------------------


def test_columns_of_the_id(url: str, redis_client: redis.Redis) -> None:
    redis_client.xadd("s", {"n": 7}, id="1700000000123-5")
    frame = gf.read_stream(url, "s", SCHEMA, include_sequence=True)
    moment = datetime(2023, 11, 14, 22, 13, 20, 123_000)
    assert frame.rows() == [("1700000000123-5", moment, 5, 7)]
    dtypes = {"_id": pl.String, "_ts": pl.Datetime("ms"), "_seq": pl.UInt64, "n": pl.Int64}
    assert dict(frame.schema) == dtypes
    other = gf.read_stream(url, "s", SCHEMA, include_id=False, timestamp_column="at")
    assert other.columns == ["at", "n"]


def test_an_empty_frame_has_its_dtypes(url: str) -> None:
    """B19: empty results had columns without a dtype."""
    frame = gf.read_stream(url, "nothing", {"n": pl.Int64, "at": pl.Date, "e": pl.Enum(["a"])})
    expected = {
        "_id": pl.String,
        "_ts": pl.Datetime("ms"),
        "n": pl.Int64,
        "at": pl.Date,
        "e": pl.Enum(["a"]),
    }
    assert dict(frame.schema) == expected
    assert gf.read_stream(url, "nothing").columns == ["_id", "_ts"]


def test_a_field_that_comes_late_is_a_column(url: str, redis_client: redis.Redis) -> None:
    """B19: fields that came first after row 100 were dropped."""
    redis_client.eval("for n = 0, 5999 do redis.call('XADD','s','*','n',n) end", 0)
    redis_client.xadd("s", {"late": "x"})
    frame = gf.read_stream(url, "s")
    assert frame.columns == ["_id", "_ts", "n", "late"]
    assert frame["late"].null_count() == 6000
    assert frame["n"].to_list()[-2:] == ["5999", None]
    assert frame.schema["n"] == pl.String


def test_a_schema_chooses_fields_and_parses_them(url: str, redis_client: redis.Redis) -> None:
    redis_client.xadd("s", {"at": "2024-02-29", "l": "[1, 2]", "b": b"\xff", "other": "x"})
    frame = gf.read_stream(
        url, "s", {"l": pl.List(pl.Int8), "at": pl.Date, "b": pl.Binary, "none": pl.Float32}
    ).drop("_id", "_ts")
    assert frame.columns == ["l", "at", "b", "none"]
    assert frame.rows() == [([1, 2], datetime(2024, 2, 29).date(), b"\xff", None)]


def test_what_does_not_fit(url: str, redis_client: redis.Redis) -> None:
    redis_client.xadd("s", {"n": 1}, id="1-0")
    redis_client.xadd("s", {"n": "1.9"}, id="2-0")
    redis_client.xadd("s", {"other": 3}, id="3-0")
    with pytest.raises(gf.DataError, match="entry 2-0 of stream 's', field 'n'"):
        gf.read_stream(url, "s", SCHEMA)
    assert gf.read_stream(url, "s", SCHEMA, on_error="null")["n"].to_list() == [1, None, None]
    skipped = gf.read_stream(url, "s", SCHEMA, on_error="skip")
    assert skipped.select("_id", "n").rows() == [("1-0", 1), ("3-0", None)]


def test_bytes_that_are_no_text_are_an_error_that_says_what_to_do(
    url: str, redis_client: redis.Redis
) -> None:
    redis_client.xadd("s", {"n": b"\xff"})
    with pytest.raises(gf.DataError, match=r"pl\.Binary"):
        gf.read_stream(url, "s")
    redis_client.xadd("t", {b"\xff": "x"})
    with pytest.raises(gf.DataError, match="no UTF-8"):
        gf.read_stream(url, "t")
    redis_client.xadd("u", {"_id": "x"})
    with pytest.raises(gf.SchemaError, match="id_column"):
        gf.read_stream(url, "u")
    assert gf.read_stream(url, "u", id_column="entry")["_id"].to_list() == ["x"]


# -- reading once ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({}, range(7)),
        ({"start": "3"}, range(2, 7)),
        ({"start": "(3-0", "end": "5"}, [3, 4]),
        ({"count": 2}, [0, 1]),
        ({"count": 0}, []),
        ({"start": "$"}, []),
    ],
)
def test_a_range(url: str, redis_client: redis.Redis, options: Any, seen: Any) -> None:
    add(redis_client, range(7))
    assert gf.read_stream(url, "s", SCHEMA, **options)["n"].to_list() == list(seen)


def test_more_entries_than_one_page(url: str, redis_client: redis.Redis) -> None:
    redis_client.eval("for n = 0, 12344 do redis.call('XADD','s','*','n',n) end", 0)
    assert gf.read_stream(url, "s", SCHEMA)["n"].to_list() == list(range(12345))
    assert gf.read_stream(url, "s", SCHEMA, count=6000)["n"].to_list() == list(range(6000))


@pytest.mark.parametrize("start", ["-", "$", "1", "(0-5", "1-0"])
def test_wait_for_the_first_entry(url: str, redis_client: redis.Redis, start: str) -> None:
    """B19: waiting with the default start was an error."""
    with gf.connect(url, client_name="waiting") as client:
        adding = threading.Thread(target=add_when_waiting, args=(redis_client, 0))
        adding.start()
        frame = gf.read_stream(client, "s", SCHEMA, start=start, wait=PATIENCE)
        adding.join()
    assert frame["n"].to_list() == [0]


@pytest.mark.parametrize(("end", "seen"), [("5-0", [4]), ("5", [4]), ("(5-0", []), ("4", [])])
def test_waiting_keeps_to_the_end(
    url: str, redis_client: redis.Redis, end: str, seen: list[int]
) -> None:
    with gf.connect(url, client_name="waiting") as client:
        adding = threading.Thread(target=add_when_waiting, args=(redis_client, 4))
        adding.start()
        # An entry behind the end is what it waits for, too: it ends the wait.
        found = gf.read_stream(client, "s", SCHEMA, end=end, wait=PATIENCE)
        adding.join()
    assert found["n"].to_list() == seen


def when_waiting(redis_client: redis.Redis, command: str) -> None:
    """Return when the client called "waiting" waits in this command."""
    wait_until(
        lambda: any(
            each["name"] == "waiting" and each["cmd"] == command and "b" in each["flags"]
            for each in redis_client.client_list()
        )
    )


def add_when_waiting(redis_client: redis.Redis, n: int) -> None:
    """Add an entry as soon as somebody waits for one."""
    when_waiting(redis_client, "xread")
    add(redis_client, [n])


def stop_when_waiting(redis_client: redis.Redis, command: str, stop: Callable[[], None]) -> None:
    """Stop somebody as soon as it waits."""
    try:
        when_waiting(redis_client, command)
    finally:
        stop()


def test_a_stream_that_cannot_be_followed_leaves_no_connection(
    url: str, redis_client: redis.Redis
) -> None:
    redis_client.set("s", "text")
    place = f"{url}{'&' if '?' in url else '?'}client_name=follower"
    gc.disable()
    try:
        with pytest.raises(gf.ReplyError):
            gf.iter_stream(place, "s")
        wait_until(lambda: all(each["name"] != "follower" for each in redis_client.client_list()))
    finally:
        gc.enable()


def test_waiting_ends(url: str) -> None:
    started = time.monotonic()
    assert gf.read_stream(url, "s", SCHEMA, wait=0.2).is_empty()
    assert time.monotonic() - started >= 0.2


def test_as_a_consumer_of_a_group(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(5))
    group: Any = {"group": "g", "consumer": "one"}
    assert gf.read_stream(url, "s", SCHEMA, count=3, **group)["n"].to_list() == [0, 1, 2]
    assert gf.read_stream(url, "s", SCHEMA, **group)["n"].to_list() == [3, 4]
    assert gf.read_stream(url, "s", SCHEMA, **group).is_empty()
    first = gf.read_stream(url, "s", SCHEMA, count=2, pending=True, **group)
    assert first["n"].to_list() == [0, 1]
    assert gf.ack_entries(url, "s", "g", first) == 2
    assert pending(redis_client) == 3
    with pytest.raises(gf.OptionError, match="belong together"):
        gf.read_stream(url, "s", group="g")


# -- following -------------------------------------------------------------------------------------


def test_no_entry_between_two_batches_is_missed(url: str, redis_client: redis.Redis) -> None:
    """B19: "$" was asked for again with each read."""
    add(redis_client, [0])
    batches = gf.iter_stream(url, "s", SCHEMA, timeout=PATIENCE, batch_size=2)
    add(redis_client, [1])  # after the call, before the first step
    assert next(batches)["n"].to_list() == [1]
    add(redis_client, [2, 3, 4])  # while the first is processed
    assert next(batches)["n"].to_list() == [2, 3]
    assert next(batches)["n"].to_list() == [4]


def test_following_from_an_id(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(3))
    assert numbers(gf.iter_stream(url, "s", SCHEMA, start="0", timeout=0)) == [0, 1, 2]
    assert numbers(gf.iter_stream(url, "s", SCHEMA, start="2", timeout=0)) == [2]
    with pytest.raises(gf.OptionError, match="start is 'x'"):
        gf.iter_stream(url, "s", start="x")


def test_an_event_ends_following(url: str, redis_client: redis.Redis) -> None:
    stop = threading.Event()
    with gf.connect(url, client_name="waiting") as client:
        stopping = threading.Thread(
            target=stop_when_waiting, args=(redis_client, "xread", stop.set)
        )
        stopping.start()
        # Without the event it would follow for ever.
        assert list(gf.iter_stream(client, "s", stop=stop)) == []
        stopping.join()


# -- asyncio ---------------------------------------------------------------------------------------


def test_async_consumer(url: str, redis_client: redis.Redis) -> None:
    add(redis_client, range(12))

    async def consume(stop_after: int) -> list[int]:
        found: list[int] = []
        async with gf.AsyncStreamConsumer(
            url, "s", "g", "one", SCHEMA, batch_size=5, timeout=0
        ) as reading:
            async for batch in reading:
                found += batch["n"].to_list()
                if len(found) >= stop_after:
                    raise ZeroDivisionError(found)
        return found

    with pytest.raises(ZeroDivisionError):
        asyncio.run(consume(10))
    assert pending(redis_client) == 5
    assert asyncio.run(consume(100)) == [5, 6, 7, 8, 9, 10, 11]
    assert pending(redis_client) == 0


def test_async_consumer_commits_and_stops(
    url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    add(redis_client, range(12))
    store = FileCheckpointStore(tmp_path / "c")

    async def consume() -> None:
        async with gf.AsyncStreamConsumer(
            url, "s", "g", "one", SCHEMA, batch_size=5, checkpoint_store=store
        ) as reading:
            async for batch in reading:
                assert await reading.ack(batch.head(1)) == 1
                assert await reading.commit() == 4
                reading.stop()

    asyncio.run(consume())
    assert store.get("s:g:one") == "5-0"


def test_following_in_asyncio_misses_nothing(url: str, redis_client: redis.Redis) -> None:
    async def follow() -> list[int]:
        found: list[int] = []
        batches = gf.iter_stream_async(url, "s", SCHEMA, start="0", timeout=PATIENCE)
        async for batch in batches:
            found += batch["n"].to_list()
            if len(found) == 6:
                break
            await asyncio.to_thread(add, redis_client, range(len(found), len(found) + 2))
        await batches.aclose()
        return found

    add(redis_client, range(2))
    assert asyncio.run(follow()) == list(range(6))


def test_many_idle_tasks_take_no_time_and_are_cancelled_at_once(
    url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B19: an idle task took a whole processor, and did not stop when it was cancelled."""
    # The command that a task waits in ends long after the test has failed.
    monkeypatch.setattr(iterate, "_ASYNC_SLICE_SECONDS", 1000)
    selector = CountingSelector()

    async def follow(client: gf.Client) -> None:
        async for _ in gf.iter_stream_async(client, "s"):
            raise AssertionError("there is no entry")

    def are_waiting() -> bool:
        clients = redis_client.client_list()
        return sum(each["cmd"] == "xread" and "b" in each["flags"] for each in clients) == 5

    async def main() -> int:
        with gf.connect(url, read_timeout=3000) as client:
            tasks = [asyncio.create_task(follow(client)) for _ in range(5)]
            while not are_waiting():
                assert not any(task.done() for task in tasks)
                await asyncio.sleep(0.01)
            before = selector.turns
            await asyncio.sleep(0.5)
            turns = selector.turns - before
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(each) for each in ended] == [asyncio.CancelledError] * 5
            return turns

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        turns = runner.run(asyncio.wait_for(main(), PATIENCE))
    # A loop that is busy turns thousands of times.
    assert turns < 20


def test_a_cancelled_consumer_loses_nothing(url: str, redis_client: redis.Redis) -> None:
    async def consume(client: gf.Client, found: list[int]) -> None:
        async with gf.AsyncStreamConsumer(client, "s", "g", "one", SCHEMA) as reading:
            async for batch in reading:
                found += batch["n"].to_list()

    async def main() -> list[int]:
        found: list[int] = []
        with gf.connect(url) as client:
            for n in range(0, 30, 3):
                task = asyncio.create_task(consume(client, found))
                await asyncio.sleep(0.02)
                await asyncio.to_thread(add, redis_client, range(n, n + 3))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        return found

    found = asyncio.run(main())
    with consumer(url) as rest:
        assert set(found) | set(numbers(rest)) == set(range(30))


# -- arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"start": "-"}, "start is '-'"),
        ({"timeout": -1}, "timeout is -1"),
        ({"claim_idle": "5"}, "claim_idle is '5'"),
        ({"on_error": "x"}, "on_error is 'x'"),
    ],
)
def test_options_are_checked(url: str, options: Any, message: str) -> None:
    with pytest.raises(gf.OptionError, match=message):
        consumer(url, **options)


def test_unknown_and_reserved_names(url: str) -> None:
    with pytest.raises(TypeError, match="'nonsense'"):
        consumer(url, nonsense=1)
    with pytest.raises(gf.SchemaError, match="'_id' is the id column"):
        gf.read_stream(url, "s", {"_id": pl.String})
    with pytest.raises(gf.OptionError, match="group is ''"):
        gf.StreamConsumer(url, "s", "", "one")
