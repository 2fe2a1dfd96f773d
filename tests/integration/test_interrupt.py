"""Ctrl-C, and every other way for a query to end before its scan: nothing stays behind.

Each case is a program of its own, because a signal is for a whole process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator

import pytest
import redis

pytestmark = pytest.mark.servers("valkey91")

PRELUDE = """
import gc, os, sys, time
from pathlib import Path
import polars as pl
import gearframe as gf

url = sys.argv[1]
admin = gf.connect(url, client_name="admin")
client = gf.connect(url, client_name="scan-of-the-test", read_timeout=30)
control = 1

def name_of(thread):
    try:
        return (thread / "comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has ended since it was listed

def reading_threads():
    names = map(name_of, Path("/proc/self/task").iterdir())
    return [name for name in names if name == "gearframe-read\\n"]

def connections():
    listed = admin.execute("CLIENT", "LIST").decode().splitlines()
    return len([line for line in listed if "name=scan-of-the-test" in line]) - control

def expect_nothing_left():
    for _ in range(100):
        if not reading_threads():
            break
        time.sleep(0.01)
    assert reading_threads() == []
    # The server notices a closed connection in its next turn.
    for _ in range(100):
        if connections() == 0:
            return
        time.sleep(0.01)
    raise AssertionError(f"{connections()} connections are left")

def expect_it_runs():
    assert len(reading_threads()) == 1
    assert connections() == 1

def quietly(query):
    # Polars' streaming engine raises KeyboardInterrupt, and leaves Python to raise it once more
    # from the signal, in whatever is called next; it does so with any source.
    try:
        try:
            try:
                query()
            except KeyboardInterrupt:
                time.sleep(0.1)
        except KeyboardInterrupt:
            time.sleep(0.1)
    except KeyboardInterrupt:
        pass

def scan(**options):
    return gf.scan_hashes(client, "user:*", {"a": pl.Int64, "b": pl.String}, **options)
"""

KEYS = 100_000


@pytest.fixture(scope="module")
def filled(server_pool: object) -> Iterator[str]:
    server = server_pool.get("valkey91")  # type: ignore[attr-defined]
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        script = """
            for i = 1, ARGV[1] do redis.call('HSET', 'user:' .. i, 'a', i, 'b', 'text') end
            for i = 1, 10000 do redis.call('SET', 'text:' .. i, i) end
            """
        client.eval(script, 0, KEYS)
    yield server.url
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


def start(program: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PRELUDE + textwrap.dedent(program), url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RUST_BACKTRACE": "1"},
    )


def run(program: str, url: str) -> str:
    """Run a program to its good end; give what it wrote to standard error."""
    with start(program, url) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert "panicked" not in err
    assert "Exception ignored" not in err
    return err


QUERIES = {
    "in-memory engine": "scan(throttle=500).collect(engine='in-memory')",
    "streaming engine": "scan(throttle=500).collect(engine='streaming')",
    "read_hashes": "gf.read_hashes(client, 'user:*', {'a': pl.Int64}, throttle=500)",
    "read_strings": "gf.read_strings(client, 'text:*', throttle=500)",
    "keys alone": "gf.scan_hashes(client, 'user:*', {}, throttle=500).collect()",
    "count": "scan(throttle=500).select(pl.len()).collect()",
    "group by": "scan(throttle=500).group_by(pl.col('a') % 7).len().collect(engine='streaming')",
    "progress": "scan(throttle=500, progress=True).collect()",
    "progress, streaming": "scan(throttle=500, progress=True).collect(engine='streaming')",
    "join": "scan(throttle=500).join(scan(throttle=500), on='_key').collect()",
    "unthrottled": "[scan().collect() for _ in range(1000)]",
    "unthrottled, streaming": "[scan().collect(engine='streaming') for _ in range(1000)]",
    "sink": "scan(throttle=500).sink_parquet(os.devnull)",
    "a command": "client.execute('BLPOP', 'nothing', 0)",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_ctrl_c_ends_a_query_within_a_second(filled: str, query: str) -> None:
    program = f"""
        print("running", flush=True)
        quietly(lambda: {query})
        ended = time.time()
        print("ended at", ended, flush=True)
        if {query.startswith("client")}:
            control = 0
        expect_nothing_left()
        # The process goes on as if nothing had been.
        assert client.ping()
        control = 1
        assert scan().select(pl.len()).collect().item() == {KEYS}
        expect_nothing_left()
        """
    process, interrupted = interrupt(start(program, filled))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert out.startswith("ended at "), out + err
    assert float(out.split()[2]) - interrupted < 1
    assert "panicked" not in err, err
    assert "Exception ignored" not in err, err


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_ctrl_c_ends_a_program_with_nothing_but_a_keyboard_interrupt(
    filled: str, engine: str
) -> None:
    program = f"""
        print("running", flush=True)
        scan(throttle=500, progress=True).collect(engine="{engine}")
        """
    process, interrupted = interrupt(start(program, filled))
    _, err = process.communicate(timeout=60)
    assert time.time() - interrupted < 2.5
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err
    if engine == "in-memory":
        # After its streaming engine Polars interrupts even the printing of the traceback.
        assert err.rstrip().endswith("KeyboardInterrupt"), err
    for word in ("panicked", "Exception ignored", "GearframeError", "ComputeError"):
        assert word not in err, err


def test_ctrl_c_ends_an_attempt_to_connect(filled: str) -> None:
    program = """
        print("running", flush=True)
        try:
            gf.connect("redis://127.0.0.1:1", retries=1000, backoff=5.0, max_backoff=5.0)
        except KeyboardInterrupt:
            print("ended at", time.time(), flush=True)
        """
    process, interrupted = interrupt(start(program, filled))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert float(out.split()[2]) - interrupted < 1
    assert err == ""


def interrupt(process: subprocess.Popen[str]) -> tuple[subprocess.Popen[str], float]:
    """Wait until the program says that its query runs, and a little, and press Ctrl-C."""
    assert process.stdout is not None
    if process.stdout.readline() != "running\n":
        _, err = process.communicate(timeout=60)
        raise AssertionError(err)
    time.sleep(0.6)
    process.send_signal(signal.SIGINT)
    return process, time.time()


ENDINGS = {
    "a whole scan": """
        assert scan().collect().height == 100_000
        """,
    "an early end": """
        found = scan(batch_size=1000).filter(pl.col("a") >= 0).head(1).collect()
        assert found.height == 1
        """,
    "an early end, streaming": """
        found = scan(batch_size=1000).filter(pl.col("a") >= 0).head(1)
        assert found.collect(engine="streaming").height == 1
        """,
    "an exception in the user's function": """
        def fail(frame):
            raise ZeroDivisionError("the user's own")

        for engine in ("in-memory", "streaming"):
            lazy = scan(batch_size=1000).map_batches(fail, streamable=True)
            try:
                lazy.collect(engine=engine)
            except Exception as error:
                assert "the user's own" in str(error), error
            else:
                raise AssertionError("no exception")
        """,
    "an exception that is kept": """
        # The exception's traceback holds on to the frames that ran the scan.
        kept = None
        try:
            gf.scan_hashes(client, "user:*", {"b": pl.Int64}).collect()
        except gf.DataError as error:
            kept = error
        assert kept is not None
        """,
    "a LazyFrame that is dropped": """
        lazy = scan()
        del lazy
        """,
    "half of the batches": """
        batches = scan(batch_size=1000).collect_batches(chunk_size=1000, maintain_order=False)
        assert next(iter(batches)).height > 0
        del batches
        """,
}


@pytest.mark.parametrize("program", ENDINGS.values(), ids=ENDINGS)
def test_nothing_is_left_when_a_query_has_ended(filled: str, program: str) -> None:
    program = textwrap.dedent(program)
    assert run(f"{program}\ngc.collect()\nexpect_nothing_left()\n", filled) == ""


def test_the_checks_see_a_running_scan(filled: str) -> None:
    """Without this the tests above could pass because they look at the wrong place."""
    program = """
        import threading

        running = threading.Thread(target=scan(throttle=3_000).head(3_000).collect)
        running.start()
        time.sleep(0.5)
        expect_it_runs()
        running.join()
        expect_nothing_left()
        """
    run(program, filled)


def test_a_forked_child_scans_anew(filled: str) -> None:
    program = """
        import signal, warnings
        warnings.simplefilter("ignore")
        client.ping()
        child = os.fork()
        if child == 0:
            # Polars' own threads do not survive a fork, so the child reads through the scan's
            # source itself, and sends commands.
            signal.alarm(20)
            assert client.ping()
            assert client.dbsize() == 110_000
            os._exit(child_scan())
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        # And the parent's connection is in step with the server still.
        assert client.dbsize() == 110_000
        """
    child = """
        def child_scan():
            import json
            from gearframe import _native
            request = {"kind": {"of": "hashes"}, "columns": [{"name": "a",
                "source": {"from": "field", "field": "a"},
                "dtype": {"kind": "int64"}}], "limit": None, "on_error": "raise",
                "batch_rows": 50_000, "batch_bytes": 1 << 24, "scan_count": 1000,
                "pipeline_keys": 1000, "throttle": None}
            options = client.options.to_json()
            reader = _native.Reader(options, json.dumps(request), pattern=b"user:*")
            rows = 0
            while (batch := reader.next_batch()) is not None:
                rows += batch.num_rows
            return 0 if rows == 100_000 else 1
        """
    run(textwrap.dedent(child) + textwrap.dedent(program), filled)


def test_two_scans_that_end_together_do_not_wait_for_each_other(filled: str) -> None:
    # Each reading thread waits for the GIL while the other's reader is freed.
    program = """
        scans = [client.scan_hashes("user:*", {"n": pl.Int64}, batch_size=500) for _ in range(2)]
        readers = [scan.collect_batches(chunk_size=100) for scan in scans]
        for reader in readers:
            next(reader)
        time.sleep(0.5)
        del reader, readers
        sum(range(20_000_000))
        expect_nothing_left()
        """
    assert run(program, filled) == ""
