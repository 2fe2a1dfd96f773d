"""Signals that end an iteration in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gearframe.interrupts import SystemHandler


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the consumer, each once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before: dict[int, tuple[Any, SystemHandler]] = {}

    def put_back() -> None:
        while before:
            number, (handler, system) = before.popitem()
            signal.signal(number, handler)
            system.put_back()

    def on_signal(*_: object) -> None:
        stop()
        put_back()

    for number in (signal.SIGINT, signal.SIGTERM):
        system = SystemHandler(number)
        before[number] = (signal.signal(number, on_signal), system)
    try:
        yield
    finally:
        put_back()
