"""Channels on both servers: batches, dtypes, errors, idling and cancelling."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import threading
import time

import polars as pl
import pytest
import redis

from gearframe.compat import polars_redis as shim
from gearframe.compat.polars_redis import _pubsub
from gearframe.exceptions import (
    DataError,
    OptionError,
    PermissionDeniedError,
    SchemaError,
    ServerConnectionError,
)
from tests.integration.turns import CountingSelector
from tests.servers.patience import PATIENCE, wait_until

SCHEMA = {"user": pl.Int64, "action": pl.String}


@contextlib.contextmanager
def publishing(url, *messages):
    """Publish in the background once each channel has a listener."""

    def work():
        with redis.Redis.from_url(url) as client:
            for channel, payload in messages:
                while not client.publish(channel, payload):
                    time.sleep(0.002)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)
    assert not thread.is_alive(), "nobody has listened"


def listeners(client):
    return len(client.client_list(_type="pubsub"))


@pytest.fixture(autouse=True)
def nobody_listens(request):
    """A message of the next test is for its own listener alone."""
    if "url" not in request.fixturenames:
        yield
        return
    with redis.Redis.from_url(request.getfixturevalue("url")) as client:
        yield
        await_no_listener(client)


def test_raw_messages_by_count(url):
    with publishing(url, ("a", "one"), ("b", "zwei é"), ("a", "three")):
        frame = shim.collect_pubsub(url, ["a", "b"], count=3, include_channel=True)
    assert frame.schema == {"_channel": pl.String, "message": pl.String}
    assert frame.rows() == [("a", "one"), ("b", "zwei é"), ("a", "three")]


def test_all_columns_under_other_names(url):
    before = dt.datetime.now(dt.UTC)
    with publishing(url, ("a", b"\xff")):
        frame = shim.collect_pubsub(
            url,
            [b"a"],
            count=1,
            include_channel=True,
            include_timestamp=True,
            channel_column="c",
            message_column="m",
            timestamp_column="t",
            schema={"m": pl.Binary},
        )
    assert frame.schema == {"c": pl.String, "t": pl.Datetime("us", "UTC"), "m": pl.Binary}
    assert frame["m"].to_list() == [b"\xff"]
    assert before <= frame["t"][0] <= dt.datetime.now(dt.UTC)


def test_the_time_ends_it(url):
    start = time.monotonic()
    frame = shim.collect_pubsub(url, ["a"], timeout_ms=1_000_000, window_seconds=0.1)
    assert 0.1 <= time.monotonic() - start < PATIENCE
    assert frame.schema == {"message": pl.String}
    assert frame.height == 0


def test_nothing_has_the_declared_columns(url):
    for options in ({"message_format": "json"}, {"parser": lambda channel, payload: {}}):
        frame = shim.collect_pubsub(
            url, ["a"], timeout_ms=10, schema=SCHEMA, include_timestamp=True, **options
        )
        assert frame.schema == {"_received_at": pl.Datetime("us", "UTC"), **SCHEMA}


def test_patterns(url):
    with publishing(url, ("news:x", "1"), ("news:y", "2")):
        frame = shim.collect_pubsub(url, ["news:*"], pattern=True, count=2, include_channel=True)
    assert frame.rows() == [("news:x", "1"), ("news:y", "2")]


def test_json_with_a_schema(url):
    messages = [{"user": 1, "action": "in", "more": 1}, {"action": None}, {"user": 2**40}]
    with publishing(url, *(("a", json.dumps(message)) for message in messages)):
        frame = shim.collect_pubsub(url, ["a"], count=3, message_format="json", schema=SCHEMA)
    assert frame.schema == SCHEMA
    assert frame.rows() == [(1, "in"), (None, None), (2**40, None)]


def test_json_without_a_schema_takes_fields_that_come_late(url):
    rows = [{"a": 1}] * 150 + [{"b": "x"}]
    with publishing(url, *(("c", json.dumps(row)) for row in rows)):
        frame = shim.collect_pubsub(url, ["c"], count=151, message_format="json")
    assert frame.schema == {"a": pl.Int64, "b": pl.String}
    assert frame.row(150) == (None, "x")


def test_json_times_are_iso_8601(url):
    schema = {
        "d": pl.Date,
        "n": pl.Datetime("us"),
        "z": pl.Datetime("us", "Europe/Berlin"),
        "l": pl.List(pl.Int8),
    }
    message = {"d": "2024-02-29", "n": "2024-01-01T10:00:00+02:00", "z": "2024-01-01T10:00:00.5"}
    with publishing(url, ("a", json.dumps(message | {"l": [1, 2]}))):
        frame = shim.collect_pubsub(url, ["a"], count=1, message_format="json", schema=schema)
    assert frame.schema == schema
    assert frame["d"][0] == dt.date(2024, 2, 29)
    assert frame["n"][0] == dt.datetime(2024, 1, 1, 8)
    assert frame["z"].dt.convert_time_zone("UTC")[0] == dt.datetime(
        2024, 1, 1, 9, 0, 0, 500_000, dt.UTC
    )
    assert frame["l"].to_list() == [[1, 2]]


def test_a_parser(url):
    def parse(channel, payload):
        level, text = payload.split(b"|")
        return {"channel": channel, "level": level.decode(), "size": len(text)}

    schema = {"level": pl.String, "size": pl.UInt8, "channel": pl.String}
    with publishing(url, ("log", "warn|abc")):
        frame = shim.collect_pubsub(url, ["log"], count=1, parser=parse, schema=schema)
    assert frame.schema == schema
    assert frame.rows() == [("warn", 3, "log")]


@pytest.mark.parametrize(
    ("payload", "options", "words"),
    [
        (b"\xff", {}, "not UTF-8"),
        (b"{broken", {"message_format": "json"}, "not JSON"),
        (b"[1]", {"message_format": "json"}, "expected an object"),
        (b'{"user": "x"}', {"message_format": "json", "schema": SCHEMA}, "'user' is 'x'.* Int64"),
        (b'{"user": 1.5}', {"message_format": "json", "schema": SCHEMA}, "'user' is 1.5"),
        (b'{"user": true}', {"message_format": "json", "schema": SCHEMA}, "'user' is True"),
        (b'{"user": 1e30}', {"message_format": "json", "schema": SCHEMA}, "'user' is 1e"),
        (b'{"d": "2024-02-31"}', {"message_format": "json", "schema": {"d": pl.Date}}, "Date"),
        (b"odd", {"parser": lambda channel, payload: 1 / 0}, "ZeroDivisionError"),
        (b"odd", {"parser": lambda channel, payload: None}, "the parser made None"),
    ],
)
def test_a_message_that_does_not_fit_is_named(url, payload, options, words):
    good = json.dumps({"user": 1, "d": "2024-01-01"}) if options else "good"
    parser = options.get("parser")
    if parser is not None:
        options = {"parser": lambda c, p: parser(c, p) if p == b"odd" else {"a": 1}}
    with publishing(url, ("a", good), ("a", payload)), pytest.raises(DataError, match=words) as e:
        shim.collect_pubsub(url, ["a"], count=2, **options)
    assert repr(payload)[:20] in str(e.value)
    assert "channel 'a'" in str(e.value)
    assert e.value.value == payload


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"count": 0},
        {"count": True},
        {"timeout_ms": 0},
        {"window_seconds": float("nan")},
        {"timeout_ms": "5"},
        {"count": 1, "message_format": "xml"},
        {"count": 1, "parser": "x"},
        {"count": 1, "schema": {"other": pl.String}},
        {"count": 1, "schema": {"message": pl.Int64}},
        {"count": 1, "include_channel": True, "channel_column": "message"},
        {
            "count": 1,
            "message_format": "json",
            "schema": {"_channel": int},
            "include_channel": True,
        },
    ],
)
def test_options_that_cannot_be_used(options):
    with pytest.raises(OptionError):
        shim.collect_pubsub("redis://127.0.0.1:1", ["a"], **options)


@pytest.mark.parametrize("channels", ["abc", [], [1], None])
def test_what_is_no_list_of_channels(channels):
    for function in (shim.iter_pubsub, shim.iter_pubsub_async):
        with pytest.raises(OptionError, match="channels"):
            function("redis://127.0.0.1:1", channels)


def test_batches_by_count_and_by_time(url):
    batches = shim.iter_pubsub(url, ["a"], batch_size=2, batch_timeout_ms=50, schema=None)
    with publishing(url, *(("a", str(n)) for n in range(5))):
        heights = []
        messages = []
        while len(messages) < 5:
            batch = next(batches)
            heights.append(batch.height)
            messages += batch["message"].to_list()
    batches.close()
    assert messages == ["0", "1", "2", "3", "4"]
    assert max(heights) <= 2
    assert min(heights) >= 1


def test_a_batch_does_not_wait_for_more_than_its_time(url):
    batches = shim.iter_pubsub(url, ["a"], batch_size=1000, batch_timeout_ms=30)
    with publishing(url, ("a", "alone")):
        assert next(batches).rows() == [("alone",)]
    batches.close()


def test_an_iterator_that_is_left_closes_its_connection(url, redis_client):
    with publishing(url, ("a", "1")):
        for _ in shim.iter_pubsub(url, ["a"], batch_size=1):
            assert listeners(redis_client) == 1
            break
    await_no_listener(redis_client)


def await_no_listener(client):
    """The server needs a moment to see that a connection is closed."""
    wait_until(lambda: not listeners(client), "the connection is still there")


def test_async_batches(url, redis_client):
    async def work():
        found = []
        batches = shim.iter_pubsub_async(url, ["a"], batch_size=2, batch_timeout_ms=50)
        async with contextlib.aclosing(batches):
            async for batch in batches:
                found += batch["message"].to_list()
                if len(found) >= 5:
                    break
        return found

    with publishing(url, *(("a", str(n)) for n in range(5))):
        assert asyncio.run(work()) == ["0", "1", "2", "3", "4"]
    await_no_listener(redis_client)


def test_idle_tasks_use_no_time_and_stop_at_once(url, redis_client, monkeypatch):
    # What a task waits for comes long after the test has failed.
    monkeypatch.setattr(_pubsub, "_LONGEST_WAIT", 1000.0)
    selector = CountingSelector()

    async def listen():
        async for _ in shim.iter_pubsub_async(url, ["quiet"], batch_timeout_ms=1):
            pass

    async def work():
        tasks = [asyncio.create_task(listen()) for _ in range(5)]
        while redis_client.pubsub_numsub("quiet")[0][1] < 5:
            assert not any(task.done() for task in tasks)
            await asyncio.sleep(0.005)
        before = selector.turns
        await asyncio.sleep(0.5)
        turns = selector.turns - before
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        return turns

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        turns = runner.run(asyncio.wait_for(work(), PATIENCE))
    # A busy loop, as the predecessor's was, turns thousands of times.
    assert turns < 50
    await_no_listener(redis_client)


def test_a_thread_that_waits_uses_no_time(url, monkeypatch):
    looks = []
    look = redis.client.PubSub.get_message

    def counted(*arguments, **options):
        looks.append(options)
        return look(*arguments, **options)

    monkeypatch.setattr(redis.client.PubSub, "get_message", counted)
    shim.collect_pubsub(url, ["quiet"], window_seconds=0.5)
    # One for the confirmation, and one that waits for as long as there is time.
    assert len(looks) < 10


def test_a_lost_connection_is_an_error(url, redis_client):
    def kill():
        while not listeners(redis_client):
            time.sleep(0.002)
        redis_client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    def collected():
        shim.collect_pubsub(url, ["a"], window_seconds=30)

    def iterated():
        next(shim.iter_pubsub(url, ["a"]))

    def in_asyncio():
        async def work():
            await anext(shim.iter_pubsub_async(url, ["a"]))

        asyncio.run(work())

    for listening in (collected, iterated, in_asyncio):
        await_no_listener(redis_client)  # the one that was killed before can still be listed
        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        with pytest.raises(ServerConnectionError):
            listening()
        thread.join()


def test_a_channel_that_is_forbidden(fresh_server):
    users = ["limited on >pw ~* +@all resetchannels &mine", "default on nopass ~* &* +@all"]
    server = fresh_server(users=users)
    url = f"redis://limited:pw@{server.url.split('//')[1]}"
    with pytest.raises(PermissionDeniedError):
        shim.collect_pubsub(url, ["other"], count=1)


def test_schema_errors_are_schema_errors():
    with pytest.raises(SchemaError, match="raw message"):
        shim.iter_pubsub("redis://127.0.0.1:1", ["a"], schema=SCHEMA)
