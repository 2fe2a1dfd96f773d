"""Waiting on a machine that may be busy: for things to happen, and in spite of short time-outs."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.connection import AbstractConnection, UnixDomainSocketConnection

import gearframe as gf
from gearframe.exceptions import ServerTimeoutError

ATTEMPTS = 40
PATIENCE = 60.0
"""Seconds after which what has not happened is taken for a hang."""

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: object = "", limit: float = PATIENCE) -> T:
    """Ask until the answer is true, and give it."""
    end = time.monotonic() + limit
    while not (answer := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:.0f} s: {what or condition}")
        time.sleep(0.005)
    return answer


def patiently(action: Callable[[], T]) -> T:
    """Try again what runs into a time-out that is short for the test's sake, and not meant here."""
    for _ in range(ATTEMPTS - 1):
        try:
            return action()
        except ServerTimeoutError:
            continue
    return action()


def connect_impatiently(url: str, **options: Any) -> gf.Client:
    """Connect with a ``read_timeout`` that is short for the test's sake.

    The time-out holds for the greeting as well, which a busy machine may take longer for, so a
    greeting that timed out is tried again; what is tested comes after it.
    """
    return patiently(lambda: gf.connect(url, retries=0, **options))


def make_redis_py_patient() -> None:
    """Let redis-py wait longer than five seconds for a reply, its time-out unless one is given.

    A server that fills itself with millions of elements, or a busy machine, takes longer.
    """
    for made in (redis.Redis, AbstractConnection, UnixDomainSocketConnection):
        function = inspect.unwrap(made.__init__)  # below its decorators
        named = inspect.signature(function).parameters.values()
        with_default = [each for each in named if each.default is not inspect.Parameter.empty]
        function.__defaults__ = tuple(
            PATIENCE if each.name == "socket_timeout" else each.default for each in with_default
        )
