"""A program that presses Ctrl-C at each call that a query makes, in one run of it after the other.

``python -X dev -W error -m tests.integration.pressed URL QUERY STEP`` prints, as JSON, how many
calls the query makes on the main thread and what went wrong at which. ``STEP`` is 1 for each of
them, or the distance between those that are tried.

Python raises KeyboardInterrupt where it calls a function of Python, and behind a call of a C
function. These are the events of a profiler, which is why one presses here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from types import FrameType

if __name__ == "__main__":
    # Before Polars is imported, which hooks itself in below this handler.
    signal.signal(signal.SIGINT, signal.default_int_handler)

import polars as pl

import gearframe as gf

NOISE = ("panicked", "Exception ignored", "Traceback")


def queries(url: str) -> dict[str, Callable[[], object]]:
    """What is interrupted, by name."""
    client = gf.connect(url)
    frame = pl.DataFrame({"_key": ["copy:1", "copy:2"], "a": [1, 2]})
    gear = gf.GearsBuilder().countby(lambda record: record["value"]["b"])
    hashes = {"a": pl.Int64, "b": pl.String}

    def scan(*, progress: bool = False) -> pl.LazyFrame:
        return gf.scan_hashes(client, "user:*", hashes, progress=progress)

    return {
        "scan": lambda: scan().collect(engine="in-memory"),
        "filter": lambda: scan().filter(pl.col("a") > 3).collect(engine="in-memory"),
        "streaming": lambda: scan().collect(engine="streaming"),
        "progress": lambda: scan(progress=True).collect(engine="in-memory"),
        "keys": lambda: gf.scan_keys(client, "*").collect(engine="in-memory"),
        "lists": lambda: gf.scan_lists(client, "list:*").collect(engine="in-memory"),
        "write": lambda: gf.write_hashes(frame, client, if_exists="replace"),
        "write with progress": lambda: gf.write_hashes(
            frame, client, if_exists="replace", progress=True
        ),
        "gear": lambda: gear.run(client, "user:*", backend="local"),
        "connect": lambda: gf.connect(url).close(),
    }


class Pressed:
    """Runs of one query, each interrupted at a later call."""

    def __init__(self, query: Callable[[], object]) -> None:
        self._query = query
        self._calls = 0
        self._at = 0
        self._where = ""

    def run(self, at: int) -> str:
        """Interrupt a run at this call; gives what came of it."""
        self._calls, self._at, self._where = 0, at, ""
        outcome = ""
        try:
            try:
                sys.setprofile(self._call)
                self._query()
            finally:
                sys.setprofile(None)
        except KeyboardInterrupt:
            return ""
        except BaseException as error:  # noqa: BLE001 - a panic of Polars is no Exception
            outcome = f"{type(error).__name__}: {error}"
        else:
            outcome = "no KeyboardInterrupt" if self._where else ""
        return f"{outcome} {self._where}" if outcome else ""

    def calls(self) -> int:
        """How many there are, in a run that nothing interrupts."""
        self.run(0)
        return self._calls

    def _call(self, frame: FrameType, event: str, function: object) -> None:
        if event not in ("call", "c_return") or function is sys.setprofile:
            return
        self._calls += 1
        if self._calls == self._at:
            sys.setprofile(None)
            code = frame.f_code
            self._where = f"{code.co_qualname} ({code.co_filename}:{frame.f_lineno})"
            signal.raise_signal(signal.SIGINT)


def main(url: str, name: str, step: int) -> None:
    """Interrupt a query at each so-manieth call."""
    pressed = Pressed(queries(url)[name])
    wrong = []
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        imported = pressed.run(0)  # with what a query imports when it is first run
        calls = pressed.calls()
        for at in [*range(1, calls + 1, step), 0]:
            outcome = pressed.run(at) or imported
            log.seek(0)
            said = log.read().decode("utf-8", "replace")
            log.truncate(0)
            log.seek(0)
            if outcome or any(word in said for word in NOISE):
                wrong.append([outcome, f"at call {at}", said])
    print(json.dumps({"calls": calls, "wrong": wrong}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
