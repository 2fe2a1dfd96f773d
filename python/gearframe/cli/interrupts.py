"""Ctrl-C: what is half done is undone, and the program ends at once.

Python runs signal handlers on the main thread, which waits inside Polars until the next batch of
a scan, and Polars raises ``KeyboardInterrupt`` twice (pola-rs/polars#23988). So the command line
has a thread that waits for the signal itself.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gearframe.interrupts import SystemHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXIT_CODE = 130
_SHOW_CURSOR = b"\x1b[?25h"

_undo: list[Callable[[], object]] = []


@contextmanager
def undone_by_interrupt(action: Callable[[], object]) -> Iterator[None]:
    """Have something done if Ctrl-C comes before the end of the block."""
    _undo.append(action)
    try:
        yield
    finally:
        _undo.remove(action)


@contextmanager
def watch_interrupts() -> Iterator[None]:
    """End the program with the code 130 on Ctrl-C.

    Does nothing on other threads than the main one, where Python takes no handler, and where the
    signal is ignored, as a shell has it for programs in the background.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The hook of Polars goes as well, which would raise once more.
    system = SystemHandler(signal.SIGINT)
    handler = signal.signal(signal.SIGINT, lambda *_: None)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reading,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGINT, handler)
        system.put_back()
        os.close(writing)
        watcher.join()
        os.close(reading)


def _watch(reading: int) -> None:
    while signals := os.read(reading, 64):
        if signal.SIGINT in signals:
            _end()


def _end() -> None:
    for action in reversed(_undo.copy()):
        with suppress(Exception):
            action()
    if sys.stderr.isatty():
        os.write(2, _SHOW_CURSOR)  # a progress bar hides it
    os._exit(EXIT_CODE)
