"""A writer that changes a key over and over while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

Change = Callable[[redis.Redis, int], None]


@contextmanager
def busy(client: redis.Redis, *changes: Change) -> Iterator[list[int]]:
    """Make the changes in turn until the block ends; gives the numbers of those made so far.

    At least one of each has been made when the block begins.
    """
    made: list[int] = []
    begun, stop = threading.Event(), threading.Event()
    failures: list[redis.RedisError] = []

    def run() -> None:
        try:
            while not stop.is_set():
                for change in changes:
                    change(client, len(made))
                    made.append(len(made))
                begun.set()
        except redis.RedisError as error:
            failures.append(error)
            begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        begun.wait()
        yield made
    finally:
        stop.set()
        thread.join()
    assert not failures, failures
