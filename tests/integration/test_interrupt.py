"""Ctrl-C, and every other way for a query to end before its scan: nothing stays behind.

Each case is a program of its own, because a signal is for a whole process. What is interrupted
would take many minutes, and its end is waited for one minute at most; how quick it really is,
``benchmarks/interrupt.py`` measures.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest
import redis

from tests.servers.patience import PATIENCE, wait_until
from tests.servers.scripted import ScriptedServer, in_order

pytestmark = pytest.mark.servers("valkey91")

PRELUDE = """
import signal
# A shell has it ignored for programs in the background; before Polars hooks itself in below it.
signal.signal(signal.SIGINT, signal.default_int_handler)
import gc, os, sys, time
from pathlib import Path
import polars as pl
import gearframe as gf
from gearframe.streams.signals import stop_on_signals

url = sys.argv[1]
admin = gf.connect(url, client_name="admin")
client = gf.connect(url, client_name="scan-of-the-test")
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

def expect(*counts):
    # A thread takes a moment to end, the server sees a closed connection in its next turn.
    limit = time.monotonic() + 60
    while threads_and_connections() != counts:
        assert time.monotonic() < limit, f"{threads_and_connections()}, not {counts}"
        time.sleep(0.01)

def threads_and_connections():
    return len(reading_threads()), connections()

def expect_nothing_left():
    expect(0, 0)

def expect_it_runs():
    expect(1, 1)

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

def stop_and_go():
    with stop_on_signals(lambda: None):
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
        out, err = end_of(process)
    assert process.returncode == 0, out + err
    assert "panicked" not in err
    assert "Exception ignored" not in err
    return err


QUERIES = {
    "in-memory engine": "scan(throttle=50).collect(engine='in-memory')",
    "streaming engine": "scan(throttle=50).collect(engine='streaming')",
    "streaming engine, behind the other": (
        "(scan().collect(engine='in-memory'), scan(throttle=50).collect(engine='streaming'))"
    ),
    "streaming engine, behind a consumer": (
        "(stop_and_go(), scan(throttle=50).collect(engine='streaming'))"
    ),
    "read_hashes": "gf.read_hashes(client, 'user:*', {'a': pl.Int64}, throttle=50)",
    "read_strings": "gf.read_strings(client, 'text:*', throttle=50)",
    "keys alone": "gf.scan_hashes(client, 'user:*', {}, throttle=50).collect()",
    "count": "scan(throttle=50).select(pl.len()).collect()",
    "group by": "scan(throttle=50).group_by(pl.col('a') % 7).len().collect(engine='streaming')",
    "progress": "scan(throttle=50, progress=True).collect()",
    "progress, streaming": "scan(throttle=50, progress=True).collect(engine='streaming')",
    "join": "scan(throttle=50).join(scan(throttle=50), on='_key').collect()",
    "unthrottled": "[scan().collect() for _ in range(1_000_000)]",
    "unthrottled, streaming": "[scan().collect(engine='streaming') for _ in range(1_000_000)]",
    "sink": "scan(throttle=50).sink_parquet(os.devnull)",
    "a command": "client.execute('BLPOP', 'nothing', 0)",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_ctrl_c_ends_a_query(filled: str, query: str) -> None:
    program = f"""
        print("running", flush=True)
        quietly(lambda: {query})
        print("ended", flush=True)
        if {query.startswith("client")}:
            control = 0
        expect_nothing_left()
        # The process goes on as if nothing had been.
        assert client.ping()
        control = 1
        assert scan().select(pl.len()).collect().item() == {KEYS}
        expect_nothing_left()
        """
    assert interrupted(program, filled) == "ended\n"


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_ctrl_c_ends_a_program_with_nothing_but_a_keyboard_interrupt(
    filled: str, engine: str
) -> None:
    program = f"""
        print("running", flush=True)
        scan(throttle=50, progress=True).collect(engine="{engine}")
        """
    with start(program, filled) as process:
        interrupt(process, lambda: is_at_work(filled))
        _, err = end_of(process)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err
    if engine == "in-memory":
        # After its streaming engine Polars interrupts even the printing of the traceback.
        assert err.rstrip().endswith("KeyboardInterrupt"), err
    for word in ("panicked", "Exception ignored", "GearframeError", "ComputeError"):
        assert word not in err, err


def test_ctrl_c_ends_an_attempt_to_connect(filled: str) -> None:
    with ScriptedServer(in_order()) as closing:
        program = f"""
            print("running", flush=True)
            try:
                gf.connect("{closing.url}", retries=1000, backoff=3600.0, max_backoff=3600.0)
            except KeyboardInterrupt:
                print("ended", flush=True)
            """
        with start(program, filled) as process:
            interrupt(process, lambda: closing.received)
            assert end_of(process) == ("ended\n", "")
    assert process.returncode == 0


def interrupted(program: str, url: str) -> str:
    """Run a program, press Ctrl-C when its query is at work, and give what it then prints."""
    with start(program, url) as process:
        interrupt(process, lambda: is_at_work(url))
        out, err = end_of(process)
    assert process.returncode == 0, out + err
    assert "panicked" not in err, err
    assert "Exception ignored" not in err, err
    return out


def interrupt(process: subprocess.Popen[str], is_due: Callable[[], object]) -> None:
    """Wait until the program says that its query runs, and until it does, and press Ctrl-C."""
    assert process.stdout is not None
    if process.stdout.readline() != "running\n":
        raise AssertionError(end_of(process)[1])
    wait_until(lambda: is_due() or process.poll() is not None)
    process.send_signal(signal.SIGINT)


def is_at_work(url: str) -> bool:
    """Whether a connection of the program has sent more than its greeting."""
    with redis.Redis.from_url(url) as client:
        ours = [each for each in client.client_list() if each["name"] == "scan-of-the-test"]
    return any(each["cmd"] not in ("NULL", "hello") for each in ours)


def end_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for the end of a program, which is killed where it does not come."""
    try:
        return process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


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
        # It waits for whoever takes the batches.
        batches = scan(batch_size=1000).collect_batches(chunk_size=1000, maintain_order=False)
        assert next(iter(batches)).height > 0
        expect_it_runs()
        del batches
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
            signal.alarm(60)
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


def test_ctrl_c_while_a_batch_becomes_a_frame_waits_for_that(filled: str) -> None:
    program = """
        import signal
        from gearframe.io import source

        cast_frame, done = source.cast_frame, []

        def pressed(frame, schema):
            signal.raise_signal(signal.SIGINT)
            done.append(cast_frame(frame, schema))
            return done[0]

        source.cast_frame = pressed
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            scan().collect(engine="in-memory")
        except KeyboardInterrupt:
            assert len(done) == 1
        else:
            raise AssertionError("not interrupted")
        expect_nothing_left()
        """
    assert run(program, filled) == ""
